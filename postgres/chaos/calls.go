package main

import (
	"fmt"
	"time"
)

// How long a call may take beside its resource. The most is a quarter of a second more
// than the process was stopped by the machine: a storage that is waited for takes longer
// in a fault than that. Besides, hardly any call may take what one round trip would.
const (
	longestCall  = 250 * time.Millisecond
	longestProbe = 500 * time.Millisecond // it may wait for a lease
	mostSlow     = 0.001
	slowCall     = 20 * time.Millisecond
)

// checkCalls (S9).
func checkCalls(r *record) (all []violation) {
	for _, e := range r.of(wrong) {
		all = append(all, violation{"S9", e.At, e.Instance, fmt.Sprintf("a call of %s: %s", e.Key, e.Text)})
	}
	stalls := map[string][]event{}
	for _, e := range r.of(stalled) {
		stalls[e.Instance] = append(stalls[e.Instance], e)
	}
	calls, slowOnes := 0, 0
	for _, e := range r.of(called) {
		calls += e.Calls
	}
	for _, e := range r.of(slow) {
		took := e.Took - stalledWithin(stalls[e.Instance], e.At, e.At.Add(e.Took))
		longest := longestCall
		if e.From == "HALF_OPEN" {
			longest = longestProbe
		} else if took > slowCall {
			slowOnes++
		}
		if took > longest {
			all = append(all, violation{"S9", e.At, e.Instance, fmt.Sprintf("a call of %s in %s takes %v longer than its resource", e.Key, e.From, took)})
		}
	}
	if float64(slowOnes) > mostSlow*float64(calls) {
		all = append(all, violation{"S9", r.ended, "", fmt.Sprintf("%d of %d calls take more than %v longer than their resource", slowOnes, calls, slowCall)})
	}
	return all
}

// stalledWithin is how long a process did not run between two instants.
func stalledWithin(stalls []event, from, to time.Time) (d time.Duration) {
	for _, s := range stalls {
		begins, ends := s.At, s.At.Add(s.Took)
		if begins.Before(from) {
			begins = from
		}
		if ends.After(to) {
			ends = to
		}
		d += max(0, ends.Sub(begins))
	}
	return d
}
