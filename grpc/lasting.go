package highwaygrpc

import (
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway"
)

// Lasting is a stream that was let through, which may last longer than a probe can. It
// counts as a success when it is half as old as a probe may get, and has shown life.
type lasting struct {
	permit *highway.Permit
	timer  *time.Timer // nil if it is no probe
	alive  atomic.Bool // something has come back
	due    atomic.Bool // it is old enough
}

func newLasting(protector *highway.CircuitProtector, permit *highway.Permit) *lasting {
	l := &lasting{permit: permit}
	if protector.Status() != highway.Closed {
		l.timer = time.AfterFunc(protector.Settings().ProbeTimeout/2, l.grown)
	}
	return l
}

// grown and answered each set their own mark before they read the other's, so that at
// least one of them sees both.
func (l *lasting) grown() {
	l.due.Store(true)
	if l.alive.Load() {
		l.permit.Success()
	}
}

// answered says that something has come back.
func (l *lasting) answered() {
	if l.alive.Load() {
		return // settled, or left to the timer
	}
	l.alive.Store(true)
	if l.due.Load() {
		l.permit.Success()
	}
}

// fed says that a message was taken on a stream on which nothing comes back before the
// end. It shows life only late: the first messages fit into buffers.
func (l *lasting) fed() {
	if l.due.Load() {
		l.answered()
	}
}

// stop is for when the stream has ended.
func (l *lasting) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}
