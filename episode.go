package highway

import (
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/protocol"
)

// An episode is a protector's stay in one state. It is what an admitted call holds:
// the outcome of a call from an earlier episode changes nothing (S3).
type episode struct {
	epoch   uint64
	state   CircuitState
	refusal *ProtectedCallError // what refused calls get; nil when none are

	// gate is all that a call looks at. Only a change of the machine writes it, so
	// that calls on many cores can read it without passing it around.
	gate atomic.Uint32
}

// quiet says that a success changes nothing, and so need not be settled: the window is
// full of them, and nobody counts.
func (e *episode) quiet() bool { return e.gate.Load() == gateQuiet }

// counting says that a success of the ticket changes nothing, and need only be counted.
func (e *episode) counting(t protocol.Ticket) bool {
	return t == (protocol.Ticket{Epoch: e.epoch}) && e.gate.Load() == gateCounting
}

// The gates of an episode.
const (
	gateQuiet     = iota // go; a success need not even be recorded
	gateCounting         // go; a success need only be counted
	gateRecording        // go; every outcome is recorded
	gateRefusing         // do not go
	gateTelling          // do not go, and be counted or told of
	gateAsking           // ask the machine, at the present instant
)

func (p *CircuitProtector) newEpisode() *episode {
	m := p.machine
	e := &episode{epoch: m.Epoch(), state: CircuitState(m.State())}
	if e.state != Closed {
		e.refusal = p.refusal(e.state, m.Until())
	}
	e.gate.Store(p.gate())
	return e
}

// refusal is what calls get that are refused in a state.
func (p *CircuitProtector) refusal(state CircuitState, until time.Time) *ProtectedCallError {
	return &ProtectedCallError{
		key:   p.policy.ResourceKey,
		state: state,
		until: until,
		pause: max(p.machine.Settings().Cooldown/10, time.Millisecond),
	}
}

// gate is the gate that goes with the machine's state.
func (p *CircuitProtector) gate() uint32 {
	m := p.machine
	switch {
	case m.State() == circuit.HalfOpen:
		return gateAsking
	case m.State() == circuit.Open:
		if !m.Until().IsZero() && time.Until(m.Until()) <= alarmAhead {
			return gateAsking
		}
		if p.calls != nil || p.policy.OnRefusal != nil {
			return gateTelling
		}
		return gateRefusing
	case m.Quiet() && p.unobserved():
		if p.calls != nil {
			return gateCounting
		}
		return gateQuiet
	}
	return gateRecording
}
