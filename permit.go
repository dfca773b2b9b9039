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
	settled   atomic.Bool
}

// Acquire asks for a call to be let through. It returns a permit to settle, or a
// [*ProtectedCallError]. It does not wait, but for a moment as [CircuitProtector.Do] does
// when it makes a half-open fleet grant a probe. The context is the one that the call is
// made with; see [Permit.Settle].
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
		var err error
		if e, ticket, err = p.admit(ctx); err != nil {
			return nil, err
		}
	}
	return &Permit{protector: p, ctx: ctx, episode: e, ticket: ticket}, nil
}

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
	} else if t.settled.CompareAndSwap(false, true) {
		t.protector.finish(t.ctx, t.ticket, err, true)
	}
}

func (t *Permit) settle(o circuit.Outcome) {
	if t.settled.CompareAndSwap(false, true) {
		t.protector.settle(t.ctx, t.ticket, o, 0)
	}
}
