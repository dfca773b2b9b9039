package main

import (
	"io"
	"net/http"
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
		},
	})
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: transport}

	mux := http.NewServeMux()
	mux.Handle("GET /breakers", highwayhttp.Status(breakers.All()))
	mux.HandleFunc("GET /{backend}/{path...}", func(w http.ResponseWriter, r *http.Request) {
		url, ok := backends[r.PathValue("backend")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, url+"/"+r.PathValue("path"), nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		response, err := client.Do(request)
		switch {
		case highwayhttp.WriteRefusal(w, err): // 503, and when to come back
			return
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close() // which settles the call
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	})
	return mux, nil
}
