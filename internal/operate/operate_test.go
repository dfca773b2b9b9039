package operate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
	"github.com/highway-engine/highway/internal/operate/operatetest"
)

func TestOrdersInMemory(t *testing.T) {
	operatetest.Run(t, func(*testing.T) fleet.Ledger { return highway.NewInMemoryStorage() })
}

func TestSenselessOrdersAreRefused(t *testing.T) {
	good := operate.Order{Key: "k", Action: operate.Close, By: "ann"}
	for _, c := range []struct {
		field string
		spoil func(*operate.Order)
	}{
		{"", func(*operate.Order) {}},
		{"", func(o *operate.Order) { o.Note = strings.Repeat("n", fleet.LongestNote) }},
		{"", func(o *operate.Order) { o.By, o.Note = `o'brien "x" <b>`, "🚦 世界 $1 %s \\" }},
		{"", func(o *operate.Order) { o.Action, o.For = operate.Open, operate.LongestOpen }},
		{"Key", func(o *operate.Order) { o.Key = "" }},
		{"Key", func(o *operate.Order) { o.Key = strings.Repeat("k", fleet.LongestKey+1) }},
		{"Action", func(o *operate.Order) { o.Action = "reboot" }},
		{"Action", func(o *operate.Order) { o.Action = "" }},
		{"For", func(o *operate.Order) { o.Action, o.For = operate.Open, 0 }},
		{"For", func(o *operate.Order) { o.Action, o.For = operate.Open, -time.Second }},
		{"For", func(o *operate.Order) { o.Action, o.For = operate.Open, operate.LongestOpen+1 }},
		{"For", func(o *operate.Order) { o.For = time.Second }},
		{"By", func(o *operate.Order) { o.By = "" }},
		{"By", func(o *operate.Order) { o.By = " " }},
		{"By", func(o *operate.Order) { o.By = "ann\nbob" }},
		{"By", func(o *operate.Order) { o.By = strings.Repeat("a", operate.LongestBy+1) }},
		{"Note", func(o *operate.Order) { o.Note = strings.Repeat("n", 10_000) }},
		{"Note", func(o *operate.Order) { o.Note = "a\x00b" }},
		{"Note", func(o *operate.Order) { o.Note = "\x1b[2J" }},
		{"Note", func(o *operate.Order) { o.Note = "\xff" }},
		{"Note", func(o *operate.Order) { o.Note = "a\u202eb" }},
	} {
		o := good
		c.spoil(&o)
		err := o.Check()
		var invalid *operate.InvalidError
		if c.field == "" && err != nil || c.field != "" && (!errors.As(err, &invalid) || invalid.Field != c.field ||
			invalid.Rule == "" || len(err.Error()) > 400 || !strings.Contains(err.Error(), c.field)) {
			t.Errorf("%s with a wrong %q: %v", o.Action, c.field, err)
		}
		storage := highway.NewInMemoryStorage()
		if _, done := operate.Do(t.Context(), storage, o); c.field != "" && !errors.As(done, &invalid) {
			t.Errorf("it is carried out: %v", done)
		}
	}
	err := operate.Order{For: time.Second}.Check()
	for _, field := range []string{"Key", "Action", "For", "By"} {
		if !strings.Contains(err.Error(), "highway: "+field) {
			t.Errorf("%v\ndoes not name %s", err, field)
		}
	}
}

// A faulty ledger answers as it is told to.
type faulty struct {
	fleet.Ledger
	exchange, change, look, history error
	lost                            error  // it is done, and the answer does not come
	before                          func() // the first removal: what somebody else does
}

func (f *faulty) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	if f.change != nil {
		return fleet.Row{}, f.change
	}
	is, err := f.Ledger.Change(ctx, key, from, row)
	return is, errors.Join(err, f.lost)
}

func (f *faulty) Remove(ctx context.Context, key string, from fleet.Identity, by, note string) (fleet.Row, bool, error) {
	if before := f.before; before != nil {
		f.before = nil
		before()
	}
	if f.change != nil {
		return fleet.Row{}, false, f.change
	}
	is, removed, err := f.Ledger.Remove(ctx, key, from, by, note)
	return is, removed && f.lost == nil, errors.Join(err, f.lost)
}

func (f *faulty) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	if f.exchange != nil {
		return nil, f.exchange
	}
	views, err := f.Ledger.Exchange(ctx, instance, reports)
	if f.lost != nil {
		views = nil
	}
	return views, errors.Join(err, f.lost)
}

func (f *faulty) History(ctx context.Context, q fleet.HistoryQuery) ([]fleet.Transition, error) {
	if f.history != nil {
		return nil, f.history
	}
	return f.Ledger.History(ctx, q)
}

func (f *faulty) Look(ctx context.Context, key string) (fleet.Detail, error) {
	if f.look != nil {
		return fleet.Detail{}, f.look
	}
	return f.Ledger.Look(ctx, key)
}

func TestAnErrorSaysWhetherItIsDone(t *testing.T) {
	errDown := errors.New("down")
	ledger := &faulty{Ledger: highway.NewInMemoryStorage()}
	order := operate.Order{Key: "k", Action: operate.Isolate, By: "ann", Create: true}
	if _, err := operate.Do(t.Context(), ledger, order); err != nil { // the row is there
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		faults faulty
		want   error
	}{
		"nothing is wrong":        {faulty{}, nil},
		"it cannot be read":       {faulty{look: errDown}, highway.ErrNotDone},
		"it refuses":              {faulty{change: errors.Join(fleet.ErrRefused, errDown)}, highway.ErrNotDone},
		"it says nothing":         {faulty{change: errDown}, highway.ErrUnknown},
		"it is done, says a look": {faulty{lost: errDown}, nil},
	} {
		ledger.change, ledger.look, ledger.lost = c.faults.change, c.faults.look, c.faults.lost
		_, err := operate.Do(t.Context(), ledger, order)
		if !errors.Is(err, c.want) || c.want != nil && !errors.Is(err, errDown) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
	ledger.change, ledger.look, ledger.lost = nil, nil, nil
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := operate.Do(gone, ledger, order); !errors.Is(err, highway.ErrNotDone) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestWhatIsMadeForAnOrderMayBeLeft: a closed row, if the answer to that is lost.
func TestWhatIsMadeForAnOrderMayBeLeft(t *testing.T) {
	errDown := errors.New("down")
	const left = "a closed circuit may have been made"
	for what, c := range map[string]struct {
		faults faulty
		left   bool
	}{
		"no answer": {faulty{lost: errDown}, true},
		"refused":   {faulty{exchange: errors.Join(fleet.ErrRefused, errDown)}, false},
	} {
		ledger := highway.NewInMemoryStorage()
		c.faults.Ledger = ledger
		_, err := operate.Do(t.Context(), &c.faults, operate.Order{Key: "k", Action: operate.Isolate, By: "ann", Create: true})
		if !errors.Is(err, highway.ErrNotDone) || !errors.Is(err, errDown) || strings.Contains(err.Error(), left) != c.left {
			t.Errorf("%s: %v", what, err)
		}
		if d, err := ledger.Look(t.Context(), "k"); err != nil || (d.Row.Incarnation != 0) != c.left || d.Row.State != fleet.Closed || d.Row.Hold != fleet.NoHold {
			t.Errorf("%s: %+v, %v", what, d, err)
		}
	}
}

// TestWhoseRemovalHasNoAnswerLooksWhoHasDoneIt: that the row is gone does not say so.
func TestWhoseRemovalHasNoAnswerLooksWhoHasDoneIt(t *testing.T) {
	errDown := errors.New("down")
	ledger := highway.NewInMemoryStorage()
	use := func() fleet.Row {
		t.Helper()
		views, err := ledger.Exchange(t.Context(), "a", map[string]fleet.Report{"k": {Instance: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		return views["k"].Row
	}
	by := func(name string, then func()) func() {
		return func() {
			if is, err := operate.Do(t.Context(), ledger, operate.Order{Key: "k", Action: operate.Delete, By: name}); err != nil || !is.Changed {
				t.Errorf("%+v, %v", is, err)
			}
			then()
		}
	}
	nothing := func() {}
	for what, c := range map[string]struct {
		faults        faulty
		unseen, seen  error
		left, changed bool
	}{
		"it is done":                    {faults: faulty{lost: errDown}, changed: true},
		"it is not":                     {faults: faulty{change: errDown}, unseen: highway.ErrUnknown, seen: highway.ErrUnknown, left: true},
		"somebody else was faster":      {faults: faulty{lost: errDown, before: by("bob", nothing)}, unseen: operate.ErrNoCircuit, seen: operate.ErrOvertaken},
		"it is made again since":        {faults: faulty{change: errDown, before: by("ann", func() { use() })}, changed: true, left: true},
		"nobody says who has done it":   {faults: faulty{change: errDown, history: errDown, before: by("bob", nothing)}, unseen: highway.ErrUnknown, seen: highway.ErrUnknown},
		"somebody else, and it is made": {faults: faulty{change: errDown, before: by("bob", func() { use() })}, unseen: highway.ErrUnknown, seen: operate.ErrOvertaken, left: true},
	} {
		for _, sees := range []bool{false, true} {
			row := use()
			order, want := operate.Order{Key: "k", Action: operate.Delete, By: "ann"}, c.unseen
			if sees {
				order.Seen, want = row.Identity, c.seen
			}
			faults := c.faults
			faults.Ledger = ledger
			is, err := operate.Do(t.Context(), &faults, order)
			if !errors.Is(err, want) || want == nil && err != nil || is.Changed != c.changed {
				t.Errorf("%s, seen: %v: %+v, %v", what, sees, is, err)
			}
			if d, err := ledger.Look(t.Context(), "k"); err != nil || (d.Row.Incarnation != 0) != c.left {
				t.Errorf("%s, seen: %v: %+v is there, %v", what, sees, d, err)
			}
		}
	}
}

// A crowded ledger has somebody who is always faster.
type crowded struct{ fleet.Ledger }

func (c crowded) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	faster := fleet.Row{Identity: fleet.Identity{Epoch: from.Epoch + 1, Nonce: row.Nonce + 1}}
	if _, err := c.Ledger.Change(ctx, key, from, faster); err != nil {
		return fleet.Row{}, err
	}
	return c.Ledger.Change(ctx, key, from, row)
}

func TestWhoIsAlwaysOvertakenGivesUp(t *testing.T) {
	order := operate.Order{Key: "k", Action: operate.Isolate, By: "ann", Create: true}
	is, err := operate.Do(t.Context(), crowded{highway.NewInMemoryStorage()}, order)
	if !errors.Is(err, highway.ErrNotDone) || !strings.Contains(err.Error(), "others") || is.After.Hold != fleet.NoHold {
		t.Errorf("%+v, %v", is, err)
	}
}
