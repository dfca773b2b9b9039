package registry

import (
	"time"
	"weak"

	"github.com/highway-engine/highway"
)

const (
	// sweepsUntilIdle is how many sweeps there are in IdleAfter.
	sweepsUntilIdle = 8
	// shortestSweep keeps a short IdleAfter from becoming work without end.
	shortestSweep = 100 * time.Millisecond
	// sweepBatch is how many entries a sweep looks at before it lets others have the lock.
	sweepBatch = 256
)

// sweepLater starts the timer of the next sweep, unless it runs. The lock is held.
func (r *Registry) sweepLater() {
	if r.sweeping {
		return
	}
	r.sweeping = true
	self := weak.Make(r) // a registry that nobody holds is collected
	time.AfterFunc(r.every, func() {
		if r := self.Value(); r != nil {
			r.sweep()
		}
	})
}

// sweep lets go of what was not used for so many sweeps, and comes again as long as there
// is something.
func (r *Registry) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.grow()
	idle := r.marks[r.next] // what was not used since it began
	r.marks[r.next] = now
	r.next = (r.next + 1) % sweepsUntilIdle
	// From the end: the last entry moves to where one is dropped, and was seen already.
	for seen, i := 1, len(r.kept)-1; i >= 0; seen, i = seen+1, i-1 {
		e := r.kept[i]
		if e.used.Load() < idle {
			if p := e.kept.Load(); standingOf(p) == clean {
				r.retire(e, p)
			}
		}
		if seen%sweepBatch == 0 {
			r.mu.Unlock()
			r.mu.Lock()
			i = min(i, len(r.kept))
		}
	}
	r.sweeping = false
	if len(r.kept) > 0 {
		r.sweepLater()
	}
}

// grow begins a new mark, so that later uses differ from earlier ones. The lock is held.
func (r *Registry) grow() uint64 {
	r.made = 0
	return r.mark.Add(1)
}

// A standing says whether a protector can be let go.
type standing uint8

const (
	needed  standing = iota // it is not plainly closed: what it knows would be lost
	failing                 // closed, with failures in its window
	clean                   // closed, and knows nothing that a new one would not
)

func standingOf(p *highway.CircuitProtector) standing {
	if p.Status() != highway.Closed {
		return needed // without the cost of a snapshot
	}
	s := p.Snapshot()
	switch {
	case s.State != highway.Closed || s.Hold != highway.NoHold:
		return needed
	case s.Log.Failures() > 0:
		return failing
	}
	return clean
}
