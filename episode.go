package highway

import (
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway/internal/circuit"
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
// full of them.
func (e *episode) quiet() bool { return e.gate.Load() == gateQuiet }

// The gates of an episode.
const (
	gateQuiet     = iota // go; a success need not even be recorded
	gateRecording        // go; every outcome is recorded
	gateAsking           // ask the machine, at the present instant
	gateRefusing         // do not go
)

func (p *CircuitProtector) newEpisode() *episode {
	m := p.machine
	e := &episode{epoch: m.Epoch(), state: CircuitState(m.State())}
	if e.state != Closed {
		e.refusal = &ProtectedCallError{
			key:   p.policy.ResourceKey,
			state: e.state,
			until: m.Until(),
			pause: max(m.Settings().Cooldown/10, time.Millisecond),
		}
	}
	e.gate.Store(p.gate())
	return e
}

// gate is the gate that goes with the machine's state.
func (p *CircuitProtector) gate() uint32 {
	m := p.machine
	switch {
	case m.State() == circuit.HalfOpen:
		return gateAsking
	case m.State() == circuit.Open && p.policy.CountCalls:
		return gateAsking
	case m.State() == circuit.Open:
		if !m.Until().IsZero() && time.Until(m.Until()) <= alarmAhead {
			return gateAsking
		}
		return gateRefusing
	case m.Quiet() && !p.policy.CountCalls && p.unobserved():
		return gateQuiet
	}
	return gateRecording
}
