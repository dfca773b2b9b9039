package highway

import (
	"context"
	"sync/atomic"

	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/protocol"
)

// A Permit is a call that was let through and has yet to be settled, for streams and
// middleware, where the call does not fit in a function. Exactly one of its methods
// should be called, once; a later one does nothing. They are safe for concurrent use.
//
// A function that panics returns no error to settle with. So defer Failure first, and
// settle what did not panic:
//
//	defer permit.Failure()
//	err = stream(ctx)
//	permit.Settle(err)
//
// A permit that is never settled holds the place of a half-open circuit's probe
// until ProbeTimeout has passed, and nothing else.
type Permit struct {
	protector *CircuitProtector
	ctx       context.Context // the caller's, to tell whether it gave up
	episode   *episode
	ticket    protocol.Ticket
	marked    context.Context // to make the call with
	own       *probing        // what calls with it are a part of; nil: it is no probe
	around    *probing        // what it is itself a part of, and then decides nothing; or nil
	settled   atomic.Bool
}

// Acquire asks for a call to be let through. It returns a permit to settle, or a
// [*ProtectedCallError]. It does not wait, but for a moment as [CircuitProtector.Do] does
// when it makes a half-open fleet grant a probe. The call is made with [Permit.Context].
func (p *CircuitProtector) Acquire(ctx context.Context) (*Permit, error) {
	e := p.episode.Load()
	if e == nil {
		return nil, errUnmade
	}
	ticket := protocol.Ticket{Epoch: e.epoch}
	switch e.gate.Load() {
	case gateRefusing:
		return nil, e.refusal
	case gateTelling:
		return nil, p.refuse(ctx, e.refusal)
	case gateAsking:
		if around := p.within(ctx); around != nil {
			return &Permit{protector: p, ctx: ctx, episode: e, marked: ctx, around: around}, nil
		}
		var err error
		if e, ticket, err = p.admit(ctx); err != nil {
			return nil, err
		}
		marked, own := p.begin(ctx, e, ticket)
		return &Permit{protector: p, ctx: ctx, episode: e, ticket: ticket, marked: marked, own: own}, nil
	}
	return &Permit{protector: p, ctx: ctx, episode: e, ticket: ticket, marked: ctx}, nil
}

// Context is the one to make the call with: that given to Acquire or, for a probe, one made
// from it, by which calls through the same protector are a part of the probe.
func (t *Permit) Context() context.Context { return t.marked }

// Success says that the call worked.
func (t *Permit) Success() { t.Settle(nil) }

// Failure says that the resource failed.
func (t *Permit) Failure() { t.settle(circuit.Failure) }

// Ignore says that the call tells nothing about the resource, for instance because
// it was never made. A probe's place goes to another call.
func (t *Permit) Ignore() { t.settle(circuit.Ignored) }

// Settle counts the call as [CircuitProtector.Do] would if it had returned err: nil
// is a success, an error is put to ShouldHandle, and one whose context was cancelled
// is ignored.
func (t *Permit) Settle(err error) {
	if err == nil && t.ticket == (protocol.Ticket{Epoch: t.episode.epoch}) && t.episode.quiet() {
		t.settled.Store(true)
	} else if t.ends() {
		t.protector.finish(t.ctx, t.ticket, err, true)
	}
}

func (t *Permit) settle(o circuit.Outcome) {
	if t.ends() {
		t.protector.settle(t.ctx, t.ticket, o, 0)
	}
}

// ends ends the call, and says whether it has an outcome to settle.
func (t *Permit) ends() bool {
	if !t.settled.CompareAndSwap(false, true) {
		return false
	}
	t.own.end()
	t.around.leave()
	return t.around == nil
}
