package browsertest

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
)

// others listens as so many other browsers do.
func others(t *testing.T, url string, many int) (end func()) {
	t.Helper()
	transport := &http.Transport{}
	var bodies []io.Closer
	for range many {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url+"api/events", nil)
		must(t, err)
		response, err := transport.RoundTrip(r)
		must(t, err)
		bodies = append(bodies, response.Body)
		go func() { _, _ = io.Copy(io.Discard, response.Body) }()
	}
	return func() {
		for _, b := range bodies {
			_ = b.Close()
		}
	}
}

func TestAPageSaysWhyItHasNoPlace(t *testing.T) {
	named := dashboard.Access{Read: func(*http.Request) (string, error) { return "ann", nil }}
	url := serve(t, dashboard.Config{Ledger: highway.NewInMemoryStorage(), Access: named, Every: time.Minute})
	p := open(t, Wide, url)
	until(t, p, found)
	defer others(t, url, 20)()
	until(t, p, lost, "document.getElementById('stale').textContent.includes('this page is open in so many places')")
	get[bool](t, p, "location.reload() ?? true")
	until(t, p, found)

	nobody := dashboard.Access{Read: func(*http.Request) (string, error) { return "", nil }}
	url = serve(t, dashboard.Config{Ledger: highway.NewInMemoryStorage(), Access: nobody, Every: time.Minute})
	end := others(t, url, 200)
	defer end()
	p = open(t, Wide, url, "status of 503")
	until(t, p, lost, "document.getElementById('stale').textContent.includes('200 browsers are connected already')")
	end()
	until(t, p, found)
}
