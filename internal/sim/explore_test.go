package sim

import (
	"strings"
	"testing"
)

// The least of what "make simulate" explores.
func TestASmallFleetKeepsItsPromisesInEveryOrder(t *testing.T) {
	r := Explore(Bounds{Calls: 3, Turns: 1, Ticks: 2, States: 20_000})
	if r.Violation != "" {
		t.Errorf("%s\n\t%s", r.Violation, strings.Join(r.Path, "\n\t"))
	}
	t.Logf("%d states, all: %v", r.States, r.Whole)
}
