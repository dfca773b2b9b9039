package protocol

import (
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// HearView takes the answer to an exchange, decides on it, and wants at most one change
// of the row.
func (m *Member) HearView(number uint64, v fleet.View, now time.Time) {
	if !m.answered(number) {
		return
	}
	m.notice(v.Live, now)
	m.adopt(v.Row, number, now)
	if m.row.Identity != v.Row.Identity {
		return // it knows better already
	}
	switch m.row.State {
	case circuit.Closed:
		m.judge(v, now)
	default:
		m.takePart(v, now)
	}
}

// HearRow takes the answer to a change: the row that is there now, whoever made it, or
// the zero one if there is none any more.
func (m *Member) HearRow(number uint64, row fleet.Row, now time.Time) {
	if !m.answered(number) {
		return
	}
	if row.Identity == (fleet.Identity{}) {
		m.link.at(now.Add(m.jittered(20 * time.Millisecond))) // the next exchange makes another
		return
	}
	m.adopt(row, number, now)
	if row.Nonce == m.link.nonce {
		m.link.at(now) // see what has come of it
	} else {
		m.link.at(now.Add(m.jittered(20 * time.Millisecond))) // others were faster
	}
}

// adopt makes the row the member's, unless it is old: the answer to a request that was
// sent before the row was learnt which the member has. From a later request also a
// lower epoch or another incarnation is taken: the storage has lost what was there (S11).
func (m *Member) adopt(row fleet.Row, number uint64, now time.Time) {
	before, knew := m.row, m.known
	if knew && number <= m.asked && !before.Before(row.Identity) {
		return
	}
	m.asked = max(m.asked, number)
	m.known = true
	m.row = clone(row)
	// Only HALF_OPEN changes within an epoch. Another OPEN or CLOSED under the same number
	// has come after a loss of this one (S11).
	sameEpisode := knew && before.Incarnation == row.Incarnation && before.Epoch == row.Epoch &&
		(before.Nonce == row.Nonce || before.State == circuit.HalfOpen && row.State == circuit.HalfOpen)
	if !sameEpisode {
		m.leases, m.rests = nil, time.Time{}
	}
	m.watchLeases(now)
	if sameEpisode {
		m.findLease()
		return
	}
	if m.trip.open {
		m.link.at(now) // the suspicion was about no row yet, or about another
	}
	// A new episode ends what was said about the one before.
	// But a row that was lost, or forgotten, is no decision: a trip stands (S11).
	decided := before.Before(row.Identity) || before.State != circuit.Closed
	m.trip.open = m.trip.open && (!knew || row.State == circuit.Closed && !decided)
	m.witness, m.dismissed = fleet.Testimony{}, nil
	if m.probe.state != probeWanted || row.State != circuit.HalfOpen {
		m.probe.state = noProbe
	}
	m.link.proposal, m.link.unmade = nil, false
	// When this was asked for, the next time may have seemed far off (L1).
	m.link.at(now.Add(m.jittered(m.poll())))
	switch row.State {
	case circuit.Open:
		// Counted from the receipt, and so never too early (S2, S4, S10).
		m.until = now.Add(row.Remaining)
		m.follow(row, now)
	case circuit.HalfOpen:
		m.until = now
		m.follow(row, now)
		m.findLease()
	case circuit.Closed:
		// It clears local opens, but for one that came before anything was known.
		if row.Hold != fleet.NoHold || knew && decided && m.local.State() != circuit.Closed || m.local.Hold() != circuit.NoHold {
			m.follow(row, now)
		}
	}
}

// follow puts the member's own circuit into the state of the row.
func (m *Member) follow(row fleet.Row, now time.Time) {
	hold := circuit.NoHold
	switch row.Hold {
	case fleet.Isolated:
		hold = circuit.Isolated
	case fleet.Disabled:
		hold = circuit.Disabled
	}
	why := circuit.FleetDecided
	if row.Reason == fleet.Commanded {
		why = circuit.Commanded
	}
	m.local.Follow(row.State, hold, why, row.Remaining, now)
}

// findLease looks whether the row grants the probe that the member wants. A lease counts
// from when it was asked for, so that it never lasts longer here than in the row.
func (m *Member) findLease() {
	var mine fleet.Probe // a zero one is none
	for _, p := range m.row.Probes {
		if p.Holder == m.settings.Instance && p.Number == m.probe.number {
			mine = p
		}
	}
	pending := mine.Holder != "" && mine.Result == fleet.Pending
	switch {
	case m.probe.state == probeWanted && pending:
		m.probe.state = probeGranted
		m.probe.expires = m.link.sentAt.Add(mine.Remaining)
		// A storage whose clock was set back says more than there is (S10).
		if latest := m.probe.asked.Add(m.settings.Circuit.Lease); latest.Before(m.probe.expires) {
			m.probe.expires = latest
		}
		m.link.at(m.returns())
	case (m.probe.state == probeEnded || m.probe.state == probeReturned) && !pending:
		m.probe.state = noProbe // its result is in, or comes too late
	}
}

// judge looks at the suspicion that is first in line, if there is one: to testify about
// it, to open the fleet, or to let one's own go.
func (m *Member) judge(v fleet.View, now time.Time) {
	dismissed := dismissals(&v)
	if m.trip.open && slices.Contains(dismissed, fleet.Accusation{Suspect: m.settings.Instance, Number: m.trip.number}) {
		m.endSuspicion(now)
	}
	// What a suspect has heard of, nobody needs to repeat.
	m.dismissed = slices.DeleteFunc(m.dismissed, func(a fleet.Accusation) bool {
		return !slices.ContainsFunc(v.Reports, func(r fleet.Report) bool { return accusation(&r) == a })
	})
	s, suspected := suspicion(&v, dismissed)
	if !suspected {
		m.witness = fleet.Testimony{}
		return
	}
	if s.Instance != m.settings.Instance && m.local.State() == circuit.Closed && m.witness.About != accusation(&s) {
		// Only who was using the circuit before can say how it fares.
		m.witness = fleet.Testimony{}
		if m.active(now) {
			m.witness.About, m.heard = accusation(&s), now
			m.link.at(now)
		}
	}
	c := pool(&v, dismissed, s, m.settings.Rule)
	m.bounds = c
	// There may be others: a new member has not heard of them yet, and if the storage's
	// clock was put forward they all seem to have fallen silent (S7, S10).
	if c.active < 3 && (now.Sub(m.born) < startUp || v.Live < m.crowd && m.crowd >= 3) {
		return
	}
	verdict := m.settings.Rule.Judge(c.sum, c.active)
	if verdict == fleet.Undecided && c.against {
		verdict = fleet.Refuted // nobody is left who could change it
	}
	switch verdict {
	case fleet.Opens:
		if v.Row.Hold == fleet.NoHold {
			row := next(v.Row, circuit.Open, fleet.Testified, m.settings.Instance, m.random.Uint64())
			row.Remaining = m.local.Cooldown(now)
			m.propose(v.Row, row)
		}
	case fleet.Refuted:
		if s.Instance == m.settings.Instance {
			m.endSuspicion(now)
			return
		}
		m.witness = fleet.Testimony{}
		if !slices.Contains(m.dismissed, accusation(&s)) {
			m.dismissed = append(m.dismissed, accusation(&s))
			m.link.at(now)
		}
	}
}

func (m *Member) propose(from, to fleet.Row) {
	m.link.proposal = &proposal{from: from.Identity, row: to}
}

// notice remembers the most live instances that the member has lately been told of.
func (m *Member) notice(live int, now time.Time) {
	if live >= m.crowd || now.Sub(m.crowdAt) >= startUp {
		m.crowd, m.crowdAt = live, now
	}
}
