package fleet

import "github.com/highway-engine/highway/internal/circuit"

// State is what a circuit does with calls: Closed, Open or HalfOpen.
type State = circuit.State

// The states.
const (
	Closed   = circuit.Closed
	Open     = circuit.Open
	HalfOpen = circuit.HalfOpen
)
