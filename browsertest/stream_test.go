package browsertest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

// lost says that the page says that it is not live.
const lost = "document.getElementById('live-text').textContent.startsWith('Not live since ') && !document.getElementById('stale').hidden"
const found = "document.getElementById('live-text').textContent === 'Live' && document.getElementById('stale').hidden"

func TestTheServerGoesAndComesBack(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	rows(t, storage, "web-1", "payments")
	begin := func(at string) (url string, end func()) {
		d, err := dashboard.New(dashboard.Config{Ledger: storage, Access: everybody, Every: 100 * time.Millisecond})
		must(t, err)
		listener, err := net.Listen("tcp", at)
		must(t, err)
		server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: d}}
		server.Start()
		return server.URL + "/", func() {
			server.CloseClientConnections()
			must(t, d.Close())
			server.Close()
		}
	}
	url, end := begin("127.0.0.1:0")
	p := open(t, Wide, url, "net::ERR_") // the browser says by itself that nobody answers
	until(t, p, found, is(word("payments"), "Closed"))
	end()
	until(t, p, lost, "document.body.classList.contains('lost')")
	_, err := operate.Do(t.Context(), storage, operate.Order{Key: "payments", Action: operate.Isolate, By: "bob"})
	must(t, err)
	_, end = begin(url[len("http://") : len(url)-1])
	defer end()
	until(t, p, found, is(word("payments"), "Isolated"))
}

// A ledger that can be away.
type ledger struct {
	fleet.Ledger
	away atomic.Bool
}

func (l *ledger) List(ctx context.Context, q fleet.Query) ([]fleet.Circuit, error) {
	if l.away.Load() {
		return nil, errors.New("no <route> to host")
	}
	return l.Ledger.List(ctx, q)
}

func TestTheStorageGoesAndComesBack(t *testing.T) {
	storage := &ledger{Ledger: highway.NewInMemoryStorage()}
	rows(t, storage, "web-1", "payments")
	p := open(t, Wide, serve(t, dashboard.Config{Ledger: storage}))
	until(t, p, found)
	storage.away.Store(true)
	until(t, p, lost, "document.getElementById('stale').textContent.includes('the storage does not answer: no <route> to host')")
	storage.away.Store(false)
	until(t, p, found)
}
