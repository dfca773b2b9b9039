package highway

import (
	"fmt"

	"github.com/highway-engine/highway/internal/circuit"
)

// CircuitState is what a protector does with calls. See docs/states.md for the
// diagram.
type CircuitState uint8

// The states of a circuit.
const (
	Closed   CircuitState = iota // calls go through, outcomes are recorded
	Open                         // calls are refused
	HalfOpen                     // a few calls go through, as probes
)

// String gives the name as it is stored: CLOSED, OPEN or HALF_OPEN.
func (s CircuitState) String() string {
	return nameOf(s, "CLOSED", "OPEN", "HALF_OPEN")
}

// MarshalText gives the same name as String.
func (s CircuitState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Hold is a person's order that a protector's own decisions do not override.
type Hold uint8

// The holds.
const (
	NoHold   Hold = iota
	Isolated      // OPEN until released
	Disabled      // CLOSED and recording, but never tripping
)

// String gives "none", "isolated" or "disabled".
func (h Hold) String() string { return nameOf(h, "none", "isolated", "disabled") }

// MarshalText gives the same name as String.
func (h Hold) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// A Reason says why a circuit is in its state.
type Reason uint8

// The reasons.
const (
	Started             Reason = iota // it is new
	FailureLimitReached               // the window tripped it
	CooldownOver                      // time to probe
	SuccessLimitReached               // the probes succeeded
	ProbesFailed                      // the probes failed
	Commanded                         // somebody called Open, Close, …
	FleetDecided                      // the fleet did so
)

// The machine's names for states, holds and reasons have the same numbers.
const (
	_ = uint8(HalfOpen-CircuitState(circuit.HalfOpen)) + uint8(CircuitState(circuit.HalfOpen)-HalfOpen)
	_ = uint8(Disabled-Hold(circuit.Disabled)) + uint8(Hold(circuit.Disabled)-Disabled)
	_ = uint8(FleetDecided-Reason(circuit.FleetDecided)) + uint8(Reason(circuit.FleetDecided)-FleetDecided)
)

// String gives the reason in words.
func (r Reason) String() string {
	return nameOf(r, "started", "failure limit reached", "cooldown over",
		"success limit reached", "probes failed", "commanded", "fleet decided")
}

// MarshalText gives the same words as String.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func nameOf[T ~uint8](v T, names ...string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%T(%d)", v, uint8(v))
}
