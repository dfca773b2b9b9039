package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/protocol"
)

// What became of a command that was not done.
var (
	// ErrNotDone: nothing has changed. What stands behind it says why; mostly the storage
	// was not reached.
	ErrNotDone = errors.New("highway: the command is not done")
	// ErrUnknown: the storage was reached, and did not answer.
	ErrUnknown = errors.New("highway: the storage did not answer, the command may be done or not")
)

// attempts is how often a command is tried against others' changes of the row.
const attempts = 20

// Command changes the row for all of the fleet. It waits for the storage, as long as ctx
// allows, and never says that it is done when it is not.
func (entry *Entry) Command(ctx context.Context, c protocol.Command) error {
	e := entry.engine
	for range attempts {
		// A report with number zero is older than any, and so only reads.
		var views map[string]fleet.View
		err := e.obeying(ctx, opExchange, func() (err error) {
			views, err = e.storage.Exchange(ctx, entry.instance, map[string]fleet.Report{
				entry.key: {Instance: entry.instance},
			})
			return err
		})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotDone, err)
		}
		view, ok := views[entry.key]
		if !ok {
			return fmt.Errorf("%w: it does not know the key", ErrNotDone)
		}
		to, needed := c.Apply(view.Row, entry.instance, rand.Uint64())
		if !needed {
			return nil
		}
		// What is learnt between the question and its answer may be newer.
		var number uint64
		entry.part.With(ctx, func(m *protocol.Member, _ time.Time) { number = m.Ask() })
		var row fleet.Row
		err = e.obeying(ctx, opChange, func() (err error) {
			row, err = e.storage.Change(ctx, entry.key, view.Row.Identity, to)
			return err
		})
		if errors.Is(err, fleet.ErrRefused) {
			return fmt.Errorf("%w: %w", ErrNotDone, err)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		entry.told()
		if row.Nonce == to.Nonce {
			var wake time.Time
			entry.part.With(ctx, func(m *protocol.Member, now time.Time) { m.Learn(row, number, now); wake = m.Wake() })
			entry.Due(wake)
			return nil
		}
	}
	return fmt.Errorf("%w: others changed the circuit %d times in between", ErrNotDone, attempts)
}

// obeying makes a request and returns when it is answered or ctx ends, whatever the
// storage does. What the request writes may be read only if there is no error.
func (e *Engine) obeying(ctx context.Context, operation string, request func() error) error {
	return e.observed(operation, func() error {
		select {
		case err := <-asked(ctx, func(context.Context) error { return request() }):
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}
