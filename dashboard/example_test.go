package dashboard_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
)

// user is what the service knows of who sends a request.
type user struct {
	name  string
	roles []string
}

func userOf(*http.Request) (user, error) { return user{"ann", []string{"on-call"}}, nil }

func Example() {
	storage := highway.NewInMemoryStorage()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	readToken, actToken := "read from a secret", "another one, longer"

	breakers, err := dashboard.New(dashboard.Config{
		Ledger: storage, // what the protectors share: this one, or that of package postgres
		Access: dashboard.Tokens(readToken, actToken),
	})
	if err != nil {
		panic(err)
	}
	defer breakers.Close()
	mux.Handle("/ops/breakers/", http.StripPrefix("/ops/breakers", breakers))

	response, err := http.Get(server.URL + "/ops/breakers/")
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	fmt.Println(response.Status, response.Request.URL.Path)
	// Output: 200 OK /ops/breakers/login
}

func ExampleAccess() {
	access := dashboard.Access{
		Read: func(r *http.Request) (string, error) {
			u, err := userOf(r)
			return u.name, err
		},
		Act: func(r *http.Request) (string, error) {
			u, err := userOf(r)
			if err == nil && !slices.Contains(u.roles, "on-call") {
				err = errors.New("only who is on call may act")
			}
			return u.name, err
		},
	}

	who, err := access.Act(nil)
	fmt.Println(who, err)
	// Output: ann <nil>
}
