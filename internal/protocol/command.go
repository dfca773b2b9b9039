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
	Note    string        // what the person said, for whoever looks at the row
}

// The commands that there are, beside OpenFor.
var (
	Close    = Command{State: circuit.Closed}
	HalfOpen = Command{State: circuit.HalfOpen}
	Isolate  = Command{State: circuit.Open, Hold: fleet.Isolated}
	Disable  = Command{State: circuit.Closed, Hold: fleet.Disabled}
	Release  = Command{State: circuit.HalfOpen, Release: true}
)

// OpenFor is the command to open for d.
func OpenFor(d time.Duration) Command {
	return Command{State: circuit.Open, Hold: fleet.HeldOpen, For: d}
}

// Apply gives the row that the command makes of row. It says false if there is nothing
// to do.
func (c Command) Apply(row fleet.Row, by string, nonce uint64) (fleet.Row, bool) {
	if c.Release && row.Hold == fleet.NoHold {
		return row, false
	}
	to := next(row, c.State, fleet.Commanded, by, nonce)
	to.Hold, to.Remaining, to.Note = c.Hold, c.For, c.Note
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
