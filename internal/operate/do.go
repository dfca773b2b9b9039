package operate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
)

// What became of an order that was not done, beside [highway.ErrNotDone] and
// [highway.ErrUnknown].
var (
	// ErrNoCircuit: there is no row at the key, and so nothing to act on.
	ErrNoCircuit = errors.New("highway: there is no such circuit")
	// ErrOvertaken: the circuit has changed since the person looked.
	ErrOvertaken = errors.New("highway: the circuit has changed in the meantime")
	// ErrCrowded: others changed the circuit each time between looking and acting.
	ErrCrowded = errors.New("highway: others changed the circuit")
)

// An Outcome is what an order has met and made.
type Outcome struct {
	Before  fleet.Row // that the order was carried out on, or that made it needless
	After   fleet.Row // the zero Row if it is deleted, by whomever
	Changed bool      // false if there was nothing to do, as for a release without a hold
}

// attempts is how often an order is tried against others' changes of the row.
const attempts = 20

// Do carries out an order. It waits for the storage as long as ctx allows, and never says
// that it is done when it is not: the error is an [InvalidError], [ErrNoCircuit],
// [ErrOvertaken] or [highway.ErrNotDone] if the order has changed nothing, and
// [highway.ErrUnknown] if it may have been done or not. What Create makes for the order, a
// closed row, may be there without it; the error says so. Where somebody else changes the row at the same time, the
// order is carried out after that, on what is there then: Before says what it was.
func Do(ctx context.Context, ledger fleet.Ledger, o Order) (Outcome, error) {
	if err := o.Check(); err != nil {
		return Outcome{}, err
	}
	seen, err := ledger.Look(ctx, o.Key)
	if err != nil {
		return Outcome{}, notDone(err)
	}
	row := seen.Row
	if row.Incarnation == 0 && o.creates() {
		if row, err = create(ctx, ledger, o.Key); lost(err) {
			return Outcome{}, fmt.Errorf("%w, though a closed circuit may have been made: %w", highway.ErrNotDone, err)
		} else if err != nil {
			return Outcome{}, notDone(err)
		}
	}
	for range attempts {
		switch {
		case row.Incarnation == 0 && o.Seen != (fleet.Identity{}):
			return Outcome{}, fmt.Errorf("%w: %q is no more there", ErrOvertaken, o.Key)
		case row.Incarnation == 0:
			return Outcome{}, fmt.Errorf("%w: %q", ErrNoCircuit, o.Key)
		case o.Seen != (fleet.Identity{}) && (row.Incarnation != o.Seen.Incarnation || row.Epoch != o.Seen.Epoch):
			return Outcome{Before: row, After: row}, ErrOvertaken
		}
		after, done, err := o.try(ctx, ledger, row)
		if err != nil || done {
			return after, err
		}
		row = after.After
	}
	return Outcome{Before: row, After: row}, fmt.Errorf("%w: %w %d times in between", highway.ErrNotDone, ErrCrowded, attempts)
}

// creates says whether the order may make a row. There is nothing to release or to delete
// in one that has just been made.
func (o Order) creates() bool {
	return o.Create && o.Seen == (fleet.Identity{}) && o.Action != Release && o.Action != Delete
}

// create makes a row as instances do, by asking about it. Whoever asks counts as live for
// a few seconds, and says nothing.
func create(ctx context.Context, ledger fleet.Ledger, key string) (fleet.Row, error) {
	name := "operate/" + rand.Text()[:10]
	views, err := ledger.Exchange(ctx, name, map[string]fleet.Report{key: {Instance: name}})
	if err == nil && views[key].Row.Incarnation == 0 {
		err = errors.New("it does not know the key")
	}
	return views[key].Row, err
}

// try carries out the order on row, if that is still there. Otherwise it is not done, and
// After is what is there.
func (o Order) try(ctx context.Context, ledger fleet.Ledger, row fleet.Row) (is Outcome, done bool, err error) {
	is = Outcome{Before: row, After: row}
	if o.Action == Delete {
		is.After, is.Changed, err = ledger.Remove(ctx, o.Key, row.Identity, o.By, o.Note)
		if lost(err) {
			if after, removed, known := o.removed(ctx, ledger, row); known {
				is.After, is.Changed, err = after, removed, nil
			}
		}
	} else {
		to, needed := o.command().Apply(row, o.By, mathrand.Uint64())
		if !needed {
			return is, true, nil
		}
		is.After, err = ledger.Change(ctx, o.Key, row.Identity, to)
		if lost(err) {
			if seen, failed := ledger.Look(ctx, o.Key); failed == nil && seen.Row.Epoch == to.Epoch && seen.Row.Nonce == to.Nonce {
				is.After, err = seen.Row, nil
			}
		}
		is.Changed = is.After.Epoch == to.Epoch && is.After.Nonce == to.Nonce
	}
	switch {
	case errors.Is(err, fleet.ErrRefused):
		return Outcome{Before: row, After: row}, false, notDone(err)
	case err != nil:
		return Outcome{Before: row}, false, fmt.Errorf("%w: %w", highway.ErrUnknown, err)
	}
	return is, is.Changed, nil
}

// removed looks for what has become of row, whose removal had no answer. That it is gone does
// not say who has removed it; the history does.
func (o Order) removed(ctx context.Context, ledger fleet.Ledger, row fleet.Row) (is fleet.Row, removed, known bool) {
	seen, err := ledger.Look(ctx, o.Key)
	switch {
	case err != nil || seen.Row.Identity == row.Identity: // which may yet be removed
		return is, false, false
	case seen.Row.Incarnation == row.Incarnation: // so it never will be
		return seen.Row, false, true
	}
	past, err := ledger.History(ctx, fleet.HistoryQuery{Key: o.Key, Limit: 100})
	if err != nil {
		return is, false, false
	}
	for _, t := range past {
		if !t.Deleted || t.Incarnation != row.Incarnation {
			continue
		}
		if t.By == o.By && t.Note == o.Note {
			return is, true, true
		}
		return seen.Row, false, true
	}
	return is, false, false
}

func notDone(err error) error { return fmt.Errorf("%w: %w", highway.ErrNotDone, err) }

// lost says that there is no answer: what was asked for may be there all the same.
func lost(err error) bool { return err != nil && !errors.Is(err, fleet.ErrRefused) }
