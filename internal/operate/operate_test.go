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
	change, look, lost error // lost: it is done, and the answer does not come
}

func (f *faulty) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	if f.change != nil {
		return fleet.Row{}, f.change
	}
	is, err := f.Ledger.Change(ctx, key, from, row)
	return is, errors.Join(err, f.lost)
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
	ledger.lost = nil
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := operate.Do(gone, ledger, order); !errors.Is(err, highway.ErrNotDone) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
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
