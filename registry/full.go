package registry

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"time"
)

// FullError says that a registry has as many protectors as it may, and that it found none
// to let go of: every circuit is open, half-open or held. It does not look at all of many
// each time, so that one may have closed since: up to ten microseconds for each protector
// there may be, a second for 100,000.
type FullError struct {
	Key   string // that there is no place for
	Limit int    // how many protectors there may be
}

// Error names the key and the limit.
func (e *FullError) Error() string {
	return fmt.Sprintf("highway: the registry has no place for %q: all %d protectors were found open, half-open or held",
		e.Key, e.Limit)
}

const (
	// sample is how many entries are compared to find one that was not used for long.
	sample = 32
	// searchPause is how long nobody looks at every entry after that was in vain, for each
	// of them: when everything is open searches must not keep a processor busy. To look at
	// one takes a few hundredths of it.
	searchPause = 10 * time.Microsecond
	// ages is how many marks there are in as many new protectors as there is place for,
	// so that some entries are older than others even when all come between two sweeps.
	ages = 64
)

// count notes that a protector is made. The lock is held.
func (r *Registry) count() {
	if r.made++; r.made > r.limit/ages {
		r.grow()
	}
}

// room makes place for one more entry, and says whether there is. The lock is held.
func (r *Registry) room() bool {
	if len(r.kept) < r.limit {
		return true
	}
	some := r.kept
	if len(r.kept) > sample {
		some = make([]*entry, sample)
		for i := range some {
			some[i] = r.kept[rand.IntN(len(r.kept))]
		}
	}
	if r.evict(some) {
		r.searched = time.Time{} // where one has closed others may have
		return true
	}
	if len(some) == len(r.kept) || time.Since(r.searched) < searchPause*time.Duration(len(r.kept)) {
		return false
	}
	if r.evict(r.kept) {
		return true
	}
	r.searched = time.Now()
	return false
}

// evict lets go of the one entry among some that was not used for the longest, rather one
// without failures, and says whether there was one. The lock is held.
func (r *Registry) evict(some []*entry) bool {
	var first, second *entry // without failures, and with
	for _, e := range some {
		if first != nil && !e.olderThan(first) {
			continue
		}
		switch standingOf(e.kept.Load()) {
		case clean:
			first = e
		case failing:
			if second == nil || e.olderThan(second) {
				second = e
			}
		}
	}
	if first = cmp.Or(first, second); first == nil {
		return false
	}
	r.retire(first, first.kept.Load())
	return true
}

func (e *entry) olderThan(other *entry) bool { return e.used.Load() < other.used.Load() }
