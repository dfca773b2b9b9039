package highway

import (
	"fmt"
	"iter"

	"github.com/highway-engine/highway/internal/circuit"
)

// An ExecutionLog is a copy of the outcomes that a protector goes by: in CLOSED the
// last ones, at most as many as the failure limit's denominator; in OPEN those at
// the moment it tripped; in HALF_OPEN those of the probes so far. It never changes.
type ExecutionLog struct {
	window circuit.Window
}

// Len is the number of outcomes in the log.
func (l ExecutionLog) Len() int { return l.window.Len() }

// Failures is how many of them are failures.
func (l ExecutionLog) Failures() int { return l.window.Failures() }

// Successes is how many of them are successes.
func (l ExecutionLog) Successes() int { return l.window.Len() - l.window.Failures() }

// All gives the outcomes, oldest first: true for a success.
func (l ExecutionLog) All() iter.Seq[bool] {
	return func(yield func(bool) bool) {
		for i := range l.window.Len() {
			if !yield(!l.window.Failed(i)) {
				return
			}
		}
	}
}

// String gives the counts, such as "3 of 10 failed".
func (l ExecutionLog) String() string {
	return fmt.Sprintf("%d of %d failed", l.Failures(), l.Len())
}

// MarshalText gives the same as String.
func (l ExecutionLog) MarshalText() ([]byte, error) { return []byte(l.String()), nil }
