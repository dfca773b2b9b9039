package protocol

import (
	"slices"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// clone returns a row that shares nothing with r.
func clone(r fleet.Row) fleet.Row {
	r.Probes = slices.Clone(r.Probes)
	return r
}

// countOf says how many probes have a result.
func countOf(r *fleet.Row, result fleet.Result) int {
	n := 0
	for _, p := range r.Probes {
		if p.Result == result {
			n++
		}
	}
	return n
}

// next is the version after r, in a new episode.
func next(r fleet.Row, state circuit.State, why fleet.Reason, by string, nonce uint64) fleet.Row {
	return fleet.Row{
		Identity: fleet.Identity{Incarnation: r.Incarnation, Epoch: r.Epoch + 1, Nonce: nonce},
		State:    state,
		Reason:   why,
		By:       by,
	}
}
