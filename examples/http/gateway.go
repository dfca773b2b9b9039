package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
	"github.com/highway-engine/highway/registry"
)

// NewGateway returns a handler that passes requests for /NAME/… on to the backend of that
// name. Each backend has a breaker of its own; while that is open its requests are answered
// with 503 and Retry-After, at once, and the others' go on. /breakers shows them all.
func NewGateway(backends map[string]string, changed func(highway.StatusChange)) (http.Handler, error) {
	breakers, err := registry.New(registry.Config{
		Policy: highway.CircuitProtectorPolicy{
			FailureLimit:   highway.Fraction(5, 10),
			Cooldown:       500 * time.Millisecond,
			OnStatusChange: changed,
		},
	})
	if err != nil {
		return nil, err
	}
	transport, err := highwayhttp.NewTransport(highwayhttp.Config{
		Protectors:     breakers,
		AttemptTimeout: time.Second, // until the header is there
		Retry: &highway.RetryWithBackoffPolicy{
			MaxRetries: 1,
			Backoff:    highway.ExponentialDelay{MinDelay: 5 * time.Millisecond, MaxDelay: time.Second, Factor: 2, Jitter: 0.5},
			TotalTime:  250 * time.Millisecond, // who asks for a longer wait is passed on instead
		},
	})
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /breakers", highwayhttp.Status(breakers.All()))
	for name, target := range backends {
		to, err := url.Parse(target)
		if err != nil {
			return nil, err
		}
		mux.Handle("GET /"+name+"/", http.StripPrefix("/"+name, inside(&httputil.ReverseProxy{
			Transport:    transport,
			Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(to); r.SetXForwarded() },
			ErrorHandler: answerError,
		})))
	}
	return mux, nil
}

// answerError answers for a backend that has not.
func answerError(w http.ResponseWriter, _ *http.Request, err error) {
	if highwayhttp.WriteRefusal(w, err) { // 503, and when to come back
		return
	}
	http.Error(w, http.StatusText(http.StatusBadGateway), http.StatusBadGateway)
}

// inside refuses paths that climb, however they are escaped: a backend may have a path of its
// own to stay below.
func inside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(strings.Split(r.URL.Path, "/"), "..") {
			http.Error(w, "a path must not climb", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
