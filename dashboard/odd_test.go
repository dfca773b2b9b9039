package dashboard_test

import (
	"context"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/logtest"
)

// odd is a ledger with whatever somebody has written into it.
type odd struct {
	fleet.Ledger
	circuits    []fleet.Circuit
	transitions []fleet.Transition
	upset       atomic.Bool
}

// badError cannot be said.
type badError struct{}

func (badError) Error() string { panic("no words") }

func (o *odd) List(_ context.Context, q fleet.Query) ([]fleet.Circuit, error) {
	if o.upset.Load() {
		return nil, badError{}
	}
	if q.After != "" {
		return nil, nil
	}
	return o.circuits, nil
}

func (o *odd) History(context.Context, fleet.HistoryQuery) ([]fleet.Transition, error) {
	return o.transitions, nil
}

func TestAnyNumbersCanBeShown(t *testing.T) {
	ledger := &odd{Ledger: highway.NewInMemoryStorage(), transitions: []fleet.Transition{{ID: 1, Key: "a", Ago: math.MaxInt64}, {ID: 2, Key: "a", Ago: math.MinInt64}}}
	numbers := []int{0, 1, -1, math.MaxInt, math.MinInt, math.MaxInt / 61, math.MaxInt32}
	for i, failures := range numbers {
		for j, outcomes := range numbers {
			c := fleet.Circuit{Key: string(rune('a'+i)) + string(rune('a'+j)), Changed: math.MinInt64, Failures: failures, Outcomes: outcomes, Active: outcomes, Suspects: failures}
			c.Row.Incarnation, c.Row.Remaining = 1, math.MaxInt64
			ledger.circuits = append(ledger.circuits, c)
		}
	}
	server := serve(t, newDashboard(t, dashboard.Config{Ledger: ledger}))
	until(t, listen(t, server.URL+"/api/events"), func(e event) bool { return strings.Contains(e.data, `"key":"dd"`) })
	all := until(t, listen(t, server.URL+"/api/events"), func(e event) bool { return e.kind == "all" })
	if n := strings.Count(all.data, `z"`); n < 10 { // of as many failures as calls, or more
		t.Errorf("%d circuits fail always in %s", n, all.data)
	}
}

func TestWhatCannotBeShownIsSaidAndLoggedOnce(t *testing.T) {
	log := logtest.Capture(t)
	ledger := &odd{Ledger: highway.NewInMemoryStorage(), circuits: []fleet.Circuit{{Key: "a"}}}
	d := newDashboard(t, dashboard.Config{Ledger: ledger})
	server := serve(t, d)
	events := listen(t, server.URL+"/api/events")
	until(t, events, func(e event) bool { return strings.Contains(e.data, `"key":"a"`) })
	ledger.upset.Store(true)
	until(t, events, func(e event) bool { return e.kind == "lost" && strings.Contains(e.data, "no words") })
	for range events { // ends: it is told anew
	}
	until(t, listen(t, server.URL+"/api/events"), func(e event) bool { return strings.Contains(e.data, "no words") })
	ledger.upset.Store(false)
	until(t, listen(t, server.URL+"/api/events"), func(e event) bool { return e.kind == "sample" && strings.Contains(e.data, `"key":"a"`) })
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "no words"); n != 1 {
		t.Errorf("it is logged %d times: %s", n, log.String())
	}
}
