package sim

import (
	"slices"
	"testing"
)

// A fixed share of what "make simulate" runs.
func TestTheFleetKeepsItsPromises(t *testing.T) {
	seeds := uint64(150)
	if testing.Short() {
		seeds = 20
	}
	var hours float64
	var faults [Faults]int
	for seed := range seeds {
		r := Play(seed, false)
		hours += r.Hours
		for f, n := range r.Faults {
			faults[f] += n
		}
		for _, v := range r.Violations {
			t.Errorf("%s broken at %v: %s\n\treplay: go run ./internal/sim/simulate -seed %d -v", v.Promise, v.At, v.Text, seed)
		}
	}
	for f, n := range faults {
		if n == 0 && !testing.Short() {
			t.Errorf("there was no %v", Fault(f))
		}
	}
	t.Logf("%.0f instance-hours", hours)
}

func TestASeedDecidesTheWholeRun(t *testing.T) {
	for seed := range uint64(5) {
		a, b := Play(seed, true), Play(seed, true)
		if !slices.Equal(a.History, b.History) || a.Stats != b.Stats || a.Faults != b.Faults {
			t.Errorf("seed %d has two histories", seed)
		}
	}
}
