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
	row      fleet.Row   // the zero Row until somebody makes one
	deadline time.Time   // of row.Remaining; zero for none
	leases   []time.Time // when each of row.Probes ends; zero for one with a result
	reports  []report    // in the order of the instances

	touched time.Time     // when somebody last asked
	place   *list.Element // among the entries in the order of touched
	listed  bool          // in the storage's active keys
}

// A report is a [fleet.Report] and what the storage knows of it.
type report struct {
	fleet.Report
	since time.Time // of the suspicion in it
	from  *instance
}

// read gives the row with the times that are left at now.
func (e *entry) read(now time.Time) fleet.Row {
	row := e.row
	row.Remaining = 0
	if !e.deadline.IsZero() {
		row.Remaining = e.deadline.Sub(now)
	}
	row.Probes = slices.Clone(row.Probes)
	for i, ends := range e.leases {
		if !ends.IsZero() {
			row.Probes[i].Remaining = ends.Sub(now)
		}
	}
	return row
}

// write puts row in place. Its deadlines start now, but for those that the epoch has
// already (S2): they stay where they are.
func (e *entry) write(row fleet.Row, now time.Time) {
	newEpoch := row.Epoch != e.row.Epoch || row.Incarnation != e.row.Incarnation
	if newEpoch {
		e.deadline = time.Time{}
		if row.Remaining > 0 {
			e.deadline = now.Add(row.Remaining)
		}
	}
	row.Probes = slices.Clone(row.Probes)
	leases := make([]time.Time, len(row.Probes))
	for i := range row.Probes {
		p := &row.Probes[i]
		if p.Result == fleet.Pending {
			leases[i] = now.Add(p.Remaining)
			if ends, ok := e.lease(p); ok && !newEpoch {
				leases[i] = ends
			}
		}
		p.Remaining = 0
	}
	e.row, e.leases = row, leases
}

// lease is when the lease of p ends, if the row has one.
func (e *entry) lease(p *fleet.Probe) (time.Time, bool) {
	for i, q := range e.row.Probes {
		if q.Holder == p.Holder && q.Number == p.Number && q.Result == fleet.Pending {
			return e.leases[i], true
		}
	}
	return time.Time{}, false
}

// find is where the report of an instance is, or belongs.
func (e *entry) find(instance string) (int, bool) {
	return slices.BinarySearchFunc(e.reports, instance, func(r report, instance string) int {
		return strings.Compare(r.Instance, instance)
	})
}

// forgetSilent removes the reports of instances that have fallen silent. They do not
// come back with an instance that speaks again.
func (e *entry) forgetSilent() {
	e.reports = slices.DeleteFunc(e.reports, func(r report) bool { return r.from.silent })
}

// active says whether something goes on.
func (e *entry) active() bool {
	if e.row.State != circuit.Closed || e.row.Hold != fleet.NoHold {
		return true
	}
	return slices.ContainsFunc(e.reports, func(r report) bool {
		return !r.from.silent && r.Suspicion != 0 && sameEpoch(r.About, e.row.Identity)
	})
}

func sameEpoch(a, b fleet.Identity) bool {
	return a.Incarnation == b.Incarnation && a.Epoch == b.Epoch
}
