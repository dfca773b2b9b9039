package memory

import (
	"context"
	"slices"
	"sync"

	"github.com/highway-engine/highway/fleet"
)

// A watch tells watchers of keys. Each hears on the goroutine that it waits on, so that
// a slow one keeps nobody waiting, and whom it calls may call the storage.
type watch struct {
	mu       sync.Mutex
	closed   bool
	watchers []*watcher
}

type watcher struct {
	pending []string            // what it has yet to hear, in order
	known   map[string]struct{} // the same, so that no key is in it twice
	wake    chan struct{}       // holds one when there is something; closed at the end
}

// tell lets all watchers know of keys, soon.
func (w *watch) tell(keys ...string) {
	if len(keys) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.watchers {
		for _, key := range keys {
			if _, ok := one.known[key]; !ok {
				one.known[key] = struct{}{}
				one.pending = append(one.pending, key)
			}
		}
		select {
		case one.wake <- struct{}{}:
		default:
		}
	}
}

// run calls changed with keys until ctx ends or the watch is closed.
func (w *watch) run(ctx context.Context, changed func(string)) error {
	one := &watcher{wake: make(chan struct{}, 1), known: map[string]struct{}{}}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return fleet.ErrClosed
	}
	w.watchers = append(w.watchers, one)
	w.mu.Unlock()
	defer w.leave(one)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, open := <-one.wake:
			if !open {
				return fleet.ErrClosed
			}
		}
		for _, key := range w.take(one) {
			if err := ctx.Err(); err != nil {
				return err
			}
			changed(key)
		}
	}
}

// take returns what one has yet to hear.
func (w *watch) take(one *watcher) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	pending := one.pending
	one.pending = nil
	clear(one.known)
	return pending
}

func (w *watch) leave(one *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watchers = slices.DeleteFunc(w.watchers, func(other *watcher) bool { return other == one })
}

func (w *watch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	for _, one := range w.watchers {
		close(one.wake)
	}
	w.watchers = nil
}
