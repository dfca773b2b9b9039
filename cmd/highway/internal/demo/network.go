package demo

import (
	"errors"
	"math/rand/v2"
	"net/http"
)

// sickness is the share of requests that a sick network loses.
const sickness = 0.9

// errNetwork is what a request comes to that has not left its client.
var errNetwork = errors.New("the client's own network is down")

// A sickNetwork loses most requests while it is bad, before they reach the server.
type sickNetwork struct {
	http.RoundTripper
	bad func() bool
}

func (n sickNetwork) RoundTrip(request *http.Request) (*http.Response, error) {
	if n.bad() && rand.Float64() < sickness {
		return nil, errNetwork
	}
	return n.RoundTripper.RoundTrip(request)
}
