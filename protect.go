package highway

import (
	"context"
	"errors"
	"time"

	"github.com/highway-engine/highway/internal/circuit"
)

// protect makes call through p and then through rest. All ways of making a call
// through a protector, but for Acquire, come here.
func protect[T any](ctx context.Context, p *CircuitProtector, rest []layer, call func(context.Context) (T, error)) (value T, err error) {
	e := p.episode.Load()
	if e == nil {
		return value, errUnmade
	}
	switch e.gate.Load() {
	case gateRefusing:
		return value, e.refusal
	case gateAsking:
		return probe(ctx, p, rest, call)
	}
	returned := false
	defer func() {
		if !returned || err != nil || !e.quiet() {
			p.finish(ctx, e, 0, err, returned)
		}
	}()
	if len(rest) == 0 {
		value, err = call(ctx)
	} else {
		value, err = through(ctx, rest, call)
	}
	returned = true
	return value, err
}

// probe is protect for when the machine must be asked.
func probe[T any](ctx context.Context, p *CircuitProtector, rest []layer, call func(context.Context) (T, error)) (value T, err error) {
	e, probe, err := p.admit()
	if err != nil {
		return value, err
	}
	returned := false
	defer func() { p.finish(ctx, e, probe, err, returned) }()
	value, err = through(ctx, rest, call)
	returned = true
	return value, err
}

// admit asks the machine to let one call through.
func (p *CircuitProtector) admit() (e *episode, probe circuit.Probe, err error) {
	p.mu.Lock()
	probe, ok := p.machine.Admit(time.Now()) // the instant is read under the lock: they come in order
	changed := p.publish()
	e = p.episode.Load()
	if !ok {
		p.totals.Refusals += p.counted()
	}
	p.mu.Unlock()
	if changed {
		// A listener may end this goroutine before the call is made.
		delivered := false
		defer func() {
			if !delivered && ok {
				p.settle(e, probe, circuit.Ignored)
			}
		}()
		p.changes.deliver()
		delivered = true
	}
	if !ok {
		return nil, 0, e.refusal
	}
	return e, probe, nil
}

// finish settles a call that has come back with err, or has not come back.
func (p *CircuitProtector) finish(ctx context.Context, e *episode, probe circuit.Probe, err error, returned bool) {
	if returned && err == nil {
		p.settle(e, probe, circuit.Success)
		return
	}
	outcome := circuit.Failure
	defer func() { p.settle(e, probe, outcome) }() // also when ShouldHandle panics
	switch {
	case errors.Is(contextError(ctx), context.Canceled) || refusalIn(err) != nil:
		outcome = circuit.Ignored
	case returned && p.policy.ShouldHandle != nil && !p.policy.ShouldHandle(err):
		outcome = circuit.Success
	}
}

// settle gives the outcome of a call admitted in e to the machine.
func (p *CircuitProtector) settle(e *episode, probe circuit.Probe, o circuit.Outcome) {
	p.mu.Lock()
	switch o {
	case circuit.Success:
		p.totals.Successes += p.counted()
	case circuit.Failure:
		p.totals.Failures++
	case circuit.Ignored:
		p.totals.Ignored++
	}
	switch {
	case probe != 0:
		p.machine.Settle(probe, o, time.Now())
	case o != circuit.Ignored:
		var now time.Time
		failed := o == circuit.Failure
		if p.machine.WouldTrip(e.epoch, failed) {
			now = time.Now()
		}
		p.machine.Record(e.epoch, failed, now)
	}
	changed := p.publish()
	p.mu.Unlock()
	if changed {
		p.changes.deliver()
	}
}

// counted is what a call adds to the totals that only CountCalls keeps.
func (p *CircuitProtector) counted() uint64 {
	if p.policy.CountCalls {
		return 1
	}
	return 0
}
