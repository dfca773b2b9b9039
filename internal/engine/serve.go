package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/highway-engine/highway/internal/protocol"
)

// serve runs the loop until somebody wants the engine to end or it has no member left. If
// code of a user's ends the goroutine, as a handler of the log can by runtime.Goexit,
// another goroutine goes on: the members must not be without the fleet for that.
func (e *Engine) serve(ctx context.Context, watching <-chan struct{}) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if r := recover(); r != nil {
			panic(r) // a defect, which nobody must survive
		}
		go e.resume(ctx, watching)
		slog.Error("highway: the goroutine that serves the storage of the fleet was ended; another goes on")
	}()
	e.run(ctx)
	returned = true
	e.end()
	e.each(func(m *protocol.Member, _ time.Time) { m.Cut() })
	e.cancel()
	<-watching
	close(e.done)
}

// resume serves after a rest, so that what ends each goroutine makes no work without end.
func (e *Engine) resume(ctx context.Context, watching <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-time.After(sweeping):
	}
	// Nobody waits any more for what was asked.
	e.each((*protocol.Member).Unanswered)
	e.serve(ctx, watching)
}
