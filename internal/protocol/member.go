package protocol

import (
	"math/rand/v2"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// Settings are what a member works with.
type Settings struct {
	Instance string           // unique among the instances of the fleet, and among their restarts
	First    uint64           // numbers begin above it; see Instance
	Circuit  circuit.Settings // its own circuit, and the terms of the fleet's probes
	Rule     fleet.Rule
	Poll     time.Duration // how long the member goes without asking how things are
	Idle     time.Duration // the same, when nothing goes on; zero means Poll
}

// What a member holds for how long.
const (
	// lately is how recently an instance must have completed a call to testify.
	lately = time.Minute
	// suspicionLasts is how many cooldowns a suspicion lasts if nothing ends it.
	suspicionLasts = 3
	// eager is how many calls a witness reports at once, each as it completes. Success
	// or failure alike: evidence must not depend on what it says.
	eager = 4
	// reporting is how long further calls are gathered into one report.
	reporting = 500 * time.Millisecond
	// spreadProbes is over which part of a second instances spread their wish to probe.
	spreadProbes = 100 * time.Millisecond
	// startUp is how long a new member, or one whose storage was away, does not trust that
	// it has heard of all others.
	startUp = 10 * time.Second
)

// A Member is one instance's side of one circuit. Its methods are its events; all take
// the present instant of the instance's own clock.
type Member struct {
	settings Settings
	random   *rand.Rand
	limit    float64
	born     time.Time
	crowd    int // the most live instances that it has lately been told of
	crowdAt  time.Time

	// local is the instance's own circuit. It decides while the fleet is closed, and
	// at the deadline when the storage is away.
	local circuit.Machine

	// row is what the member knows of the fleet, learnt from request number asked.
	row   fleet.Row
	known bool
	asked uint64
	until time.Time // of an adopted OPEN, by the member's own clock

	trip      trip
	witness   fleet.Testimony    // about another's suspicion
	heard     time.Time          // of that suspicion
	bounds    count              // of the testimony, by the last view
	dismissed []fleet.Accusation // that the suspects may not have heard of
	probe     probe
	wished    bool                // the last Admit has asked for a lease
	rests     time.Time           // until when it leaves the place of its failed probe to others
	leases    map[lease]time.Time // of the row: when they are over by the member's own clock
	lastCall  time.Time
	marked    bool // there was a call since Unmark

	link link
}

// A trip is the member's own suspicion.
type trip struct {
	number uint64 // of the last trip
	open   bool   // it is a suspicion still
	at     time.Time
}

// A lease names a probe of the row.
type lease struct {
	holder string
	number uint64
}

// A probe is the member's part in a half-open fleet.
type probe struct {
	number  uint64 // of the last one
	state   probeState
	asked   time.Time // when the lease was asked for
	expires time.Time
	result  fleet.Result
}

type probeState uint8

const (
	noProbe probeState = iota
	probeWanted
	probeGranted
	probeReturned // its lease was not used, and is given back
	probeRunning
	probeEnded
)

// New returns a member that has heard nothing yet. Random is used for jitter and for
// nonces; it must differ among the instances.
func New(s Settings, random *rand.Rand, now time.Time) *Member {
	return &Member{
		settings: s,
		random:   random,
		limit:    share(s.Circuit),
		born:     now,
		local:    circuit.New(s.Circuit, now),
		trip:     trip{number: s.First},
		probe:    probe{number: s.First},
		link:     link{due: now, reported: s.First},
	}
}

// share is the failure limit as a share of calls.
func share(s circuit.Settings) float64 { return float64(s.Failures) / float64(s.Window) }

// Configure changes the settings of the member's own circuit, which are also its terms of
// the fleet's probes. A row, and a lease of it, stay as they are. By the new terms the
// results in the row are judged with the next view.
func (m *Member) Configure(s circuit.Settings, now time.Time) {
	wasClosed := m.local.State() == circuit.Closed
	m.settings.Circuit, m.limit = s, share(s)
	m.local.Configure(s, now)
	if m.trip.open && !wasClosed && m.local.State() == circuit.Closed {
		m.endSuspicion(now)
	}
	// People see the settings in the reports. Many members may be changed at once.
	m.link.at(now.Add(time.Duration(m.random.Int64N(int64(ReportSpread)))))
}

// A Ticket is an admitted call.
type Ticket struct {
	Epoch uint64        // of the local circuit
	Probe circuit.Probe // of the local circuit, or none
	Lease uint64        // of the fleet, or none
}

// Refuses says whether calls are refused without asking: before the deadline of an
// adopted OPEN (S4), or by a person's hold.
func (m *Member) refuses(now time.Time) bool {
	return m.row.Hold == fleet.Isolated || m.row.State == circuit.Open && now.Before(m.until)
}

// byLease says whether only the holder of a lease may make a call now: the fleet probes,
// and the storage can be asked.
func (m *Member) byLease() bool {
	return m.row.State != circuit.Closed && m.link.up
}

// Admit asks for one call to be let through.
func (m *Member) Admit(now time.Time) (Ticket, bool) {
	switch {
	case m.refuses(now):
		return Ticket{}, false
	case m.byLease():
		return m.admitProbe(now)
	}
	p, ok := m.local.Admit(now)
	return Ticket{Epoch: m.local.Epoch(), Probe: p}, ok
}

// admitProbe lets the call through for which the fleet has granted a lease, and
// otherwise asks for one. It never waits (S9).
func (m *Member) admitProbe(now time.Time) (Ticket, bool) {
	switch {
	case m.probe.state == probeGranted && now.Before(m.probe.expires):
		m.probe.state = probeRunning
		return Ticket{Lease: m.probe.number}, true
	case m.probe.state == probeWanted:
	case m.probe.state == noProbe, !now.Before(m.probe.expires):
		m.probe = probe{number: m.probe.number + 1, state: probeWanted}
		m.wished = true
		m.link.at(now.Add(time.Duration(m.random.Int64N(int64(spreadProbes)))))
	}
	return Ticket{}, false
}

// PutOff says that a call has failed and asks not to be repeated for d. It comes before the
// call's Done.
func (m *Member) PutOff(t Ticket, d time.Duration, now time.Time) {
	switch {
	case t.Lease == 0:
		m.local.PutOff(t.Epoch, t.Probe, d, now)
	case m.runs(t, now):
		m.local.PutOff(m.local.Epoch(), 0, d, now)
	}
}

// Done ends a call that Admit has let through.
func (m *Member) Done(t Ticket, o circuit.Outcome, now time.Time) {
	if o != circuit.Ignored {
		defer m.testify(o == circuit.Failure, now)
	}
	if t.Lease != 0 {
		m.doneProbe(t, o, now)
		return
	}
	wasClosed := m.local.State() == circuit.Closed
	switch {
	case t.Probe != 0:
		m.local.Settle(t.Probe, o, now)
	case o != circuit.Ignored:
		m.local.Record(t.Epoch, o == circuit.Failure, now)
	}
	switch closed := m.local.State() == circuit.Closed; {
	case wasClosed && !closed:
		m.trip = trip{number: m.trip.number + 1, open: true, at: now}
		if m.witness.About != (fleet.Accusation{}) && now.Sub(m.heard) <= together {
			m.witness.Sum = min(m.bounds.highest, m.witness.Sum+tripWeight(m.bounds))
		}
		m.link.at(now)
	case closed && m.trip.open && !wasClosed:
		m.endSuspicion(now)
	}
}

// runs says whether the fleet's probe is under way, and its lease not over.
func (m *Member) runs(t Ticket, now time.Time) bool {
	return m.probe.state == probeRunning && m.probe.number == t.Lease && now.Before(m.probe.expires)
}

// doneProbe takes the result of a fleet's probe. One that comes after its lease decides
// nothing (S6).
func (m *Member) doneProbe(t Ticket, o circuit.Outcome, now time.Time) {
	if !m.runs(t, now) {
		return
	}
	switch o {
	case circuit.Success:
		m.probe.result = fleet.Succeeded
	case circuit.Failure:
		m.probe.result = fleet.Failed
		m.rests = now.Add(m.settings.Circuit.Cooldown)
	case circuit.Ignored:
		m.probe.state = probeGranted // for another call
		m.link.at(m.returns())
		return
	}
	m.probe.state = probeEnded
	m.link.at(now)
}

// testify counts a completed call. It does not matter when it was admitted: fast
// failures and slow successes would tip the scales.
func (m *Member) testify(failed bool, now time.Time) {
	m.lastCall, m.marked = now, true
	if m.witness.About == (fleet.Accusation{}) {
		return
	}
	m.witness.Sum += m.settings.Rule.Weight(m.limit, failed)
	m.witness.Sum = min(max(m.witness.Sum, m.bounds.lowest), m.bounds.highest)
	m.witness.Calls++
	if m.witness.Calls <= eager {
		m.link.at(now)
	} else {
		m.link.at(now.Add(reporting))
	}
}

// active says whether the member uses the circuit.
func (m *Member) active(now time.Time) bool {
	return m.local.State() != circuit.Closed || !m.lastCall.IsZero() && now.Sub(m.lastCall) <= lately
}

func (m *Member) endSuspicion(now time.Time) {
	m.trip.open = false
	m.link.at(now)
}

// State is what the fleet and the member's own circuit amount to for a call.
func (m *Member) State(now time.Time) circuit.State {
	switch {
	case m.refuses(now):
		return circuit.Open
	case m.byLease():
		return circuit.HalfOpen
	}
	m.local.Advance(now)
	return m.local.State()
}
