package highway

import (
	"context"
	"errors"
	"time"

	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/protocol"
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
	case gateTelling:
		return value, p.refuse(ctx, e.refusal)
	case gateAsking:
		return probe(ctx, p, rest, call)
	}
	returned := false
	defer func() {
		if !returned || err != nil || !e.quiet() {
			p.finish(ctx, protocol.Ticket{Epoch: e.epoch}, err, returned)
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
	if around := p.within(ctx); around != nil {
		defer around.leave()
		return through(ctx, rest, call)
	}
	e, ticket, err := p.admit(ctx)
	if err != nil {
		return value, err
	}
	marked, own := p.begin(ctx, e, ticket)
	returned := false
	defer func() {
		own.end()
		p.finish(ctx, ticket, err, returned)
	}()
	value, err = through(marked, rest, call)
	returned = true
	return value, err
}

// admit asks the machine, or the member of the fleet, to let one call through. The call
// that makes the member ask the fleet for a probe waits a moment for it; no other does.
func (p *CircuitProtector) admit(ctx context.Context) (e *episode, ticket protocol.Ticket, err error) {
	e, ticket, wished, refusal := p.ask(ctx)
	if wished {
		p.awaitLease(ctx)
		e, ticket, _, refusal = p.ask(ctx) // and is refused if the lease has not come
	}
	if refusal != nil {
		return nil, ticket, p.refuse(ctx, refusal)
	}
	return e, ticket, nil
}

// refuse counts a refused call and tells of it. No lock is held.
func (p *CircuitProtector) refuse(ctx context.Context, refusal *ProtectedCallError) error {
	if p.calls != nil {
		p.calls.add(refused)
	}
	if p.policy.OnRefusal != nil {
		guard("OnRefusal", func() { p.policy.OnRefusal(known(ctx), refusal) })
	}
	return refusal
}

// ask is admit without waiting. Wished says that a lease may be on its way.
func (p *CircuitProtector) ask(ctx context.Context) (e *episode, ticket protocol.Ticket, wished bool, refusal *ProtectedCallError) {
	p.mu.Lock()
	now := time.Now() // read under the lock: instants come in order
	var ok bool
	if p.member != nil {
		ticket, ok = p.member.Admit(now)
		wished = p.member.Wished()
		p.entry.Due(p.member.Wake())
	} else {
		ticket.Probe, ok = p.machine.Admit(now)
		ticket.Epoch = p.machine.Epoch()
	}
	changed := p.publish(ctx)
	e = p.episode.Load()
	p.mu.Unlock()
	if changed {
		// A listener may end this goroutine before the call is made.
		delivered := false
		defer func() {
			if !delivered && ok {
				p.settle(ctx, ticket, circuit.Ignored, 0)
			}
		}()
		p.changes.deliver()
		delivered = true
	}
	if !ok && e.refusal == nil { // by the fleet, which probes, and the circuit has just closed here
		return nil, ticket, wished, p.refusal(HalfOpen, time.Time{})
	}
	if !ok {
		return nil, ticket, wished, e.refusal
	}
	return e, ticket, false, nil
}

// finish settles a call that has come back with err, or has not come back.
func (p *CircuitProtector) finish(ctx context.Context, t protocol.Ticket, err error, returned bool) {
	if returned && err == nil {
		p.settle(ctx, t, circuit.Success, 0)
		return
	}
	outcome, asked := circuit.Failure, time.Duration(0)
	defer func() { p.settle(ctx, t, outcome, asked) }() // also when code of a user panics
	switch {
	case errors.Is(contextError(ctx), context.Canceled) || refusalIn(err) != nil:
		outcome = circuit.Ignored
	case returned && p.policy.ShouldHandle != nil && !p.policy.ShouldHandle(err):
		outcome = circuit.Success
	case returned:
		asked = askedFor(err)
	}
}

// settle gives the outcome of an admitted call to the machine, and the time for which a
// failed one asks not to be repeated.
func (p *CircuitProtector) settle(ctx context.Context, t protocol.Ticket, o circuit.Outcome, asked time.Duration) {
	if o == circuit.Success && p.calls != nil && p.episode.Load().counting(t) {
		p.calls.add(succeeded)
		return
	}
	p.mu.Lock()
	switch o {
	case circuit.Success:
		p.successes++
	case circuit.Failure:
		p.failures++
	case circuit.Ignored:
		p.ignored++
	}
	if asked > 0 {
		p.putOff(t, asked)
	}
	failed := o == circuit.Failure
	switch {
	case p.member != nil && (p.member.Wants(t) || p.machine.WouldTrip(t.Epoch, failed)):
		p.member.Done(t, o, time.Now())
		p.entry.Due(p.member.Wake())
	case t.Probe != 0:
		p.machine.Settle(t.Probe, o, time.Now())
	case o != circuit.Ignored:
		var now time.Time
		if p.machine.WouldTrip(t.Epoch, failed) {
			now = time.Now()
		}
		p.machine.Record(t.Epoch, failed, now)
	}
	changed := p.publish(ctx)
	p.mu.Unlock()
	if changed {
		p.changes.deliver()
	}
}
