package highwayhttp_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
	"github.com/highway-engine/highway/registry"
)

// TestTwoTransportsOnOneRegistryRecover: a request goes through the same protector twice.
func TestTwoTransportsOnOneRegistryRecover(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	protectors := highway.Must(registry.New(registry.Config{
		Policy: highway.CircuitProtectorPolicy{SuccessLimit: highway.Fraction(1, 1)},
	}))
	inner := highway.Must(highwayhttp.NewTransport(highwayhttp.Config{Base: server.Client().Transport, Protectors: protectors}))
	outer := highway.Must(highwayhttp.NewTransport(highwayhttp.Config{Base: inner, Protectors: protectors}))
	client := http.Client{Transport: outer}
	resp, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	for p := range protectors.All() {
		if err := p.HalfOpen(t.Context()); err != nil {
			t.Fatal(err)
		}
		if resp, err = client.Get(server.URL); err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if p.Status() != highway.Closed {
			t.Errorf("the circuit is %v", p.Status())
		}
	}
}
