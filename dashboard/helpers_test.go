package dashboard_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
	"github.com/highway-engine/highway/fleet"
)

const (
	readToken = "a token for looking"
	actToken  = "a token for acting!!"
)

// anybody may do everything.
var anybody = dashboard.Access{
	Read: func(*http.Request) (string, error) { return "ann", nil },
	Act:  func(*http.Request) (string, error) { return "ann", nil },
}

// newDashboard makes one that is closed with the test.
func newDashboard(t *testing.T, config dashboard.Config) *dashboard.Dashboard {
	t.Helper()
	if config.Ledger == nil {
		config.Ledger = highway.NewInMemoryStorage()
	}
	if config.Access.Read == nil {
		config.Access = anybody
	}
	if config.Every == 0 {
		config.Every = 100 * time.Millisecond
	}
	d, err := dashboard.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// use makes rows with these keys, as an instance does that uses them.
func use(t *testing.T, ledger fleet.Ledger, keys ...string) {
	t.Helper()
	reports := map[string]fleet.Report{}
	for _, key := range keys {
		reports[key] = fleet.Report{Instance: "web-1", Number: 1, Active: true, Failures: 1, Outcomes: 10}
	}
	if _, err := ledger.Exchange(t.Context(), "web-1", reports); err != nil {
		t.Fatal(err)
	}
}

// An asker changes a request before it is sent.
type asker func(*http.Request)

func header(name, value string) asker { return func(r *http.Request) { r.Header.Set(name, value) } }

// bearer sends a token.
func bearer(token string) asker { return header("Authorization", "Bearer "+token) }

// ask sends a request to a handler, without a network.
func ask(h http.Handler, method, target, body string, how ...asker) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, change := range how {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// serve serves over a network. It ends after those who listen have hung up.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// seenOf is the identity that the page is told of a key.
func seenOf(t *testing.T, h http.Handler, key string, how ...asker) string {
	t.Helper()
	var is struct{ Circuit struct{ Seen string } }
	w := ask(h, "GET", "/api/circuit?key="+key, "", how...)
	if err := json.Unmarshal(w.Body.Bytes(), &is); err != nil {
		t.Fatalf("%v in %d %s", err, w.Code, w.Body)
	}
	return is.Circuit.Seen
}

// An event is one of the stream.
type event struct {
	kind, data string
}

// listen opens the stream. The channel is closed when it ends.
func listen(t *testing.T, url string, how ...asker) <-chan event {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range how {
		change(r)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("%d, %s", response.StatusCode, kind)
	}
	events := make(chan event, 1000)
	go func() {
		defer close(events)
		defer response.Body.Close()
		var e event
		lines := bufio.NewReader(response.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			switch line = strings.TrimSuffix(line, "\n"); {
			case line == "":
				events <- e
				e = event{}
			default:
				name, value, _ := strings.Cut(line, ": ")
				if name == "event" {
					e.kind = value
				} else {
					e.data += value
				}
			}
		}
	}()
	return events
}

// until waits for an event that is wanted.
func until(t *testing.T, events <-chan event, wanted func(event) bool) event {
	t.Helper()
	patience := time.After(20 * time.Second)
	for {
		select {
		case e, more := <-events:
			if !more {
				t.Fatal("the stream has ended")
			}
			if wanted(e) {
				return e
			}
		case <-patience:
			t.Fatal("it did not come")
		}
	}
}

var errAway = errors.New("away")
