package main

import (
	"math"
	"testing"
)

func TestRunsMeetEveryCombinationOfConditions(t *testing.T) {
	met := map[conditions]int{}
	for run := range 192 {
		met[conditionsOf(run)]++
	}
	if len(met) != 96 {
		t.Errorf("%d combinations in 192 runs", len(met))
	}
	for c, n := range met {
		if n != 2 {
			t.Errorf("%d times %+v", n, c)
		}
	}
}

func TestTrafficHasTheSameAverage(t *testing.T) {
	for _, skewed := range []bool{false, true} {
		for _, size := range allSizes {
			rates := conditions{skewed: skewed}.rates(size)
			sum := 0.0
			for i := range size {
				sum += rates(i)
			}
			if average := sum / float64(size); math.Abs(average-callsPerSecond) > 1e-9 {
				t.Errorf("skewed %v, %d instances: %v calls a second", skewed, size, average)
			}
			if ratio := rates(0) / rates(2); skewed && math.Abs(ratio-3) > 1e-9 {
				t.Errorf("the first has %v times the traffic of the third", ratio)
			}
		}
	}
}

func TestAsManyAreSickAsShallBe(t *testing.T) {
	for _, size := range []int{3, 10, 200} {
		for run := range 30 {
			for _, sick := range []int{0, 1, several(size)} {
				n := 0
				for i := range size {
					if isSick(i, run, size, sick) {
						n++
					}
				}
				if n != sick {
					t.Errorf("run %d, %d instances: %d are sick, not %d", run, size, n, sick)
				}
			}
		}
	}
	for size, want := range map[int]int{5: 2, 10: 2, 20: 4, 200: 40} {
		if got := several(size); got != want {
			t.Errorf("several of %d are %d, not %d", size, got, want)
		}
	}
}
