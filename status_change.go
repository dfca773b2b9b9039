package highway

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// A StatusChange tells a listener that a protector went from one state to another.
type StatusChange struct {
	Protector *CircuitProtector // whose state changed
	From, To  CircuitState      // never the same
	Reason    Reason            // FleetDecided: the fleet did; Commanded: a person; else this instance
	At        time.Time         // when it was decided

	// Context is that of the call or command which caused the change, or which found the
	// cooldown over. It is there for its values, such as a trace; it may be done already.
	// Where neither was the cause it is context.Background(): a cooldown ended by itself,
	// a status was read, Configure was called, or the fleet's decision or a command to
	// another instance came by way of the storage. It is never nil.
	Context context.Context
}

// A changeQueue brings changes to a listener, one at a time, in the order in which
// they were added. Whoever delivers while a delivery is under way leaves the work to
// it; so a listener may cause changes, and hears of them after it has returned.
type changeQueue struct {
	listener func(StatusChange) // nil: nobody listens

	mu         sync.Mutex
	pending    []StatusChange
	delivering bool
}

// add queues c and says whether there is something to deliver.
func (q *changeQueue) add(c StatusChange) bool {
	if q.listener == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending = append(q.pending, c)
	return true
}

// inline is how many changes a caller delivers. If others cause them faster than that,
// the rest goes to a goroutine, for the caller has a call to return from.
const inline = 100

// deliver empties the queue. No lock may be held.
func (q *changeQueue) deliver() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.delivering {
		return
	}
	q.delivering = true
	for told := 0; len(q.pending) > 0; told++ {
		if told == inline {
			q.delivering = false
			go q.deliver()
			return
		}
		c := q.pending[0]
		q.pending = q.pending[1:]
		q.mu.Unlock()
		q.tell(c)
		q.mu.Lock()
	}
	q.pending, q.delivering = nil, false
}

// tell runs the listener, whatever it does.
func (q *changeQueue) tell(c StatusChange) {
	ended := false
	defer func() {
		// A listener that ended the goroutine took the delivery with it.
		if !ended {
			q.mu.Lock()
			q.delivering = false
			go q.deliver()
		}
	}()
	guard("OnStatusChange", func() { q.listener(c) })
	ended = true
}

// known is a context for listeners, who get one also from a call without.
func known(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// apart is guard on a goroutine of its own, which is waited for. A listener that ends its
// goroutine, as t.FailNow does, must not end one that others need, nor leave a lock held.
func apart(name string, listener func()) {
	ended := make(chan struct{})
	go func() {
		returned := false
		defer func() {
			defer close(ended)
			if !returned {
				slog.Error("highway: a listener ended its goroutine", "listener", name)
			}
		}()
		guard(name, listener)
		returned = true
	}()
	<-ended
}

// guard runs a listener and logs its panic, which is no business of the call that
// happened to run it.
func guard(name string, listener func()) {
	defer func() {
		if r := recover(); r != nil {
			slog.Error("highway: a listener panicked", "listener", name, "panic", r,
				"stack", string(debug.Stack()))
		}
	}()
	listener()
}
