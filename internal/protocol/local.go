package protocol

import (
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// Local is the member's own circuit. Whoever holds the lock of the member may read it,
// and record outcomes in it that the member does not want to be told of.
func (m *Member) Local() *circuit.Machine { return &m.local }

// Wants says that the member wants to be told, by Done, how a call has ended. Otherwise
// the outcome may be recorded in the local circuit directly, if that does not trip it;
// and a success that changes nothing there need not be told at all, which is what a
// healthy circuit lives by.
func (m *Member) Wants(t Ticket) bool {
	return !m.marked || t.Probe != 0 || t.Lease != 0 ||
		m.trip.open || m.row.State != circuit.Closed || m.witness.About.Number != 0
}

// ReportSpread is over how long members spread the reports that Unmark asks for.
const ReportSpread = 3 * time.Second

// Unmark makes the member want to be told of the next call, and report soon if there
// are other failures in its window than it has said, or if it has not said that it uses the
// circuit, or no longer does. It is to be called a few times a minute, so that a circuit
// which is used is known to be, and people see how it fares.
func (m *Member) Unmark(now time.Time) {
	m.marked = false
	if failures, _ := m.local.Window(); failures != m.link.failures || m.active(now) != m.link.active {
		m.link.at(now.Add(time.Duration(m.random.Int64N(int64(ReportSpread)))))
	}
}

// Cut says that the storage will not be asked any more: the member is on its own.
func (m *Member) Cut() {
	m.link.up, m.link.waiting = false, false
	m.row, m.known, m.trip.open, m.witness = fleet.Row{}, false, false, fleet.Testimony{}
}

// Row is what the member knows of the fleet.
func (m *Member) Row() fleet.Row { return clone(m.row) }

// Wished says, once, that an Admit has asked the fleet for a lease: the call may wait a
// moment for it.
func (m *Member) Wished() bool {
	wished := m.wished
	m.wished = false
	return wished
}

// InFlight is how many calls of this instance probe at now, by a lease of the fleet or
// for its own circuit.
func (m *Member) InFlight(now time.Time) int {
	n := m.local.InFlight(now)
	if m.probe.state == probeRunning && now.Before(m.probe.expires) {
		n++
	}
	return n
}

// Leases is how many probes the fleet has out at now, by what the member has last heard.
func (m *Member) Leases(now time.Time) (n int) {
	for i := range m.row.Probes {
		if p := &m.row.Probes[i]; p.Result == fleet.Pending && !m.over(p, now) {
			n++
		}
	}
	return n
}

// Leased says that a lease is there for the next call.
func (m *Member) Leased() bool { return m.probe.state == probeGranted }
