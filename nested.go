package highway

import (
	"context"
	"sync/atomic"

	"github.com/highway-engine/highway/internal/protocol"
)

// A probing is a probe under way. Its context carries it, so that a call which the probe
// makes through the same protector is a part of it and needs no place of its own: there
// may be none, and then the probe could never succeed, nor any after it.
type probing struct {
	epoch uint64
	state atomic.Uint32
}

// The states of a probing. One call at a time is a part of it, so that a half-open
// resource never gets more calls at once than there are probes.
const (
	probingFree uint32 = iota
	probingBusy
	probingOver // what still has the context is no part of it any more
)

type probingKey struct{ of *CircuitProtector }

// begin marks the context of a call that was let through, if that is a probe.
func (p *CircuitProtector) begin(ctx context.Context, e *episode, t protocol.Ticket) (context.Context, *probing) {
	if t.Probe == 0 && t.Lease == 0 {
		return ctx, nil
	}
	b := &probing{epoch: e.epoch}
	return context.WithValue(known(ctx), probingKey{p}, b), b
}

// within is the probing that a call is a part of from now until it leaves, or nil.
func (p *CircuitProtector) within(ctx context.Context) *probing {
	if ctx == nil {
		return nil
	}
	b, ok := ctx.Value(probingKey{p}).(*probing)
	if !ok {
		return nil
	}
	if e := p.episode.Load(); e.state != HalfOpen || e.epoch != b.epoch || !b.state.CompareAndSwap(probingFree, probingBusy) {
		return nil
	}
	return b
}

// leave ends a part of the probing, and end all of it. Nil is none.
func (b *probing) leave() {
	if b != nil {
		b.state.CompareAndSwap(probingBusy, probingFree)
	}
}

func (b *probing) end() {
	if b != nil {
		b.state.Store(probingOver)
	}
}
