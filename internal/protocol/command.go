package protocol

import (
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// A Command is a person's order to a fleet.
type Command struct {
	State   circuit.State
	Hold    fleet.Hold
	For     time.Duration // of HeldOpen
	Release bool          // only end a hold
}

// Apply gives the row that the command makes of row. It says false if there is nothing
// to do.
func (c Command) Apply(row fleet.Row, by string, nonce uint64) (fleet.Row, bool) {
	if c.Release && row.Hold == fleet.NoHold {
		return row, false
	}
	to := next(row, c.State, fleet.Commanded, by, nonce)
	to.Hold, to.Remaining = c.Hold, c.For
	return to, true
}

// Ask gives the number of a request outside of the member's own correspondence. The
// answer that is on the way, if any, is dropped for it.
func (m *Member) Ask() uint64 {
	m.link.sent++
	m.link.waiting = false
	return m.link.sent
}

// Learn takes the answer to a request that Ask has numbered.
func (m *Member) Learn(row fleet.Row, number uint64, now time.Time) {
	m.adopt(row, number, now)
	m.link.at(now)
}
