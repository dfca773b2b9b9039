package highwayhttp

import (
	"context"
	"fmt"
	"time"
)

// A limit ends an attempt that has no response in time. A context's own deadline would not
// do: it would end the body too.
type limit struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func startLimit(ctx context.Context, d time.Duration) *limit {
	l := &limit{}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	l.timer = time.AfterFunc(d, func() { l.cancel(&timeoutError{limit: d}) })
	return l
}

// stop says whether the response came in time. The context lives on.
func (l *limit) stop() bool { return l.timer.Stop() }

// end frees what the limit holds. A nil limit holds nothing.
func (l *limit) end() {
	if l != nil {
		l.timer.Stop()
		l.cancel(nil)
	}
}

// A timeoutError says that an attempt took longer than Config.AttemptTimeout.
type timeoutError struct {
	limit time.Duration
	to    destination
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("highway: %vno response within %v", e.to, e.limit)
}

// Timeout and Temporary are what net.Error and url.Error ask for.
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }

func (e *timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
