package highway

import (
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// What callCounts counts: the successes that change nothing, and refusals.
const (
	succeeded = iota
	refused
)

// callCounts count calls for CountCalls. One counter that all cores write would make
// each wait for the others, so there are as many as it takes to keep calls out of each
// other's way: one at first, twice as many each time that two calls meet. What is added
// to any of them counts, so the sum is exact.
type callCounts struct {
	first counts                    // until calls have met
	more  atomic.Pointer[[]*stripe] // then; their number is a power of two
	grow  sync.Mutex
	_     [line - 32]byte
}

// counts are of what is counted.
type counts [2]atomic.Uint64

// A stripe is what a few goroutines count on.
type stripe struct {
	counts
	_ [line - 16]byte
}

// line is what a core takes from another when it writes a part of it.
const line = 64

// mostStripes are enough for goroutines on all cores to have each its own, mostly.
var mostStripes = min(4<<bits.Len(uint(runtime.NumCPU()-1)), 1<<placeBits)

// add counts one call.
func (c *callCounts) add(what int) {
	count := &c.first[what]
	if more := c.more.Load(); more != nil {
		count = &(*more)[place()&(len(*more)-1)].counts[what]
	}
	if n := count.Load(); !count.CompareAndSwap(n, n+1) { // calls have met
		count.Add(1)
		c.spread()
	}
}

// spread doubles the number of stripes, unless it is done already or there are enough.
func (c *callCounts) spread() {
	before := c.more.Load()
	if before != nil && len(*before) >= mostStripes {
		return
	}
	c.grow.Lock()
	defer c.grow.Unlock()
	if c.more.Load() != before {
		return
	}
	var more []*stripe
	if before != nil {
		more = slices.Clone(*before)
	}
	for range max(2, len(more)) {
		more = append(more, new(stripe))
	}
	c.more.Store(&more)
}

// sum is how many calls have been counted.
func (c *callCounts) sum(what int) (n uint64) {
	n = c.first[what].Load()
	if more := c.more.Load(); more != nil {
		for _, s := range *more {
			n += s.counts[what].Load()
		}
	}
	return n
}

const placeBits = 8

// place is a number that tells goroutines which run at the same time apart, mostly: it
// comes from where the goroutine's stack is. The runtime knows the core, and keeps that
// to itself.
func place() int {
	var here byte
	page := uint64(uintptr(unsafe.Pointer(&here))) >> 11 // no two stacks share one
	return int(page * 0x9e3779b97f4a7c15 >> (64 - placeBits))
}
