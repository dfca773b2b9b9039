package main

import (
	"math"
	"slices"
	"testing"
)

func TestAtMost(t *testing.T) {
	for _, c := range []struct {
		share share
		want  float64
	}{
		{share{0, 1000}, 1 - math.Pow(0.05, 1.0/1000)}, // (1-p)^n = 0.05
		{share{0, 1}, 0.95},
		{share{9, 10}, math.Pow(0.95, 0.1)}, // p^n = 1-0.05
		{share{2, 2}, 1},
		{share{0, 0}, 1},
		{share{5, 100}, 0.102253}, // a table's
	} {
		if got := c.share.atMost(); math.Abs(got-c.want) > 1e-5 {
			t.Errorf("%v: at most %v, not %v", c.share, got, c.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3, 6, 7, 10, 8, 9}
	for q, want := range map[float64]float64{0: 1, 0.5: 5, 0.9: 9, 0.91: 10, 1: 10} {
		if got := quantile(values, q); got != want {
			t.Errorf("%v: %v, not %v", q, got, want)
		}
	}
	if got := median([]float64{3, math.Inf(1), 2}); got != 3 {
		t.Errorf("one that never ends moves the median to %v", got)
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("of nothing %v", got)
	}
	if values[0] != 5 {
		t.Error("it has sorted the caller's values")
	}
}

func TestMean(t *testing.T) {
	average, deviation := mean([]float64{1, 2, 3, 4})
	if average != 2.5 || math.Abs(deviation-math.Sqrt(5.0/3/4)) > 1e-12 {
		t.Errorf("%v ± %v", average, deviation)
	}
	if average, deviation := mean([]float64{7}); average != 7 || deviation != 0 {
		t.Errorf("of one: %v ± %v", average, deviation)
	}
}

func TestBeyondPairsRuns(t *testing.T) {
	got := beyond([]sample{{wasted: 30}, {wasted: 9}}, []sample{{wasted: 22}, {wasted: 10}}, wasted)
	if !slices.Equal(got, []float64{8, -1}) {
		t.Errorf("%v", got)
	}
}
