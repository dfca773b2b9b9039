package dashboard

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/highway-engine/highway/internal/operate"
)

const (
	// shortestToken keeps tokens from being guessed.
	shortestToken = 16
	// session is how long somebody stays logged in.
	session = 12 * time.Hour
)

// Tokens is an [Access] for whoever knows one of two secrets of at least 16 bytes: with read
// one may look, with act one may also act. If act is empty nobody may. [New] refuses tokens
// that are too short, or the same.
//
// Programs send "Authorization: Bearer" and the token. People give it to a form, with a name
// that is kept with what they do; nobody checks that name. Their browser keeps a cookie for
// twelve hours from which the token cannot be told. Another token ends what was logged in
// with the one before; logging out only has the browser forget its cookie.
func Tokens(read, act string) Access {
	t := &tokens{read: read, mayAct: act}
	a := Access{tokens: t, Read: func(r *http.Request) (string, error) {
		if who, role := t.of(r); role != nothing {
			return who, nil
		}
		return "", errNoToken
	}}
	if act != "" {
		a.Act = func(r *http.Request) (string, error) {
			switch who, role := t.of(r); role {
			case acting:
				return who, nil
			case reading:
				return "", errOnlyReading
			}
			return "", errNoToken
		}
	}
	return a
}

var (
	errNoToken     = errors.New("there is no valid token with the request")
	errOnlyReading = errors.New("your token is only for looking")
)

// A role is what a token lets one do.
type role uint8

const (
	nothing role = iota
	reading
	acting
)

// tokens are two secrets, and the cookies that are made from them.
type tokens struct {
	read, mayAct string
}

// cookieName is how the cookie is called for who sends a request. Dashboards on other ports of a
// host have others, as browsers do not keep these apart.
func cookieName(r *http.Request) string {
	_, port, _ := net.SplitHostPort(r.Host)
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		return "highway_" + strconv.FormatUint(n, 10)
	}
	return "highway"
}

func (t *tokens) check() error {
	var all []error
	if len(t.read) < shortestToken {
		all = append(all, &InvalidConfigError{"Access", lengthOf("read", t.read), fmt.Sprintf("it must have at least %d", shortestToken)})
	}
	if t.mayAct != "" && len(t.mayAct) < shortestToken {
		all = append(all, &InvalidConfigError{"Access", lengthOf("act", t.mayAct), fmt.Sprintf("it must have at least %d, or be empty so that nobody may act", shortestToken)})
	}
	if t.mayAct != "" && t.mayAct == t.read {
		all = append(all, &InvalidConfigError{"Access", "one token for both", "who may look need not be who may act: they must differ"})
	}
	return errors.Join(all...)
}

func lengthOf(name, token string) string {
	return fmt.Sprintf("a token to %s of %d bytes", name, len(token))
}

// role is what a token lets one do. It takes the same time whatever the token is.
func (t *tokens) role(token string) role {
	got, read, act := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(t.read)), sha256.Sum256([]byte(t.mayAct))
	mayRead := subtle.ConstantTimeCompare(got[:], read[:])
	mayAct := subtle.ConstantTimeCompare(got[:], act[:])
	switch {
	case token == "":
	case mayAct == 1:
		return acting
	case mayRead == 1:
		return reading
	}
	return nothing
}

// of says who sends a request, and what that person may do.
func (t *tokens) of(r *http.Request) (who string, may role) {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return "bearer of a token", t.role(bearer)
	}
	for _, c := range r.CookiesNamed(cookieName(r)) {
		if who, may = t.open(c.Value, time.Now()); may != nothing {
			return who, may
		}
	}
	return "", nothing
}

// seal is the cookie of somebody: until when, who, and what proves that a token was there.
func (t *tokens) seal(who, token string, until time.Time) string {
	text := strconv.FormatInt(until.Unix(), 10) + "." + base64.RawURLEncoding.EncodeToString([]byte(who))
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text, token))
}

// open reads a cookie.
func (t *tokens) open(sealed string, now time.Time) (who string, may role) {
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 {
		return "", nothing
	}
	until, bad1 := strconv.ParseInt(parts[0], 10, 64)
	name, bad2 := base64.RawURLEncoding.DecodeString(parts[1])
	proof, bad3 := base64.RawURLEncoding.DecodeString(parts[2])
	if bad1 != nil || bad2 != nil || bad3 != nil || now.Unix() >= until {
		return "", nothing
	}
	text := parts[0] + "." + parts[1]
	switch {
	case t.mayAct != "" && hmac.Equal(proof, sign(text, t.mayAct)):
		return string(name), acting
	case hmac.Equal(proof, sign(text, t.read)):
		return string(name), reading
	}
	return "", nothing
}

func sign(text, token string) []byte {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("highway dashboard session\x00" + text))
	return mac.Sum(nil)
}

// errName is about what somebody calls themselves.
var errName = errors.New("the name must be one line of 1 to 100 bytes without control characters")

// checkName is what the storage would say at the first action, said before.
func checkName(who string) error {
	order := operate.Order{Key: "k", Action: operate.Close, By: who}
	if len(who) > 100 || order.Check() != nil {
		return errName
	}
	return nil
}
