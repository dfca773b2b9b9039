package highwayhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
	"github.com/highway-engine/highway/registry"
)

// A breaker for each host, and two retries of what may be sent again.
func Example() {
	client := &http.Client{Transport: highway.Must(highwayhttp.NewTransport(highwayhttp.Config{
		Retry: &highway.RetryWithBackoffPolicy{MaxRetries: 2},
	}))}

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "hello")
	}))
	defer server.Close()
	resp, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	fmt.Println(string(text), err)
	// Output: hello <nil>
}

// Everything said.
func ExampleNewTransport() {
	protectors := highway.Must(registry.New(registry.Config{
		Policy: highway.CircuitProtectorPolicy{
			FailureLimit:   highway.Fraction(10, 50),
			Cooldown:       10 * time.Second,
			OnStatusChange: highway.LogStatusChanges(nil),
		},
	}))
	transport, err := highwayhttp.NewTransport(highwayhttp.Config{
		Base:       &http.Transport{MaxIdleConnsPerHost: 20},
		Protectors: protectors,
		Key: func(req *http.Request) string { // the search of a host has a breaker of its own
			if req.URL.Path == "/search" {
				return highwayhttp.KeyByHost(req) + "/search"
			}
			return highwayhttp.KeyByHost(req)
		},
		Failure: func(resp *http.Response) bool { // 429 is our fault, not the host's
			return resp.StatusCode >= 500
		},
		Retry:          &highway.RetryWithBackoffPolicy{MaxRetries: 2, TotalTime: 5 * time.Second},
		Idempotent:     func(req *http.Request) bool { return req.URL.Path == "/search" || req.Method == "GET" },
		AttemptTimeout: time.Second,
	})
	fmt.Println(transport.Protectors() == protectors, err)
	// Output: true <nil>
}

// What came of a request.
func ExampleTransport() {
	transport := highway.Must(highwayhttp.NewTransport(highwayhttp.Config{}))
	client := &http.Client{Transport: transport}
	payments := highway.Must(transport.Protectors().Get("payments.example"))
	_ = payments.Isolate(context.Background()) // as somebody on call would

	resp, err := client.Get("https://payments.example/")
	var refusal *highway.ProtectedCallError
	switch {
	case errors.As(err, &refusal):
		fmt.Println("not sent:", refusal.ResourceKey(), "is", refusal.State())
	case err != nil:
		fmt.Println("no response:", err)
	default:
		defer resp.Body.Close()
		fmt.Println("answered:", resp.Status)
	}
	// Output: not sent: payments.example is OPEN
}

func ExampleMiddleware() {
	client := &http.Client{Transport: highway.Must(highwayhttp.NewTransport(highwayhttp.Config{}))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, req *http.Request) {
		call, err := http.NewRequestWithContext(req.Context(), "GET", "https://orders.example/", nil)
		if err != nil {
			http.Error(w, "cannot ask", http.StatusInternalServerError)
			return
		}
		resp, err := client.Do(call)
		if err != nil {
			http.Error(w, "no orders", http.StatusInternalServerError)
			return
		}
		defer resp.Body.Close()
		_, _ = io.Copy(w, resp.Body)
	})
	handler := highwayhttp.Middleware(mux)

	orders := highway.Must(client.Transport.(*highwayhttp.Transport).Protectors().Get("orders.example"))
	_ = orders.Open(context.Background(), time.Minute)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/orders", nil))
	fmt.Println(w.Code, "Retry-After:", w.Header().Get("Retry-After"))
	// Output: 503 Retry-After: 60
}

// A protector of something else than HTTP tells the middleware too.
func ExampleNoteRefusal() {
	database := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "database",
		OnRefusal:   highwayhttp.NoteRefusal,
	}))
	handler := highwayhttp.Middleware(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := database.Do(req.Context(), query); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))

	_ = database.Open(context.Background(), time.Minute)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code, "Retry-After:", w.Header().Get("Retry-After"))
	// Output: 503 Retry-After: 60
}

func ExampleWriteRefusal() {
	database := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "database"}))
	handler := func(w http.ResponseWriter, req *http.Request) {
		err := database.Do(req.Context(), query)
		if highwayhttp.WriteRefusal(w, err) {
			return
		}
		if err != nil {
			http.Error(w, "query failed", http.StatusInternalServerError)
		}
	}

	_ = database.Open(context.Background(), time.Minute)
	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code, "Retry-After:", w.Header().Get("Retry-After"))
	// Output: 503 Retry-After: 60
}

func ExampleStatus() {
	transport := highway.Must(highwayhttp.NewTransport(highwayhttp.Config{}))
	mux := http.NewServeMux()
	mux.Handle("/debug/circuits", highwayhttp.Status(transport.Protectors().All()))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/debug/circuits", nil))
	fmt.Print(w.Body)
	// Output:
	// {"protectors": [
	// ]}
}

func query(context.Context) error { return nil }
