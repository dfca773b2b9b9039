package main

import "testing"

func TestVerdicts(t *testing.T) {
	both := parsed(t, first, second)
	for _, c := range []struct {
		name     string
		target   target
		ps       processes
		measured string
		verdict  string
	}{
		{"median above", faster("Net", "highway.Call", "failsafe", "serial", 41), both, "41.0× (40.0–42.0)", met},
		{"median below", faster("Net", "highway.Call", "failsafe", "serial", 41.1), both, "41.0× (40.0–42.0)", missed},
		{"other mode", faster("Net", "highway.Call", "failsafe", "parallel", 20), both, "19.0× (18.0–20.0)", missed},
		{"no slower", faster("Net", "failsafe", "highway.Call", "serial", 1), both[:1], "0.03×", missed},
		{"within", within("Net", "highway.Call", "highway.Call", "serial", 1.15), both, "1.00×", met},
		{"not within", within("Net", "failsafe", "highway.Call", "serial", 39.9), both[:1], "40.0×", missed},
		{"background allocations", allocations("Net", "highway.Call", 0), both[:1], "0", met},
		{"one call in ten allocates", allocations("Net", "highway.Call", 0), both, "0.10", missed},
		{"allowed allocations", allocations("Net", "failsafe", 17), both, "17", met},
		{"adds time", adds("Net", "failsafe", "highway.Call", nsPerOp, 605), both, "605 ns", met},
		{"adds too much", adds("Net", "failsafe", "highway.Call", nsPerOp, 604), both, "605 ns", missed},
		{"adds allocations", adds("Net", "failsafe", "highway.Call", allocsPerOp, 17), both, "17", met},
		{"nothing to add to", adds("Net", "failsafe", "bare", nsPerOp, 1), both, "–", notMeasured},
		{"never measured", faster("Tenth", "highway.Do", "failsafe", "serial", 1), both, "–", notMeasured},
		{"no allocations measured", allocations("Tenth", "highway.Do", 0), both, "–", notMeasured},
	} {
		measured, verdict := c.target.verdict(c.ps)
		if measured != c.measured || verdict != c.verdict {
			t.Errorf("%s: %s, %s; not %s, %s", c.name, measured, verdict, c.measured, c.verdict)
		}
	}
}
