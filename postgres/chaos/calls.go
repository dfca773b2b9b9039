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
	longestProbe = 500 * time.Millisecond // one may wait for a lease
	mostSlow     = 0.001
	slowCall     = 20 * time.Millisecond
)

// checkCalls (S9).
func checkCalls(r *record) (all []violation) {
	for _, e := range r.of(wrong) {
		all = append(all, violation{"S9", e.At, e.Instance, fmt.Sprintf("a call of %s: %s", e.Key, e.Text)})
	}
	w := r.waits()
	for range w.calls {
		r.compares("S9")
	}
	for _, e := range w.each {
		longest := longestProbe // while an instance is still OPEN, the fleet may probe already
		if e.From == "CLOSED" {
			longest = longestCall
		}
		if e.Took > longest {
			all = append(all, violation{"S9", e.At, e.Instance, fmt.Sprintf("a call of %s in %s takes %v longer than its resource", e.Key, e.From, e.Took)})
		}
	}
	if float64(w.slow) > mostSlow*float64(w.calls) {
		all = append(all, violation{"S9", r.ended, "", fmt.Sprintf("%d of %d calls take more than %v longer than their resource", w.slow, w.calls, slowCall)})
	}
	return all
}

// waits are what calls took beside their resource, but for the times in which their
// process did not run.
type waits struct {
	calls, refused int
	each           []event       // that was noticeable
	slow           int           // that are not probes, of more than slowCall
	longest        time.Duration // that is no probe
	longestProbe   time.Duration
}

func (r *record) waits() (w waits) {
	stalls := map[string][]event{}
	for _, e := range r.of(stalled) {
		stalls[e.Instance] = append(stalls[e.Instance], e)
	}
	for _, e := range r.of(called) {
		w.calls += e.Calls
		w.refused += e.Refused
	}
	for _, e := range r.of(slow) {
		e.Took -= stalledWithin(stalls[e.Instance], e.At, e.At.Add(e.Took))
		w.each = append(w.each, e)
		switch {
		case e.From == "HALF_OPEN":
			w.longestProbe = max(w.longestProbe, e.Took)
		default:
			w.longest = max(w.longest, e.Took)
			if e.Took > slowCall {
				w.slow++
			}
		}
	}
	return w
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
