package main

import (
	"math"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/sim"
)

// A rule is one of those that are compared.
type rule string

const (
	alone       rule = "each on its own"
	firstTrip   rule = "first trip"
	recommended rule = "recommended"
)

func (r rule) rule() fleet.Rule {
	switch r {
	case alone:
		return fleet.Alone{}
	case firstTrip:
		return fleet.FirstTrip{}
	}
	return fleet.SequentialTest{}
}

const (
	callsPerSecond = 10 // of an instance, on average
	poll           = 2 * time.Second
	doubled        = 0.01 // of the notifications come twice
	usualErrors    = 0.1  // a fifth of the limit's, at 5 of 10
	fewErrors      = 0.02 // so few that nobody trips before a hard outage
)

// Conditions are what the runs of a cell take turns with.
type conditions struct {
	cooldown time.Duration
	sickness float64 // the error rate of a sick instance
	skewed   bool
	latency  time.Duration // of a message
	loss     float64       // of messages
	success  time.Duration // how long a call takes that succeeds
	failure  time.Duration // and one that fails
}

// conditionsOf are the conditions of a run. Any 96 runs in a row meet all combinations.
func conditionsOf(run int) conditions {
	digit := func(base int) int {
		d := run % base
		run /= base
		return d
	}
	c := conditions{
		cooldown: []time.Duration{10 * time.Second, 60 * time.Second}[digit(2)],
		sickness: []float64{1, 0.6}[digit(2)],
		skewed:   digit(2) == 1,
		latency:  []time.Duration{2 * time.Millisecond, 50 * time.Millisecond}[digit(2)],
		loss:     []float64{0, 0.05}[digit(2)],
	}
	times := [][2]time.Duration{{5, 200}, {200, 5}, {20, 20}}[digit(3)]
	c.failure, c.success = times[0]*time.Millisecond, times[1]*time.Millisecond
	return c
}

// A limit is that of a window: so many failures of so many calls.
type limit struct{ failures, window int }

// world makes a run. Fails is the error rate that instances meet, except for those that
// are sick by then.
func (c conditions) world(run int, cell cell, l limit, sickFrom time.Duration, fails func(at time.Duration) float64) *sim.World {
	loss := c.loss
	if cell.rule == alone {
		loss = 1 // nothing is shared
	}
	return sim.New(sim.Config{
		Seed:      uint64(run),
		Instances: cell.size,
		Rule:      cell.rule.rule(),
		Poll:      poll,
		Circuit: circuit.Settings{
			Failures: l.failures, Window: l.window,
			Successes: 2, Probes: 3,
			Cooldown: c.cooldown, Lease: 10 * time.Second,
		},
		Rate: c.rates(cell.size),
		Fails: func(instance int, at time.Duration) float64 {
			if at >= sickFrom && isSick(instance, run, cell.size, cell.sick) {
				return c.sickness
			}
			return fails(at)
		},
		Took: func(failed bool) time.Duration {
			if failed {
				return c.failure
			}
			return c.success
		},
		Network: sim.Network{Latency: c.latency, Loss: loss, Doubled: doubled},
	})
}

// isSick spreads the sick over busy and idle instances, from run to run.
func isSick(instance, run, size, sick int) bool {
	return (instance+size-run*7%size)%size < sick
}

// rates are even, or fall like the frequencies of words (Zipf): the second instance has
// half the traffic of the first, the third a third. The average is the same.
func (c conditions) rates(size int) func(instance int) float64 {
	if !c.skewed {
		return func(int) float64 { return callsPerSecond }
	}
	harmonic := 0.0
	for i := range size {
		harmonic += 1 / float64(i+1)
	}
	busiest := callsPerSecond * float64(size) / harmonic
	return func(instance int) float64 { return busiest / float64(instance+1) }
}

// several is how many instances are sick when several are: a fifth, at least two.
func several(size int) int { return max(2, int(math.Round(float64(size)/5))) }
