package main

import "testing"

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{7}, spread{7, 7, 7}},
		{[]float64{9, 1, 4}, spread{4, 1, 9}},
		{[]float64{8, 2, 4, 1}, spread{3, 1, 8}},
	} {
		if got, ok := spreadOf(c.values); got != c.want || !ok {
			t.Errorf("%v: %v, not %v", c.values, got, c.want)
		}
	}
	if _, ok := spreadOf(nil); ok {
		t.Error("nothing has a spread")
	}
}

// The ratio of the medians would be (400+840)/(10+20) = 41.3.
func TestRatioIsTakenWithinEachProcess(t *testing.T) {
	ps := parsed(t, first, second)
	if got, ok := ps.ratio(peer, call, nsPerOp); got != (spread{41, 40, 42}) || !ok {
		t.Errorf("the ratio is %v", got)
	}
	if got, ok := ps.scaling("Net", "highway.Call"); got != (spread{2, 2, 2}) || !ok {
		t.Errorf("the scaling is %v", got)
	}
	if got, ok := ps.figure(call, nsPerOp); got != (spread{15, 10, 20}) || !ok {
		t.Errorf("the figure is %v", got)
	}
}

func TestFigureThatOneProcessLacksIsNone(t *testing.T) {
	ps := parsed(t, first, second)
	empty := line{"Empty", "call", "serial"}
	if _, ok := ps.figure(empty, nsPerOp); ok {
		t.Error("there is a figure")
	}
	if _, ok := ps.ratio(empty, call, nsPerOp); ok {
		t.Error("there is a ratio")
	}
}
