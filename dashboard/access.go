package dashboard

import (
	"errors"
	"net/http"
)

// Access says who may look at a [Dashboard] and who may act through it. Each function is
// asked for every request, and may be asked several times for one. It returns who that is, or
// an error, whose text the person is shown. They must be safe for concurrent use.
//
// The Dashboard refuses what other sites make a browser send, so that a cookie is enough for the
// functions to go by. What a browser has under any name, such as its place in a network that is
// trusted or a certificate, is enough only with Config.Hosts: a site can have its own name lead
// here.
type Access struct {
	// Read lets somebody look. It is required. Of one who, 20 browsers are kept up to date at
	// once, and of all 200; an empty who is nobody in particular, to whom only the 200 apply.
	Read func(*http.Request) (who string, err error)

	// Act lets somebody act who may also look. Who is kept with each action, in one line of
	// up to 255 bytes. Nil means that nobody may: the page has no buttons.
	Act func(*http.Request) (who string, err error)

	tokens *tokens // that both functions go by; the page has a form for them
}

// check says what is missing.
func (a Access) check() error {
	if a.tokens != nil {
		return a.tokens.check()
	}
	if a.Read == nil {
		return &InvalidConfigError{"Access.Read", "nil", "there must be a function that says who may look; Tokens makes one"}
	}
	return nil
}

// errNobody is why nobody can act where there is no function for it.
var errNobody = errors.New("this dashboard is only for looking")

// act says who acts, or why that is refused.
func (a Access) act(r *http.Request) (who string, err error) {
	if a.Act == nil {
		return "", errNobody
	}
	return a.Act(r)
}
