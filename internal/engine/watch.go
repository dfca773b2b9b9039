package engine

import (
	"context"
	"time"
)

// How long a watch that has ended is left alone: longer each time, but for one that had
// lasted.
const (
	shortestRest = 100 * time.Millisecond
	longestRest  = 5 * time.Second
)

// watch lets the storage tell of changes, and begins again when that ends. Why it ended
// is not looked at: requests report a storage that is away, and without a watch news are
// late and not lost (L1).
func (e *Engine) watch(ctx context.Context) {
	rest := shortestRest
	for {
		began := time.Now()
		<-asked(ctx, func(ctx context.Context) error { return e.storage.Watch(ctx, e.hint) })
		if time.Since(began) > longestRest {
			rest = shortestRest
		}
		timer := time.NewTimer(jittered(rest))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		rest = min(2*rest, longestRest)
	}
}
