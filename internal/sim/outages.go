package sim

import "github.com/highway-engine/highway/internal/circuit"

// What those see who measure a fleet: the calls it makes, and where it refuses them.

// Made is how many calls of an instance have been let through.
func (w *World) Made(instance int) int64 { return w.members[instance].calls }

// Refuses says whether an instance refuses every call at present.
func (w *World) Refuses(instance int) bool {
	in := w.members[instance]
	return in.State(w.at(in)) == circuit.Open
}

// Shared is the state of the row that the fleet shares.
func (w *World) Shared() circuit.State { return w.row().State }

// Suspected is how many suspicions there have been.
func (w *World) Suspected() uint64 { return w.suspicions() }
