package registry

import (
	"runtime"
	"sync/atomic"
	"weak"

	"github.com/highway-engine/highway"
)

// An entry is the place of one protector. It is kept, then retired, perhaps kept again, and
// in the end forgotten.
type entry struct {
	key  string
	kept atomic.Pointer[highway.CircuitProtector] // nil: it is retired
	used atomic.Uint64                            // the registry's mark at the last Get

	// weak leads to a protector that is retired. It is written once, before kept becomes
	// nil for the first time, and may be read by whoever has seen that.
	weak weak.Pointer[highway.CircuitProtector]

	place int // in the registry's kept
}

// protector is the entry's, or nil once that is no more. It is no use.
func (e *entry) protector() *highway.CircuitProtector {
	if p := e.kept.Load(); p != nil {
		return p
	}
	return e.weak.Value()
}

// keep keeps the protector of an entry alive. The lock is held.
func (r *Registry) keep(e *entry, p *highway.CircuitProtector) {
	delete(r.retired, e)
	e.place = len(r.kept)
	r.kept = append(r.kept, e)
	e.kept.Store(p)
	r.sweepLater()
}

// retire lets go of a protector: from now on it lives as long as somebody holds it, and
// stays in its place as long as it lives. The lock is held.
func (r *Registry) retire(e *entry, p *highway.CircuitProtector) {
	if e.weak == (weak.Pointer[highway.CircuitProtector]{}) {
		e.weak = weak.Make(p)
		// What the cleanup holds must lead neither to the protector nor to the registry.
		runtime.AddCleanup(p, grave.clear, grave{weak.Make(r), e.weak, e.key})
	}
	e.kept.Store(nil)
	r.drop(e)
	r.retired[e] = struct{}{}
}

// drop takes an entry out of those that are kept. The lock is held.
func (r *Registry) drop(e *entry) {
	last := len(r.kept) - 1
	r.kept[e.place] = r.kept[last]
	r.kept[e.place].place = e.place
	r.kept[last] = nil
	r.kept = r.kept[:last]
}

// forget takes an entry out of the registry. The lock is held.
func (r *Registry) forget(e *entry) {
	if _, retired := r.retired[e]; retired {
		delete(r.retired, e)
	} else {
		r.drop(e)
	}
	r.entries.Delete(e.key)
	r.rekey()
}

// A grave says where a retired protector had its place.
type grave struct {
	registry  weak.Pointer[Registry]
	protector weak.Pointer[highway.CircuitProtector]
	key       string
}

// clear forgets the entry when the protector was collected, if it is still that one's.
func (g grave) clear() {
	r := g.registry.Value()
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.find(g.key); e != nil && e.kept.Load() == nil && e.weak == g.protector {
		r.forget(e)
	}
}
