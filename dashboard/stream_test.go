package dashboard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

func TestTheStreamTellsEverythingAndThenWhatChanges(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	use(t, storage, "mail", "payments", "\xff")
	server := serve(t, newDashboard(t, dashboard.Config{Ledger: storage}))
	events := listen(t, server.URL+"/api/events")
	all := until(t, events, func(e event) bool { return true })
	if all.kind != "all" {
		t.Fatalf("%+v", all)
	}
	if !strings.Contains(all.data, `"known":true`) { // it was asked before there was an answer
		all = until(t, events, func(e event) bool { return e.kind == "sample" && strings.Contains(e.data, "mail") })
	}
	if !strings.Contains(all.data, `"key":"payments"`) || !strings.Contains(all.data, `"key":"\u0000ff"`) || !strings.Contains(all.data, `"failures":1,"outcomes":10`) {
		t.Error(all.data)
	}
	if _, err := operate.Do(t.Context(), storage, operate.Order{Key: "payments", Action: operate.Isolate, By: "bob", Note: "INC-7"}); err != nil {
		t.Fatal(err)
	}
	change := until(t, events, func(e event) bool { return strings.Contains(e.data, "isolated") })
	var sample struct {
		Circuits, Transitions []struct{ Key, Hold, By, Note string }
	}
	if err := json.Unmarshal([]byte(change.data), &sample); err != nil {
		t.Fatal(err)
	}
	if len(sample.Circuits) != 1 || len(sample.Transitions) != 1 || sample.Circuits[0] != sample.Transitions[0] || sample.Circuits[0].Note != "INC-7" {
		t.Errorf("%+v", sample)
	}
	if _, err := operate.Do(t.Context(), storage, operate.Order{Key: "mail", Action: operate.Delete, By: "bob"}); err != nil {
		t.Fatal(err)
	}
	until(t, events, func(e event) bool { return strings.Contains(e.data, `"gone":["mail"]`) })
	again := until(t, listen(t, server.URL+"/api/events"), func(event) bool { return true })
	if strings.Contains(again.data, `"circuits":[{"key":"mail"`) || !strings.Contains(again.data, "isolated") || !strings.Contains(again.data, "INC-7") {
		t.Error(again.data)
	}
}

// A counter counts what it is asked, and can be away.
type counter struct {
	fleet.Ledger
	lists, looks, histories atomic.Int64
	away                    atomic.Bool
}

func (c *counter) List(ctx context.Context, q fleet.Query) ([]fleet.Circuit, error) {
	if c.lists.Add(1); c.away.Load() {
		return nil, errAway
	}
	return c.Ledger.List(ctx, q)
}

func (c *counter) Look(ctx context.Context, key string) (fleet.Detail, error) {
	c.looks.Add(1)
	return c.Ledger.Look(ctx, key)
}

func (c *counter) History(ctx context.Context, q fleet.HistoryQuery) ([]fleet.Transition, error) {
	c.histories.Add(1)
	return c.Ledger.History(ctx, q)
}

func TestALedgerThatIsAwayIsSaid(t *testing.T) {
	ledger := &counter{Ledger: highway.NewInMemoryStorage()}
	ledger.away.Store(true)
	server := serve(t, newDashboard(t, dashboard.Config{Ledger: ledger}))
	events := listen(t, server.URL+"/api/events")
	until(t, events, func(e event) bool { return strings.Contains(e.data, `"why":"away"`) })
	ledger.away.Store(false)
	until(t, events, func(e event) bool { return e.kind == "sample" })
}

func TestManyBrowsersAskTheLedgerLikeOne(t *testing.T) {
	ledger := &counter{Ledger: highway.NewInMemoryStorage()}
	use(t, ledger, "payments")
	d := newDashboard(t, dashboard.Config{Ledger: ledger, Every: time.Minute})
	server := serve(t, d)
	for range 20 {
		events := listen(t, server.URL+"/api/events")
		until(t, events, func(e event) bool { return true })
		for range 5 {
			if w := ask(d, "GET", "/api/circuit?key=payments", ""); w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
	}
	// One at the start, two pages each, and one for each that came; one look for all.
	if lists, looks := ledger.lists.Load(), ledger.looks.Load(); lists > 2*21 || looks != 1 {
		t.Errorf("%d lists, %d looks", lists, looks)
	}
	if histories := ledger.histories.Load(); histories > 2 {
		t.Errorf("the history was read %d times, and nothing had happened", histories)
	}
}

func TestCloseEndsTheStreams(t *testing.T) {
	d := newDashboard(t, dashboard.Config{})
	server := serve(t, d)
	events := listen(t, server.URL+"/api/events")
	until(t, events, func(event) bool { return true })
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for range events { // until the end
	}
	if w := ask(d, "GET", "/api/events", ""); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if err := d.Close(); err != nil {
		t.Errorf("again: %v", err)
	}
}

// A stuck browser has asked and reads nothing.
type stuck struct {
	*httptest.ResponseRecorder
	wrote   chan struct{}
	release chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	s.wrote <- struct{}{}
	<-s.release
	return len(p), nil
}

func TestABrowserThatReadsNothingIsDropped(t *testing.T) {
	d := newDashboard(t, dashboard.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	slow := &stuck{httptest.NewRecorder(), make(chan struct{}, 100), make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.ServeHTTP(slow, httptest.NewRequest("GET", "/api/events", nil).WithContext(ctx))
	}()
	<-slow.wrote
	server := serve(t, d)
	events := listen(t, server.URL+"/api/events")
	for range 25 { // more than wait for anybody; others hear them all
		until(t, events, func(e event) bool { return e.kind == "sample" })
	}
	close(slow.release)
	<-done // it was not told of all, and comes back
	if n := len(slow.wrote); n > 20 {
		t.Errorf("%d events had waited", n)
	}
}

func TestMoreCircuitsThanCanBeKept(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	var keys []string
	for i := range 12_000 {
		keys = append(keys, fmt.Sprintf("k%05d", i))
	}
	use(t, storage, keys...)
	if _, err := operate.Do(t.Context(), storage, operate.Order{Key: "k11999", Action: operate.Isolate, By: "bob"}); err != nil {
		t.Fatal(err)
	}
	server := serve(t, newDashboard(t, dashboard.Config{Ledger: storage}))
	all := until(t, listen(t, server.URL+"/api/events"), func(e event) bool { return strings.Contains(e.data, "k00000") })
	if n := strings.Count(all.data, `"seen"`); n != 10_001 || !strings.Contains(all.data, "k11999") || !strings.Contains(all.data, `"more":true`) {
		t.Errorf("%d circuits", n)
	}
}

func TestUnderAPrefix(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	use(t, storage, "payments")
	d := newDashboard(t, dashboard.Config{Ledger: storage, Access: dashboard.Tokens(readToken, actToken)})
	mux := http.NewServeMux()
	mux.Handle("/ops/breakers/", http.StripPrefix("/ops/breakers", d))
	h := http.StripPrefix("/bare", d)
	for _, c := range []struct {
		handler  http.Handler
		target   string
		code     int
		location string
	}{
		{mux, "/ops/breakers/", 303, "login"},
		{mux, "/ops/breakers/login", 200, ""},
		{mux, "/ops/breakers/dashboard.css", 200, ""},
		{mux, "/ops/breakers/api/me", 401, ""},
		{h, "/bare", 303, "./bare/"},
		{h, "/bare?x=1", 303, "./bare/"},
		{h, "/bare/", 303, "login"},
	} {
		w := ask(c.handler, "GET", c.target, "")
		if w.Code != c.code || w.Header().Get("Location") != c.location {
			t.Errorf("%s: %d, %q", c.target, w.Code, w.Header().Get("Location"))
		}
	}
	text := ask(d, "GET", "/", "", bearer(readToken)).Body.String()
	if strings.Contains(text, `href="/`) || strings.Contains(text, `src="/`) || strings.Contains(text, `action="/`) || strings.Contains(text, "http") {
		t.Errorf("the page has links that do not move with it:\n%s", text)
	}
}

func TestWhoRefusesAloneIsSaid(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	use(t, storage, "mail")
	view, err := storage.Exchange(t.Context(), "web-2", map[string]fleet.Report{"mail": {Instance: "web-2", Number: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Exchange(t.Context(), "web-2", map[string]fleet.Report{"mail": {
		Instance: "web-2", Number: 2, Active: true, Refuses: true, Suspicion: 1, About: view["mail"].Row.Identity, Failures: 9, Outcomes: 10,
	}}); err != nil {
		t.Fatal(err)
	}
	server := serve(t, newDashboard(t, dashboard.Config{Ledger: storage}))
	until(t, listen(t, server.URL+"/api/events"), func(e event) bool {
		return strings.Contains(e.data, `"suspects":1,"refusing":1,"who":"web-2"`)
	})
}
