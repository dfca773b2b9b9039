package main

import (
	"math"
	"time"

	"github.com/highway-engine/highway/internal/circuit"
)

// A sample is what a run has come to.
type sample struct {
	opened bool    // the fleet has opened
	wasted int64   // calls made in vain
	took   float64 // seconds or cooldowns until what was waited for; +Inf: in vain
	open   float64 // cooldowns during which the fleet was not closed
	// suspicions is how many trips the fleet was told of.
	suspicions uint64
}

// warmUp fills the windows before anything is measured.
const warmUp = 20 * time.Second

func constantly(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

// falseOutage lets 10,000 calls an instance arrive at a healthy dependency, and says
// whether the fleet opened.
func falseOutage(run int, c cell) sample {
	const calls = 10_000
	w := conditionsOf(run).world(run, c, limit{5, 10}, 0, constantly(c.errors))
	for at := time.Duration(0); at < calls/callsPerSecond*time.Second && w.Stats.Opened == 0; {
		at += 5 * time.Second
		w.Run(at)
	}
	return sample{opened: w.Stats.Opened > 0, suspicions: w.Suspected()}
}

// hardOutage lets every call fail from one instant on, and counts the calls that each
// instance makes from then until it first refuses.
func hardOutage(run int, c cell) sample {
	conditions := conditionsOf(run)
	conditions.latency = c.latency
	if c.latency == instantly {
		conditions.success, conditions.failure, conditions.loss = instantly, instantly, 0
	}
	w := conditions.world(run, c, limit{10, 20}, 0, func(at time.Duration) float64 {
		if at >= warmUp {
			return 1
		}
		return c.errors
	})
	w.Run(warmUp)
	before := make([]int64, c.size)
	waiting := make([]int, c.size)
	for i := range c.size {
		before[i], waiting[i] = w.Made(i), i
	}
	s := sample{took: math.Inf(1)}
	const step = 5 * time.Millisecond
	for at := warmUp + step; at < warmUp+10*time.Minute; at += step {
		w.Run(at)
		still := waiting[:0]
		for _, i := range waiting {
			if w.Refuses(i) {
				s.wasted += w.Made(i) - before[i]
			} else {
				still = append(still, i)
			}
		}
		if waiting = still; len(waiting) == 0 {
			s.took = (at - warmUp).Seconds()
			break
		}
	}
	for _, i := range waiting {
		s.wasted += w.Made(i) - before[i]
	}
	return s
}

// patience is how long a partial outage lasts.
const patience = 10 * time.Minute

// partialOutage lets a share of all calls fail from one instant on, and waits until
// all instances refuse at once.
func partialOutage(run int, c cell) sample {
	w := conditionsOf(run).world(run, c, limit{5, 10}, 0, func(at time.Duration) float64 {
		if at >= warmUp {
			return c.outage
		}
		return c.errors
	})
	w.Run(warmUp)
	const step = 20 * time.Millisecond
	for at := warmUp + step; at <= warmUp+patience; at += step {
		w.Run(at)
		all := true
		for i := 0; i < c.size && all; i++ {
			all = w.Refuses(i)
		}
		if all {
			return sample{took: (at - warmUp).Seconds()}
		}
	}
	return sample{took: math.Inf(1)}
}

// watched is how many cooldowns a fleet is watched after its dependency has recovered.
const watched = 10

// recovery ends a hard outage for all but the sick, if there are any, and looks how
// long the fleet stays open because of them.
func recovery(run int, c cell) sample {
	conditions := conditionsOf(run)
	cooldown := conditions.cooldown
	recovers := warmUp + cooldown*3/2
	w := conditions.world(run, c, limit{5, 10}, warmUp, func(at time.Duration) float64 {
		if at >= warmUp && at < recovers {
			return 1
		}
		return c.errors
	})
	w.Run(recovers)
	s := sample{took: math.Inf(1)}
	const steps = 100 // a cooldown
	for i := range watched * steps {
		w.Run(recovers + cooldown*time.Duration(i)/steps)
		closed := w.Shared() == circuit.Closed
		if closed && math.IsInf(s.took, 1) {
			s.took = float64(i) / steps
		}
		if !closed {
			s.open += 1.0 / steps
		}
	}
	return s
}
