// Package circuit is the circuit breaker as a pure state machine: the state, an
// event and an instant give the next state. It reads no clock, takes no lock and
// does no I/O, so production, the property tests and the model checks run the same
// code. Whoever calls it brings the instants and the mutual exclusion.
package circuit

import "time"

// State is what the machine does with a call.
type State uint8

// The states.
const (
	Closed   State = iota // every call goes through and its outcome is recorded
	Open                  // no call goes through
	HalfOpen              // a few calls go through, as probes
)

// Hold is a person's order that the machine's own decisions do not override.
type Hold uint8

// The holds.
const (
	NoHold   Hold = iota
	Isolated      // open until released
	Disabled      // closed, recording, never tripping
)

// Reason says what brought the machine into its present episode.
type Reason uint8

// The reasons.
const (
	Started Reason = iota
	FailureLimitReached
	CooldownOver
	SuccessLimitReached
	ProbesFailed
	Commanded
	FleetDecided
)

// Outcome is how an admitted call ended.
type Outcome uint8

// The outcomes.
const (
	Success Outcome = iota
	Failure
	Ignored // says nothing about the resource
)

// Settings are the limits a machine works with. All are positive.
type Settings struct {
	Failures, Window  int           // trip when the last Window calls hold at least Failures failures
	Successes, Probes int           // close when Successes of at most Probes probes succeed
	Cooldown          time.Duration // how long a trip stays open
	Lease             time.Duration // how long a probe may take
}

// A Machine is one circuit breaker. Its methods are its events. Every entry into a
// state, also into the same one by command, begins a new episode with a number of
// its own, the epoch.
type Machine struct {
	settings Settings
	state    State
	hold     Hold
	reason   Reason
	epoch    uint64
	since    time.Time
	until    time.Time // OPEN without a hold: the deadline
	asked    time.Time // until when a failure has asked not to be called
	window   Window
	probes   probes
	granted  Probe // the last probe number given
}

// New returns a closed machine that has seen nothing.
func New(s Settings, now time.Time) Machine {
	return Machine{
		settings: s,
		since:    now,
		window:   NewWindow(s.Window),
		probes:   probes{results: NewWindow(s.Probes)},
	}
}

// Record takes the outcome of a call admitted in a closed episode, and trips the
// machine when that reaches the failure limit. An outcome from another epoch changes
// nothing (S3). The instant matters only if WouldTrip.
func (m *Machine) Record(epoch uint64, failed bool, now time.Time) {
	if epoch != m.epoch || m.state != Closed {
		return
	}
	trips := m.WouldTrip(epoch, failed)
	m.window.Add(failed)
	if trips {
		m.open(FailureLimitReached, now, m.Cooldown(now))
	}
}

// WouldTrip says whether Record of the same outcome would trip the machine. Counting
// calls takes no clock, and reading one costs more than counting; whoever asks first
// reads it for trips only. A success can trip too, if it fills the window.
func (m *Machine) WouldTrip(epoch uint64, failed bool) bool {
	return epoch == m.epoch && m.state == Closed && m.hold == NoHold &&
		m.window.fillsWith(failed) >= m.settings.Failures
}

// Advance turns OPEN into HALF_OPEN when the deadline has come.
func (m *Machine) Advance(now time.Time) {
	if m.state == Open && m.hold == NoHold && !now.Before(m.until) {
		m.enter(HalfOpen, CooldownOver, now)
	}
}

// Admit asks for the admission of one call. While half-open it grants a probe, which
// must be settled. A closed machine admits every call without one.
func (m *Machine) Admit(now time.Time) (Probe, bool) {
	m.Advance(now)
	if m.state == HalfOpen {
		m.probes.expire(now)
		m.judge(now)
	}
	if m.state != HalfOpen {
		return 0, m.state == Closed
	}
	if m.probes.full() {
		return 0, false
	}
	m.granted++
	m.probes.grant(m.granted, now.Add(m.settings.Lease))
	return m.granted, true
}

// Settle ends a probe. One that is not known any more, because its lease or its
// episode is over, decides nothing (S6).
func (m *Machine) Settle(p Probe, o Outcome, now time.Time) {
	if m.state != HalfOpen {
		return
	}
	m.probes.expire(now)
	if m.probes.take(p) && o != Ignored {
		m.probes.results.Add(o == Failure)
	}
	m.judge(now)
}

// mostAsked is how many cooldowns a failure can ask for.
const mostAsked = 10

// PutOff says that a call admitted in the present episode has failed and asks not to be
// repeated for d. It comes before the call's Record or Settle. An OPEN that begins before
// that time is over lasts until then; no other state and no deadline changes. A person's
// command ends it. A probe whose lease is over asks for nothing, as it decides nothing (S6).
func (m *Machine) PutOff(epoch uint64, p Probe, d time.Duration, now time.Time) {
	if epoch != m.epoch || p != 0 && !m.probes.hold(p, now) {
		return
	}
	if until := now.Add(m.bounded(d)); until.After(m.asked) {
		m.asked = until
	}
}

// bounded is d, or mostAsked cooldowns if that is less. They may be too long to be told.
func (m *Machine) bounded(d time.Duration) time.Duration {
	if d/mostAsked >= m.settings.Cooldown {
		return mostAsked * m.settings.Cooldown
	}
	return d
}

// Cooldown is how long an OPEN lasts that begins now.
func (m *Machine) Cooldown(now time.Time) time.Duration {
	return max(m.settings.Cooldown, m.asked.Sub(now))
}

// Configure changes the settings. State, hold, epoch and deadline stay, and of the
// window and the results of the probes the last that fit. A window that meets the new
// limit trips with its next outcome. Probes are judged at once, as they are at any other
// event: what they amount to by the new settings does not wait for a call.
func (m *Machine) Configure(s Settings, now time.Time) {
	m.settings = s
	m.window.resize(s.Window)
	m.probes.configure(s.Probes, now.Add(s.Lease))
	if asked := m.asked.Sub(now); asked > 0 {
		m.asked = now.Add(m.bounded(asked))
	}
	if m.state == HalfOpen {
		m.judge(now)
	}
}

// judge ends a half-open episode as soon as its probes can no longer change the
// verdict.
func (m *Machine) judge(now time.Time) {
	failures := m.probes.results.Failures()
	switch {
	case m.probes.results.Len()-failures >= m.settings.Successes:
		m.enter(Closed, SuccessLimitReached, now)
	case failures > m.settings.Probes-m.settings.Successes:
		m.open(ProbesFailed, now, m.Cooldown(now))
	}
}

// OpenFor, Close, HalfOpen, Isolate, Disable and Release are a person's commands.
// Each but a Release without a hold begins a new episode and ends an earlier hold.

// OpenFor opens the machine for d.
func (m *Machine) OpenFor(d time.Duration, now time.Time) {
	m.hold = NoHold
	m.open(Commanded, now, d)
}

// Close closes the machine with an empty window.
func (m *Machine) Close(now time.Time) {
	m.hold = NoHold
	m.enter(Closed, Commanded, now)
}

// HalfOpen makes the machine probe.
func (m *Machine) HalfOpen(now time.Time) {
	m.hold = NoHold
	m.enter(HalfOpen, Commanded, now)
}

// Isolate opens the machine until a command ends it.
func (m *Machine) Isolate(now time.Time) {
	m.hold = Isolated
	m.enter(Open, Commanded, now)
}

// Disable closes the machine and keeps it from tripping until a command ends it.
func (m *Machine) Disable(now time.Time) {
	m.hold = Disabled
	m.enter(Closed, Commanded, now)
}

// Release ends a hold. What the resource can do by now is unknown, so the machine
// probes.
func (m *Machine) Release(now time.Time) {
	if m.hold != NoHold || m.state == Open && m.reason == Commanded {
		m.HalfOpen(now)
	}
}

// Follow puts the machine into the state that its fleet has, because it has decided so or
// a person has. An OPEN lasts for d, if h is not Isolated.
func (m *Machine) Follow(s State, h Hold, r Reason, d time.Duration, now time.Time) {
	m.hold = h
	m.enter(s, r, now)
	if s == Open && h == NoHold {
		m.until = now.Add(d)
	}
}

func (m *Machine) open(r Reason, now time.Time, d time.Duration) {
	m.enter(Open, r, now)
	m.until = now.Add(d)
}

// enter begins a new episode. The window survives OPEN, where it shows what tripped
// the machine, and starts empty in CLOSED.
func (m *Machine) enter(s State, r Reason, now time.Time) {
	m.state, m.reason, m.since, m.until = s, r, now, time.Time{}
	m.epoch++
	if r == Commanded {
		m.asked = time.Time{}
	}
	m.probes.clear()
	if s == Closed {
		m.window.Clear()
	}
}

// Settings are those in force.
func (m *Machine) Settings() Settings { return m.settings }

// State is the present state.
func (m *Machine) State() State { return m.state }

// Hold is the present hold.
func (m *Machine) Hold() Hold { return m.hold }

// Reason is what began the present episode.
func (m *Machine) Reason() Reason { return m.reason }

// Epoch is the number of the present episode.
func (m *Machine) Epoch() uint64 { return m.epoch }

// Since is when the present episode began.
func (m *Machine) Since() time.Time { return m.since }

// Until is the deadline of an OPEN that has one, otherwise the zero time.
func (m *Machine) Until() time.Time { return m.until }

// Quiet says that one more success would change nothing: the machine is closed and
// its window full of successes.
func (m *Machine) Quiet() bool {
	return m.state == Closed && m.window.Full() && m.window.Failures() == 0
}

// Window is how many failures the window holds, of how many outcomes. In OPEN and
// HALF_OPEN they are those that tripped the machine.
func (m *Machine) Window() (failures, outcomes int) { return m.window.Failures(), m.window.Len() }

// Log is what the machine goes by: the settled probes while half-open, otherwise the
// window. It is a copy.
func (m *Machine) Log() Window {
	if m.state == HalfOpen {
		return m.probes.results.Clone()
	}
	return m.window.Clone()
}

// InFlight is how many probes hold a lease at now.
func (m *Machine) InFlight(now time.Time) int {
	return len(m.probes.inFlight) - m.probes.expired(now)
}

// Clone returns a machine in the same state that shares nothing with m.
func (m *Machine) Clone() Machine {
	c := *m
	c.window, c.probes = m.window.Clone(), m.probes.clone()
	return c
}
