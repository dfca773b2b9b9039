// Package operatetest holds package operate against a ledger.
package operatetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

// Run tests orders on a ledger that open opens, empty each time.
func Run(t *testing.T, open func(t *testing.T) fleet.Ledger) {
	for name, test := range map[string]func(*testing.T, fleet.Ledger){
		"each action does what it says":                                      actions,
		"S8: no decision of an instance is carried out on an order":          holds,
		"a key that nobody uses is refused unless the order says otherwise":  typos,
		"S1, S3: of two who act at once one comes after the other":           races,
		"S11: an order of before a deletion does not apply to what is there": deletions,
		"what the person has not seen is left alone if the order says so":    overtaken,
	} {
		t.Run(name, func(t *testing.T) {
			ledger := open(t)
			t.Cleanup(func() { _ = ledger.Close(context.Background()) })
			test(t, ledger)
		})
	}
}

// do carries out an order on the key "payments" that must be carried out.
func do(t *testing.T, ledger fleet.Ledger, o operate.Order) operate.Outcome {
	t.Helper()
	o.Key, o.By = "payments", "ann"
	is, err := operate.Do(t.Context(), ledger, o)
	if err != nil {
		t.Fatalf("%s: %v", o.Action, err)
	}
	return is
}

func look(t *testing.T, ledger fleet.Ledger) fleet.Detail {
	t.Helper()
	d, err := ledger.Look(t.Context(), "payments")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// use makes the row at the key, as an instance does.
func use(t *testing.T, ledger fleet.Ledger) fleet.Row {
	t.Helper()
	views, err := ledger.Exchange(t.Context(), "a", map[string]fleet.Report{"payments": {Instance: "a", Number: 1, Active: true}})
	if err != nil {
		t.Fatal(err)
	}
	return views["payments"].Row
}

func actions(t *testing.T, ledger fleet.Ledger) {
	use(t, ledger)
	before := fleet.Closed
	for _, c := range []struct {
		order operate.Order
		state fleet.State
		hold  fleet.Hold
	}{
		{operate.Order{Action: operate.Open, For: time.Hour, Note: `'; DROP TABLE hw_circuit_breakers; -- "\ 世界`}, fleet.Open, fleet.HeldOpen},
		{operate.Order{Action: operate.Release, Note: "over"}, fleet.HalfOpen, fleet.NoHold},
		{operate.Order{Action: operate.Isolate, Note: "INC-7"}, fleet.Open, fleet.Isolated},
		{operate.Order{Action: operate.Disable}, fleet.Closed, fleet.Disabled},
		{operate.Order{Action: operate.HalfOpen}, fleet.HalfOpen, fleet.NoHold},
		{operate.Order{Action: operate.Close, Note: "fixed"}, fleet.Closed, fleet.NoHold},
	} {
		is := do(t, ledger, c.order)
		d := look(t, ledger)
		if !is.Changed || is.Before.State != before || is.After.State != c.state || d.Row.Identity != is.After.Identity ||
			d.Row.State != c.state || d.Row.Hold != c.hold || d.Row.By != "ann" || d.Row.Note != c.order.Note || d.Row.Reason != fleet.Commanded {
			t.Errorf("%s: %+v, and then %+v", c.order.Action, is, d.Row)
		}
		if left := d.Row.Remaining; left > c.order.For || left < c.order.For-time.Minute {
			t.Errorf("%s: %v are left", c.order.Action, left)
		}
		before = c.state
	}
	if is := do(t, ledger, operate.Order{Action: operate.Release}); is.Changed || is.After.Identity != is.Before.Identity {
		t.Errorf("a release without a hold has made %+v", is)
	}
	if is := do(t, ledger, operate.Order{Action: operate.Delete, Note: "a typo"}); !is.Changed || is.After.Incarnation != 0 || is.Before.Note != "fixed" {
		t.Errorf("deleted: %+v", is)
	}
	if d := look(t, ledger); d.Row.Incarnation != 0 {
		t.Errorf("after the deletion %+v is there", d)
	}
	history, err := ledger.History(t.Context(), fleet.HistoryQuery{Key: "payments"})
	if err != nil || len(history) != 7 || !history[0].Deleted || history[0].By != "ann" || history[0].Note != "a typo" ||
		history[1].Note != "fixed" || history[6].To != fleet.Open {
		t.Errorf("%v, %+v", err, history)
	}
}

func holds(t *testing.T, ledger fleet.Ledger) {
	decided := use(t, ledger)
	do(t, ledger, operate.Order{Action: operate.Isolate, Note: "stay away"})
	open := fleet.Row{Identity: fleet.Identity{Epoch: decided.Epoch + 1, Nonce: 5}, State: fleet.Closed}
	if is, err := ledger.Change(t.Context(), "payments", decided.Identity, open); err != nil || is.Hold != fleet.Isolated || is.Note != "stay away" {
		t.Errorf("%+v, %v", is, err)
	}
}

func typos(t *testing.T, ledger fleet.Ledger) {
	for _, action := range operate.Actions {
		o := operate.Order{Key: "paymets", Action: action, By: "ann"}
		if action == operate.Open {
			o.For = time.Second
		}
		if is, err := operate.Do(t.Context(), ledger, o); !errors.Is(err, operate.ErrNoCircuit) || is.Changed {
			t.Errorf("%s: %+v, %v", action, is, err)
		}
	}
	if all, err := ledger.List(t.Context(), fleet.Query{}); err != nil || len(all) != 0 {
		t.Errorf("%+v is there, %v", all, err)
	}
	if is := do(t, ledger, operate.Order{Action: operate.Isolate, Create: true}); is.After.Hold != fleet.Isolated {
		t.Errorf("%+v", is)
	}
	for _, action := range []operate.Action{operate.Delete, operate.Release} {
		o := operate.Order{Key: "paymets", Action: action, By: "ann", Create: true}
		if _, err := operate.Do(t.Context(), ledger, o); !errors.Is(err, operate.ErrNoCircuit) {
			t.Errorf("%s of what it would make: %v", action, err)
		}
	}
}

func races(t *testing.T, ledger fleet.Ledger) {
	use(t, ledger)
	people := []operate.Order{
		{Action: operate.Isolate, By: "ann", Note: "it fails"},
		{Action: operate.Close, By: "bob", Note: "it works"},
		{Action: operate.Disable, By: "cid", Note: "never mind"},
	}
	const rounds = 10
	for range rounds {
		outcomes := make([]operate.Outcome, len(people))
		var acting sync.WaitGroup
		for i, o := range people {
			acting.Go(func() {
				var err error
				o.Key = "payments"
				if outcomes[i], err = operate.Do(t.Context(), ledger, o); err != nil {
					t.Errorf("%s: %v", o.By, err)
				}
			})
		}
		acting.Wait()
		befores, last := map[fleet.Identity]bool{}, outcomes[0].After
		for _, o := range outcomes {
			befores[o.Before.Identity] = true
			if o.After.Epoch > last.Epoch {
				last = o.After
			}
		}
		if len(befores) != len(people) {
			t.Errorf("they were not one after the other: %+v", outcomes)
		}
		if is := look(t, ledger).Row; is.Identity != last.Identity || is.By != last.By || is.Note != last.Note {
			t.Errorf("%+v is there, and the last has made %+v", is, last)
		}
	}
	if history, err := ledger.History(t.Context(), fleet.HistoryQuery{}); err != nil || len(history) != rounds*len(people) {
		t.Errorf("%d transitions, %v", len(history), err)
	}
}

func deletions(t *testing.T, ledger fleet.Ledger) {
	first := use(t, ledger)
	do(t, ledger, operate.Order{Action: operate.Delete})
	use(t, ledger)
	o := operate.Order{Key: "payments", Action: operate.Isolate, By: "ann", Seen: first.Identity}
	if is, err := operate.Do(t.Context(), ledger, o); !errors.Is(err, operate.ErrOvertaken) || is.Changed {
		t.Errorf("%+v, %v", is, err)
	}
	// Of those who delete at once one has done it, and stands in the history.
	for _, sees := range []bool{false, true} {
		var seen fleet.Identity
		late := operate.ErrNoCircuit
		if row := use(t, ledger); sees {
			seen, late = row.Identity, operate.ErrOvertaken
		}
		var acting, looking sync.WaitGroup
		done := make([]bool, 4)
		looking.Add(len(done))
		for i := range done {
			acting.Go(func() {
				o := operate.Order{Key: "payments", Action: operate.Delete, By: fmt.Sprint(i), Seen: seen}
				is, err := operate.Do(t.Context(), together{ledger, &looking}, o)
				if done[i] = is.Changed; done[i] != (err == nil) || err != nil && !errors.Is(err, late) {
					t.Errorf("%+v, %v", is, err)
				}
			})
		}
		acting.Wait()
		if d := look(t, ledger); d.Row.Incarnation != 0 {
			t.Errorf("%+v is there", d)
		}
		past, err := ledger.History(t.Context(), fleet.HistoryQuery{Key: "payments", Limit: 1})
		if err != nil || len(past) != 1 || !past[0].Deleted {
			t.Fatalf("%+v, %v", past, err)
		}
		for i, changed := range done {
			if changed != (past[0].By == fmt.Sprint(i)) {
				t.Errorf("%v say that they have done it, and the history says %q", done, past[0].By)
			}
		}
	}
}

// together has everybody look before anybody acts.
type together struct {
	fleet.Ledger
	looking *sync.WaitGroup
}

func (l together) Look(ctx context.Context, key string) (fleet.Detail, error) {
	d, err := l.Ledger.Look(ctx, key)
	l.looking.Done()
	l.looking.Wait()
	return d, err
}

func overtaken(t *testing.T, ledger fleet.Ledger) {
	seen := use(t, ledger)
	isolated := do(t, ledger, operate.Order{Action: operate.Isolate, Seen: seen.Identity})
	for _, action := range []operate.Action{operate.Close, operate.Release, operate.Delete} {
		o := operate.Order{Key: "payments", Action: action, By: "bob", Seen: seen.Identity}
		is, err := operate.Do(t.Context(), ledger, o)
		if !errors.Is(err, operate.ErrOvertaken) || errors.Is(err, highway.ErrUnknown) || is.After.Identity != isolated.After.Identity {
			t.Errorf("%s: %+v, %v", action, is, err)
		}
	}
	if is := do(t, ledger, operate.Order{Action: operate.Close, Seen: isolated.After.Identity}); !is.Changed {
		t.Errorf("%+v", is)
	}
}
