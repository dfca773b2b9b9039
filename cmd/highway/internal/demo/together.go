package demo

import (
	"cmp"
	"slices"
	"time"

	"github.com/highway-engine/highway"
)

// openOnAll is how long after the beginning of the outage the last healthy instance of
// the fleet refused for the first time; false if one has not.
func (f frame) openOnAll() (time.Duration, bool) {
	last := time.Duration(0)
	for _, row := range f.rows {
		switch {
		case row.sick:
		case row.refused == 0:
			return 0, false
		default:
			last = max(last, row.refused)
		}
	}
	return last - f.scenario.breaks(), true
}

// closedOnAll is how long after the end of the outage all healthy instances of the
// fleet were CLOSED for the first time; false if they have not been.
func (f frame) closedOnAll() (time.Duration, bool) {
	mends := f.scenario.mends()
	if f.elapsed < mends {
		return 0, false
	}
	var changes []change
	for _, row := range f.rows {
		if !row.sick {
			changes = append(changes, row.history...)
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	others := 0 // that are not CLOSED
	for _, c := range changes {
		if c.at > mends && others == 0 {
			break // all were when it ended
		}
		switch {
		case c.from == highway.Closed:
			others++
		case c.to == highway.Closed:
			others--
		}
		if c.at > mends && others == 0 {
			return c.at - mends, true
		}
	}
	return 0, others == 0
}
