package serve

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/highway-engine/highway/internal/logtest"
)

func TestUnderWhichNamesItAnswers(t *testing.T) {
	for _, c := range []struct {
		listen string
		names  []string
		want   []string
	}{
		{"127.0.0.1:0", nil, []string{"127.0.0.1", "localhost", "::1"}},
		{"[::1]:80", nil, []string{"127.0.0.1", "localhost", "::1"}},
		{"127.8.8.8:80", []string{"Ops.example"}, []string{"ops.example", "127.0.0.1", "localhost", "::1", "127.8.8.8"}},
		{":8080", nil, nil},
		{"10.1.2.3:80", []string{"ops.example"}, []string{"ops.example"}},
	} {
		if got := (Options{Listen: c.listen, Names: c.names}).Hosts(); !slices.Equal(got, c.want) {
			t.Errorf("%s, %v: %v", c.listen, c.names, got)
		}
	}
}

func TestAnAddressThatOthersReachNeedsMore(t *testing.T) {
	for listen, alone := range map[string]bool{
		"127.0.0.1:0": true, "localhost:8080": true, "[::1]:0": true, ":8080": false, "0.0.0.0:1": false, "10.1.2.3:1": false, "example.com:1": false,
	} {
		if err := (Options{Listen: listen}).Check(false); (err == nil) != alone {
			t.Errorf("%s: %v", listen, err)
		}
		for _, err := range []error{(Options{Listen: listen}).Check(true), (Options{Listen: listen, Certificate: "c", Key: "k"}).Check(false)} {
			if err != nil {
				t.Errorf("%s: %v", listen, err)
			}
		}
	}
	for _, listen := range []string{":0", "0.0.0.0:80", "10.1.2.3:1"} {
		// Where there are no such flags none are spoken of.
		if err := (Options{Listen: listen, Here: true}).Check(false); err == nil || !strings.Contains(err.Error(), "this machine alone") || strings.Contains(err.Error(), "--tls") {
			t.Errorf("%s: %v", listen, err)
		}
	}
	if err := (Options{Listen: "localhost:0", Here: true}).Check(false); err != nil {
		t.Error(err)
	}
	for _, wrong := range []Options{{Listen: "127.0.0.1"}, {Listen: ""}, {Listen: ":1", Certificate: "c"}, {Listen: ":1", Key: "k"}} {
		if wrong.Check(true) == nil {
			t.Errorf("%+v", wrong)
		}
	}
}

func TestAPanicIsLogged(t *testing.T) {
	out := logtest.Capture(t)
	server, err := Listen(Options{Listen: "127.0.0.1:0"}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/aborted" {
			panic(http.ErrAbortHandler)
		}
		panic("of the handler")
	}))
	if err != nil {
		t.Fatal(err)
	}
	if server.http.ReadTimeout == 0 {
		t.Error("a request that drips is waited for")
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()
	for _, path := range []string{"aborted", "x"} {
		if response, err := http.Get(server.URL() + path); err == nil {
			response.Body.Close()
			t.Errorf("%s is answered: %s", path, response.Status)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if said := out.String(); strings.Count(said, "level=ERROR") != 1 || !strings.Contains(said, `panic="of the handler"`) || !strings.Contains(said, "serve_test.go") || !strings.Contains(said, "path=/x") {
		t.Errorf("it is logged as %q", said)
	}
}
