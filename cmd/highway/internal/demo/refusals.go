package demo

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway"
)

// refusals is a policy that notes when it first refused a call since the beginning of
// the outage, be it at once or between two attempts.
type refusals struct {
	highway.Policy
	clock *clock
	at    atomic.Int64 // from the start of the run; 0: not yet
}

// Do implements [highway.Policy].
func (r *refusals) Do(ctx context.Context, call func(context.Context) error) error {
	err := r.Policy.Do(ctx, call)
	if r.at.Load() == 0 && errors.Is(err, highway.ErrProtectedCall) {
		if now := r.clock.elapsed(); now >= r.clock.scenario.breaks() {
			r.at.CompareAndSwap(0, int64(now))
		}
	}
	return err
}

func (r *refusals) first() time.Duration { return time.Duration(r.at.Load()) }
