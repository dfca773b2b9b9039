package highway

import "time"

// The methods in this file are for people. Each takes effect for the next call,
// begins a new episode, so that calls still under way no longer count, and ends a
// hold that another command had set.

// Open opens the circuit for d, and then lets it probe. Zero means the policy's
// cooldown; a negative d is refused.
func (p *CircuitProtector) Open(d time.Duration) error {
	if d == 0 {
		d = p.policy.Cooldown
	}
	if d < 0 {
		return &InvalidPolicyError{"CircuitProtector", "Open", d, "the duration must not be negative"}
	}
	p.change(func(now time.Time) { p.machine.OpenFor(d, now) })
	return nil
}

// Close closes the circuit with an empty window.
func (p *CircuitProtector) Close() {
	p.change(p.machine.Close)
}

// HalfOpen lets the circuit probe.
func (p *CircuitProtector) HalfOpen() {
	p.change(p.machine.HalfOpen)
}

// Isolate opens the circuit until another command is given.
func (p *CircuitProtector) Isolate() {
	p.change(p.machine.Isolate)
}

// Disable closes the circuit and keeps it from tripping until another command is
// given: every call goes through, and is still recorded.
func (p *CircuitProtector) Disable() {
	p.change(p.machine.Disable)
}

// Release ends the hold set by Isolate or Disable: the circuit probes. Without a
// hold it does nothing.
func (p *CircuitProtector) Release() {
	p.change(p.machine.Release)
}
