package memory

import (
	"container/list"
	"slices"
	"strings"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// An entry is what there is about one key. The storage's lock guards it.
type entry struct {
	key      string
	row      fleet.Row
	deadline deadline       // of row.Remaining
	leases   []deadline     // of row.Probes
	reports  []fleet.Report // in the order of the instances; their ages are left out
	senders  []sender       // of reports
	suspects int            // how many of the reports hold a suspicion

	silenced uint64        // how many instances had fallen silent when their reports were last removed
	touched  time.Time     // when somebody last asked
	changed  time.Time     // when the row came into its epoch
	place    *list.Element // among the entries in the order of touched
	listed   bool          // in the storage's active keys
}

// A sender is what the storage knows of a report.
type sender struct {
	from  *instance
	since time.Time // of the suspicion in the report
	told  time.Time // when the report came
}

// A deadline is the instant at which something ends; the zero one is none.
type deadline struct {
	at   time.Time
	full time.Duration // that there was at first
}

// left is the time that is left: never more than there was at first, though the clock
// was set back (S10).
func (d deadline) left(now time.Time) time.Duration {
	if d.at.IsZero() {
		return 0
	}
	return min(d.at.Sub(now), d.full)
}

// read gives the row with the times that are left at now.
func (e *entry) read(now time.Time) fleet.Row {
	row := e.row
	row.Remaining = e.deadline.left(now)
	row.Probes = slices.Clone(row.Probes)
	for i, lease := range e.leases {
		row.Probes[i].Remaining = lease.left(now)
	}
	return row
}

// write puts row in place. Its deadlines start now, but for those that the epoch has
// already (S2): they stay where they are.
func (e *entry) write(row fleet.Row, now time.Time) {
	newEpoch := row.Epoch != e.row.Epoch || row.Incarnation != e.row.Incarnation
	if newEpoch {
		e.deadline, e.changed = deadline{}, now
		if row.Remaining > 0 {
			e.deadline = deadline{now.Add(row.Remaining), row.Remaining}
		}
	}
	row.Probes = slices.Clone(row.Probes)
	leases := make([]deadline, len(row.Probes))
	for i := range row.Probes {
		p := &row.Probes[i]
		if p.Result == fleet.Pending {
			leases[i] = deadline{now.Add(p.Remaining), p.Remaining}
			if lease, ok := e.lease(p); ok && !newEpoch {
				leases[i] = lease
			}
		}
		p.Remaining = 0
	}
	e.row, e.leases = row, leases
}

// lease is the lease of p, if the row has one.
func (e *entry) lease(p *fleet.Probe) (deadline, bool) {
	for i, q := range e.row.Probes {
		if q.Holder == p.Holder && q.Number == p.Number && q.Result == fleet.Pending {
			return e.leases[i], true
		}
	}
	return deadline{}, false
}

// find is where the report of an instance is, or belongs.
func (e *entry) find(instance string) (int, bool) {
	return slices.BinarySearchFunc(e.reports, instance, func(r fleet.Report, instance string) int {
		return strings.Compare(r.Instance, instance)
	})
}

// forgetSilent removes the reports of instances that have fallen silent. They do not
// come back with an instance that speaks again.
func (e *entry) forgetSilent() {
	kept := 0
	e.suspects = 0
	for i, sender := range e.senders {
		if sender.from.silent {
			continue
		}
		e.reports[kept], e.senders[kept] = e.reports[i], sender
		kept++
		if e.reports[i].Suspicion != 0 {
			e.suspects++
		}
	}
	clear(e.reports[kept:])
	clear(e.senders[kept:])
	e.reports, e.senders = e.reports[:kept], e.senders[:kept]
}

// active says whether something goes on.
func (e *entry) active() bool {
	if e.row.State != circuit.Closed || e.row.Hold != fleet.NoHold {
		return true
	}
	if e.suspects == 0 {
		return false
	}
	for i := range e.reports {
		r := &e.reports[i]
		if r.Suspicion != 0 && sameEpoch(r.About, e.row.Identity) && !e.senders[i].from.silent {
			return true
		}
	}
	return false
}

func sameEpoch(a, b fleet.Identity) bool {
	return a.Incarnation == b.Incarnation && a.Epoch == b.Epoch
}
