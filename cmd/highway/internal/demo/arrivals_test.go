package demo

import (
	"slices"
	"testing"
	"time"
)

func TestArrivalsAreDecidedByTheSeed(t *testing.T) {
	at := func(seed uint64, instance int) []time.Duration {
		return slices.Collect(arrivals(seed, instance, 25*time.Millisecond, 10*time.Second))
	}
	first := at(1, 1)
	if !slices.Equal(first, at(1, 1)) {
		t.Error("the same seed gave other instants")
	}
	if slices.Equal(first, at(2, 1)) {
		t.Error("another seed gave the same instants")
	}
	if slices.Equal(first, at(1, 2)) {
		t.Error("another instance got the same instants")
	}
}

func TestArrivalsKeepToMeanAndEnd(t *testing.T) {
	const mean, end = 25 * time.Millisecond, 100 * time.Second
	got := slices.Collect(arrivals(1, 1, mean, end))
	if n := len(got); n < 3700 || n > 4300 {
		t.Errorf("%d arrivals, want about 4000", n)
	}
	if !slices.IsSorted(got) || got[0] < 0 || got[len(got)-1] >= end {
		t.Errorf("instants from %v to %v, want them in order and before %v", got[0], got[len(got)-1], end)
	}
}
