package main

import "slices"

// What the report shows of each figure. mallocs/op is allocs/op without rounding.
const (
	nsPerOp         = "ns/op"
	bytesPerOp      = "B/op"
	allocsPerOp     = "mallocs/op"
	bytesPerBreaker = "B/breaker"
	goroutines      = "goroutines"
)

// A spread is one figure over all processes.
type spread struct{ median, min, max float64 }

// spreadOf returns the spread of values, which it sorts, and whether there are any.
func spreadOf(values []float64) (spread, bool) {
	n := len(values)
	if n == 0 {
		return spread{}, false
	}
	slices.Sort(values)
	return spread{(values[(n-1)/2] + values[n/2]) / 2, values[0], values[n-1]}, true
}

// processes are the runs that a report is made from.
type processes []*process

// figure is the spread of l's figure; false unless every process has it.
func (ps processes) figure(l line, unit string) (spread, bool) {
	return ps.each(func(p *process) (float64, bool) {
		v, ok := p.figures[l][unit]
		return v, ok
	})
}

// ratio is the spread of over's figure divided by under's. It is taken within each
// process, because what makes one process slow makes both slow.
func (ps processes) ratio(over, under line, unit string) (spread, bool) {
	return ps.each(func(p *process) (float64, bool) {
		o, ok1 := p.figures[over][unit]
		u, ok2 := p.figures[under][unit]
		return o / u, ok1 && ok2 && u > 0
	})
}

// added is the spread of what subject takes more than bare, within each process.
func (ps processes) added(scenario, subject, bare, mode, unit string) (spread, bool) {
	return ps.each(func(p *process) (float64, bool) {
		with, ok1 := p.figures[line{scenario, subject, mode}][unit]
		without, ok2 := p.figures[line{scenario, bare, mode}][unit]
		return with - without, ok1 && ok2
	})
}

// scaling is the spread of how many times faster subject is on all processors than
// alone.
func (ps processes) scaling(scenario, subject string) (spread, bool) {
	return ps.ratio(line{scenario, subject, "serial"}, line{scenario, subject, "parallel"}, nsPerOp)
}

func (ps processes) each(f func(*process) (float64, bool)) (spread, bool) {
	var values []float64
	for _, p := range ps {
		v, ok := f(p)
		if !ok {
			return spread{}, false
		}
		values = append(values, v)
	}
	return spreadOf(values)
}
