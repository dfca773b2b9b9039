package main

import "time"

var (
	allSizes   = []int{3, 4, 5, 10, 20, 200, 1000}
	errorRates = []float64{0, usualErrors, 0.2, 0.3}
	outages    = []float64{0.3, 0.5, 0.7}
	latencies  = []time.Duration{instantly, 2 * time.Millisecond, 50 * time.Millisecond}
	rules      = []rule{alone, firstTrip, recommended}
)

// The cells.

func falseCell(r rule, size int, errors float64, sick int) cell {
	return cell{experiment: falseOutages, rule: r, size: size, errors: errors, sick: sick}
}

func hardCell(r rule, size int, latency time.Duration) cell {
	return cell{experiment: hardOutages, rule: r, size: size, errors: fewErrors, latency: latency}
}

func partialCell(size int, outage float64) cell {
	return cell{experiment: partialOutages, rule: recommended, size: size, errors: usualErrors, outage: outage}
}

func recoveryCell(r rule, size, sick int) cell {
	return cell{experiment: recoveries, rule: r, size: size, errors: fewErrors, sick: sick}
}

// effort is how many runs a cell of a size gets: those that the targets are about, and
// the others. None means that the size is left out.
type effort struct{ targets, others int }

// An extent is the effort for each experiment and size.
type extent struct {
	falsely, hard, partial, recovery map[int]effort
}

var full = extent{
	falsely: map[int]effort{
		3: {1000, 192}, 4: {1000, 192}, 5: {1000, 192}, 10: {1000, 96}, 20: {1000, 48}, 200: {24, 1},
	},
	hard: map[int]effort{
		3: {480, 480}, 4: {480, 480}, 5: {480, 480}, 10: {480, 480}, 20: {288, 288}, 200: {48, 48}, 1000: {3, 3},
	},
	partial: map[int]effort{
		3: {480, 192}, 4: {480, 192}, 5: {480, 192}, 10: {288, 96}, 20: {192, 48}, 200: {24, 2},
	},
	recovery: map[int]effort{
		3: {192, 96}, 4: {192, 96}, 5: {192, 96}, 10: {96, 48}, 20: {48, 24}, 200: {2, 1},
	},
}

var quick = extent{
	falsely: map[int]effort{
		3: {96, 12}, 4: {96, 12}, 5: {96, 12}, 10: {48, 6}, 20: {12, 2},
	},
	hard: map[int]effort{
		3: {96, 96}, 4: {96, 96}, 5: {96, 96}, 10: {96, 96}, 20: {48, 48}, 200: {4, 4},
	},
	partial: map[int]effort{
		3: {96, 12}, 4: {96, 12}, 5: {96, 12}, 10: {48, 6}, 20: {24, 2}, 200: {2, 0},
	},
	recovery: map[int]effort{
		3: {24, 12}, 4: {24, 12}, 5: {24, 12}, 10: {12, 6}, 20: {6, 2},
	},
}

// plan asks every question of the report.
func (e extent) plan() plan {
	p := plan{}
	for size, n := range e.falsely {
		for _, errors := range errorRates {
			runs := n.others
			if errors == usualErrors {
				runs = n.targets
			}
			p[falseCell(recommended, size, errors, 0)] = runs
		}
		p[falseCell(recommended, size, usualErrors, 1)] = n.targets
		p[falseCell(firstTrip, size, usualErrors, 0)] = max(n.others, 2)
		if size >= 5 {
			p[falseCell(recommended, size, usualErrors, several(size))] = n.others
		}
	}
	for size, n := range e.hard {
		for _, latency := range latencies {
			p[hardCell(recommended, size, latency)] = n.targets
			p[hardCell(firstTrip, size, latency)] = n.targets
		}
		p[hardCell(alone, size, latencies[1])] = n.others
	}
	for size, n := range e.partial {
		for _, outage := range outages {
			runs := n.targets
			if outage < 0.5 {
				runs = n.others
			}
			p[partialCell(size, outage)] = runs
		}
	}
	for size, n := range e.recovery {
		p[recoveryCell(recommended, size, 1)] = n.targets
		p[recoveryCell(recommended, size, 0)] = n.others
		p[recoveryCell(firstTrip, size, 1)] = n.others
	}
	return p
}
