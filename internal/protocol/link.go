package protocol

import (
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// A link is a member's correspondence with the storage: one request at a time, because
// what is decided on one answer may be wrong after the next.
type link struct {
	up       bool      // the last request was answered
	due      time.Time // when the next exchange is to be sent
	reported uint64    // the number of the last report
	failures int       // in the last report,
	active   bool      // and what it said of this
	sent     uint64    // the number of the last request
	sentAt   time.Time
	waiting  bool
	proposal *proposal
	nonce    uint64 // of the last change that was asked for
	change   bool   // the last request was one
	unmade   bool   // the last change was not answered
	retries  int
}

// A proposal is a change of the row that the member wants.
type proposal struct {
	from fleet.Identity
	row  fleet.Row
}

// at makes the next exchange due at t, unless it is earlier.
func (l *link) at(t time.Time) {
	if t.Before(l.due) {
		l.due = t
	}
}

// A Message is what a member asks of the storage: an exchange, or a change.
type Message struct {
	Number uint64 // of the request; the answer must name it
	Report fleet.Report

	Change   bool
	From, To fleet.Identity // of a change: to is the identity of Row
	Row      fleet.Row
}

// Send returns the next message, if one is due. Until it is answered or given up there
// is no other.
func (m *Member) Send(now time.Time) (Message, bool) {
	l := &m.link
	m.expire(now)
	if l.waiting || l.proposal == nil && now.Before(l.due) {
		return Message{}, false
	}
	l.waiting = true
	l.sent++
	l.sentAt = now
	message := Message{Number: l.sent}
	l.change = l.proposal != nil
	if p := l.proposal; p != nil {
		l.proposal, l.nonce = nil, p.row.Nonce
		message.Change, message.From, message.To, message.Row = true, p.from, p.row.Identity, clone(p.row)
		return message, true
	}
	l.due = now.Add(m.jittered(m.poll()))
	if m.probe.state == probeGranted && now.Before(m.returns()) {
		l.at(m.returns())
	}
	l.reported++
	message.Report = fleet.Report{
		Instance:  m.settings.Instance,
		Number:    l.reported,
		About:     m.row.Identity,
		Active:    m.active(now),
		Refuses:   m.local.State() != circuit.Closed,
		Testimony: m.witness,
		Dismissed: slices.Clone(m.dismissed),
		Settings:  terms(m.settings.Circuit),
	}
	if m.trip.open {
		message.Report.Suspicion = m.trip.number
	}
	message.Report.Failures, message.Report.Outcomes = m.local.Window()
	l.failures, l.active = message.Report.Failures, message.Report.Active
	return message, true
}

// Wake is when Send will have something, if nothing happens before.
func (m *Member) Wake() time.Time {
	switch {
	case m.link.waiting:
		return m.link.sentAt.Add(time.Hour)
	case m.link.proposal != nil:
		return m.link.sentAt
	}
	return m.link.due
}

// Hint says that something has changed at the storage, perhaps.
func (m *Member) Hint(now time.Time) { m.link.at(now) }

// Return says that the storage is back which was away for long: others may not have been
// heard of since, as if this member were new (S7).
func (m *Member) Return(now time.Time) { m.born = now }

// Failed says that message number was not answered: it may or may not have been heard.
// Everything is asked again, later and later (S9: no call notices).
func (m *Member) Failed(number uint64, now time.Time) {
	if !m.link.waiting || number != m.link.sent {
		return
	}
	m.link.waiting, m.link.up = false, false
	m.link.unmade = m.link.unmade || m.link.change
	m.link.retries = min(m.link.retries+1, 6)
	m.link.due = now.Add(m.jittered(50 * time.Millisecond << m.link.retries))
}

// Unanswered says that no answer will come to what was sent.
func (m *Member) Unanswered(now time.Time) { m.Failed(m.link.sent, now) }

func (m *Member) answered(number uint64) bool {
	if !m.link.waiting || number != m.link.sent {
		return false
	}
	m.link.waiting, m.link.up = false, true
	m.link.unmade = m.link.unmade && !m.link.change
	if !m.link.unmade { // or a change that is refused would be asked for without pause
		m.link.retries = 0
	}
	return true
}

// poll is how long the member goes without asking.
func (m *Member) poll() time.Duration {
	if m.settings.Idle > 0 && m.row.State == circuit.Closed && !m.trip.open && m.witness.About == (fleet.Accusation{}) {
		return m.settings.Idle
	}
	return m.settings.Poll
}

// jittered is d, give or take a fifth.
func (m *Member) jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*m.random.Float64()))
}

// expire ends what time ends: an old suspicion.
func (m *Member) expire(now time.Time) {
	if m.trip.open && now.Sub(m.trip.at) >= suspicionLasts*m.settings.Circuit.Cooldown {
		m.endSuspicion(now)
	}
	if m.trip.open && m.local.State() == circuit.Closed {
		m.endSuspicion(now)
	}
}

// terms are the settings as others get to see them.
func terms(s circuit.Settings) fleet.Settings {
	return fleet.Settings{
		Failures: s.Failures, Window: s.Window,
		Successes: s.Successes, Probes: s.Probes,
		Cooldown: s.Cooldown,
	}
}
