package highway

import (
	"slices"
	"time"
)

// A Snapshot is everything a protector knows of itself, read at one instant.
type Snapshot struct {
	ResourceKey    string        // from the policy
	State          CircuitState  // as Status gives it
	Hold           Hold          // the order of a person that is in force
	Reason         Reason        // why it is in this state
	Since          time.Time     // when the present episode began
	RetryAfter     time.Duration // what a call refused now would be told; 0 in CLOSED
	FailureLimit   Limit         // in force; see CircuitProtector.Settings
	SuccessLimit   Limit         // in force
	Log            ExecutionLog  // what the next decision goes by
	ProbesInFlight int           // HALF_OPEN: calls through this protector that probe at this moment
	Totals         Totals        // counts since the protector was made
	Changes        []ChangeCount // the changes of state in Totals, by state and then reason
	Fleet          FleetSignal   // whether the storage answers
}

// FleetSignal says whether a protector is part of a fleet, and hears of it.
type FleetSignal struct {
	Shared bool      // it has a Storage
	Live   bool      // the storage answers; without it every instance is on its own
	Since  time.Time // how long it has been live, or not
	Err    error     // why it is not live

	// Instance is the name of this process at the storage, for this circuit. It is made
	// anew each time that a process starts.
	Instance string

	// Heard is when the storage last told how this circuit stands; zero: never. One that
	// is CLOSED everywhere is asked about every few minutes only, when nothing goes on.
	Heard time.Time

	// Leases is how many probes the whole half-open fleet has out, as far as this
	// instance has heard. Those of its own that are under way are ProbesInFlight.
	Leases int
}

// Totals count since the protector was made. Failures, Ignored and StatusChanges are
// always exact, because these are written down anyway. Successes and Refusals are
// counted with CountCalls only, see [CircuitProtectorPolicy], and are as exact: each call
// is counted once. But they are counted without a lock, so a snapshot may have calls that
// end in the same moment in them and not yet in the rest.
type Totals struct {
	Failures      uint64 // calls that failed, late ones and failed probes included
	Ignored       uint64 // calls that said nothing about the resource
	StatusChanges uint64 // changes of state, whether or not somebody listens
	Counted       bool   // whether the rest is counted
	Successes     uint64 // calls that succeeded, late ones included
	Refusals      uint64 // calls that were not made
}

// Snapshot reads all figures at one instant.
func (p *CircuitProtector) Snapshot() Snapshot {
	now := p.advance()
	defer p.mu.Unlock()
	settings := p.settings()
	s := Snapshot{
		ResourceKey:    p.policy.ResourceKey,
		State:          CircuitState(p.machine.State()),
		Hold:           Hold(p.machine.Hold()),
		Reason:         Reason(p.machine.Reason()),
		Since:          p.machine.Since(),
		FailureLimit:   settings.FailureLimit,
		SuccessLimit:   settings.SuccessLimit,
		Log:            ExecutionLog{p.machine.Log()},
		ProbesInFlight: p.machine.InFlight(now),
		Totals:         Totals{Failures: p.failures, Ignored: p.ignored, StatusChanges: p.changed.sum()},
		Changes:        slices.Clone(p.changed),
	}
	if p.calls != nil {
		s.Totals.Counted = true
		s.Totals.Successes, s.Totals.Refusals = p.successes+p.calls.sum(succeeded), p.calls.sum(refused)
	}
	if p.entry != nil {
		signal := p.entry.Signal()
		s.Fleet = FleetSignal{
			Shared: true, Live: signal.Live, Since: signal.Since, Err: signal.Err,
			Instance: p.entry.Instance(), Heard: p.entry.Heard(), Leases: p.member.Leases(now),
		}
		s.ProbesInFlight = p.member.InFlight(now)
	}
	if refusal := p.episode.Load().refusal; refusal != nil {
		s.RetryAfter = refusal.retryAfter(now)
	}
	return s
}

// ExecutionLog returns a copy of the outcomes that the protector goes by.
func (p *CircuitProtector) ExecutionLog() ExecutionLog {
	p.advance()
	defer p.mu.Unlock()
	return ExecutionLog{p.machine.Log()}
}
