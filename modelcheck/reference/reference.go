// Package reference is a circuit breaker written to be obviously right instead of
// fast: it keeps every outcome and decides by looking at all of them. The machine
// that production runs is held against it.
package reference

import (
	"slices"
	"time"

	"github.com/highway-engine/highway/internal/circuit"
)

// A Circuit does what a circuit.Machine should do.
type Circuit struct {
	Settings circuit.Settings
	State    circuit.State
	Hold     circuit.Hold
	Ordered  bool // a person has opened it
	Epoch    uint64
	Until    time.Time

	asks     []time.Time // until when failures have asked not to be called
	outcomes []bool      // of this or the last closed episode, true for failed
	results  []bool      // of the probes of this half-open episode, true for failed
	leases   []Lease
	lost     int
	Granted  circuit.Probe
}

// A Lease is a probe under way.
type Lease struct {
	Probe   circuit.Probe
	Expires time.Time
}

// Clone returns a copy that shares nothing with c.
func (c *Circuit) Clone() *Circuit {
	d := *c
	d.asks, d.leases = slices.Clone(c.asks), slices.Clone(c.leases)
	d.outcomes, d.results = slices.Clone(c.outcomes), slices.Clone(c.results)
	return &d
}

// Log is the outcomes that the circuit goes by.
func (c *Circuit) Log() []bool {
	if c.State == circuit.HalfOpen {
		return c.results
	}
	return last(c.outcomes, c.Settings.Window)
}

// PutOff is a failed call that asks for time.
func (c *Circuit) PutOff(epoch uint64, p circuit.Probe, d time.Duration, now time.Time) {
	holds := slices.ContainsFunc(c.leases, func(l Lease) bool { return l.Probe == p && l.Expires.After(now) })
	if epoch == c.Epoch && (p == 0 || holds) {
		c.asks = append(c.asks, now.Add(min(d, 10*c.Settings.Cooldown)))
	}
}

// Configure changes the settings.
func (c *Circuit) Configure(s circuit.Settings, now time.Time) {
	c.outcomes = last(c.outcomes, min(s.Window, c.Settings.Window)) // what the old window has dropped is gone
	c.results = last(c.results, s.Probes)
	c.Settings = s
	for i := range c.leases {
		c.leases[i].Expires = earlier(c.leases[i].Expires, now.Add(s.Lease))
	}
	for i := range c.asks {
		c.asks[i] = earlier(c.asks[i], now.Add(10*s.Cooldown))
	}
	c.judge(now)
}

// Record is a call admitted while closed that has ended.
func (c *Circuit) Record(epoch uint64, failed bool, now time.Time) {
	if epoch != c.Epoch || c.State != circuit.Closed {
		return
	}
	c.outcomes = append(c.outcomes, failed)
	window := c.Log()
	if c.Hold == circuit.NoHold && len(window) == c.Settings.Window && failures(window) >= c.Settings.Failures {
		c.open(now)
	}
}

// Advance ends a cooldown.
func (c *Circuit) Advance(now time.Time) {
	if c.State == circuit.Open && c.Hold == circuit.NoHold && !c.Until.After(now) {
		c.enter(circuit.HalfOpen)
	}
}

// Admit asks for a call to be let through.
func (c *Circuit) Admit(now time.Time) (circuit.Probe, bool) {
	c.Advance(now)
	c.expire(now)
	switch c.State {
	case circuit.Closed:
		return 0, true
	case circuit.HalfOpen:
		if len(c.results)+len(c.leases) < c.Settings.Probes {
			c.Granted++
			c.leases = append(c.leases, Lease{c.Granted, now.Add(c.Settings.Lease)})
			return c.Granted, true
		}
	}
	return 0, false
}

// Settle ends a probe.
func (c *Circuit) Settle(p circuit.Probe, o circuit.Outcome, now time.Time) {
	c.expire(now)
	if c.State != circuit.HalfOpen {
		return
	}
	for i, l := range c.leases {
		if l.Probe == p {
			c.leases = slices.Delete(c.leases, i, i+1)
			if o != circuit.Ignored {
				c.results = append(c.results, o == circuit.Failure)
			}
			break
		}
	}
	c.judge(now)
}

// expire takes the places of probes whose lease is over.
func (c *Circuit) expire(now time.Time) {
	var kept []Lease
	for _, l := range c.leases {
		if l.Expires.After(now) {
			kept = append(kept, l)
		} else if c.lost++; c.lost > c.Settings.Probes {
			c.results = append(c.results, true)
		}
	}
	c.leases = kept
	c.judge(now)
}

// judge asks whether the probes that are still to come could change the verdict.
func (c *Circuit) judge(now time.Time) {
	if c.State != circuit.HalfOpen {
		return
	}
	good := len(c.results) - failures(c.results)
	toCome := c.Settings.Probes - len(c.results)
	if good >= c.Settings.Successes {
		c.enter(circuit.Closed)
	} else if good+toCome < c.Settings.Successes {
		c.open(now)
	}
}

// Command is OpenFor, Close, HalfOpen, Isolate, Disable and Release.
func (c *Circuit) Command(s circuit.State, h circuit.Hold, until time.Time) {
	c.Hold, c.Ordered, c.asks = h, s == circuit.Open, nil
	c.enter(s)
	c.Until = until
}

func (c *Circuit) open(now time.Time) {
	c.Ordered = false
	c.enter(circuit.Open)
	c.Until = now.Add(c.Cooldown(now))
}

// Cooldown is how long an OPEN lasts that begins now.
func (c *Circuit) Cooldown(now time.Time) time.Duration {
	d := c.Settings.Cooldown
	for _, asked := range c.asks {
		d = max(d, asked.Sub(now))
	}
	return d
}

func (c *Circuit) enter(s circuit.State) {
	c.Epoch++
	c.State, c.Until = s, time.Time{}
	c.results, c.leases, c.lost = nil, nil, 0
	if s == circuit.Closed {
		c.outcomes = nil
	}
}

func last(outcomes []bool, n int) []bool { return outcomes[max(0, len(outcomes)-n):] }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func failures(outcomes []bool) int {
	n := 0
	for _, failed := range outcomes {
		if failed {
			n++
		}
	}
	return n
}

// Probing is how many probes are under way.
func (c *Circuit) Probing() int { return len(c.leases) }
