package highway

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/engine"
	"github.com/highway-engine/highway/internal/protocol"
)

// A CircuitProtector is a circuit breaker: it lets calls through while they work,
// refuses them for a while once too many fail, and then lets a few probe whether the
// resource is back.
//
// It is made by [NewCircuitProtector], is safe for concurrent use and must not be
// copied. Without a storage it has no goroutine, and one that is no longer referenced is
// collected; if it had been open, a timer of some hundred bytes stays until the cooldown
// is over.
type CircuitProtector struct {
	// episode is the present stay in one state. Calls read it without the lock.
	episode atomic.Pointer[episode]

	calls   *callCounts            // nil without CountCalls
	policy  CircuitProtectorPolicy // never written again; the machine has the settings in force
	changes changeQueue

	// mu guards what follows. No code of a user runs while it is held.
	mu      sync.Mutex
	machine *circuit.Machine

	failures, ignored uint64 // of Totals
	successes         uint64 // those that were settled; the others are in calls
	changed           changeCounts

	// With a storage the machine is that of a member of the fleet.
	member *protocol.Member
	entry  *engine.Entry
	leased chan struct{} // the fleet has granted a probe

	unshared error // why there is no storage though one is configured
}

// NewCircuitProtector builds the protector that policy describes, or returns what is
// wrong with the policy. The policy may be used again: every protector made from it
// is one of its own. It never waits for a storage, nor for the network.
func NewCircuitProtector(policy CircuitProtectorPolicy) (*CircuitProtector, error) {
	if err := policy.Validate(); err != nil {
		return nil, err
	}
	var unshared error
	if policy.Storage == nil {
		policy.Storage, unshared = fromEnvironment(policy.ResourceKey)
	}
	p := &CircuitProtector{
		policy:   policy,
		unshared: unshared,
		changes:  changeQueue{listener: policy.OnStatusChange},
	}
	if policy.CountCalls {
		p.calls = &callCounts{}
	}
	p.mu.Lock() // the engine may want the member at once
	defer p.mu.Unlock()
	if policy.Storage != nil {
		p.leased = make(chan struct{}, 1)
		p.join()
	} else {
		machine := circuit.New(policy.settings().terms(), time.Now())
		p.machine = &machine
	}
	p.episode.Store(p.newEpisode())
	return p, nil
}

// ResourceKey is the key given in the policy.
func (p *CircuitProtector) ResourceKey() string { return p.policy.ResourceKey }

// Do makes a call, or refuses it with a [*ProtectedCallError]. It returns the call's
// error as it is, and lets a panic pass; a call that panics, or ends its goroutine
// with runtime.Goexit, counts as failed.
func (p *CircuitProtector) Do(ctx context.Context, call func(context.Context) error) (err error) {
	// This is protect without a value or layers, which takes a third off its time.
	e := p.episode.Load()
	if e == nil {
		return errUnmade
	}
	switch e.gate.Load() {
	case gateRefusing:
		return e.refusal
	case gateTelling:
		return p.refuse(ctx, e.refusal)
	case gateAsking:
		_, err = probe(ctx, p, nil, valueless(call))
		return err
	}
	returned := false
	defer func() {
		if !returned || err != nil || !e.quiet() {
			p.finish(ctx, protocol.Ticket{Epoch: e.epoch}, err, returned)
		}
	}()
	err = call(ctx)
	returned = true
	return err
}

// Status is the present state: HALF_OPEN from the moment the cooldown is over, even
// before a call has come to probe.
func (p *CircuitProtector) Status() CircuitState {
	if e := p.episode.Load(); e.refusal == nil || e.state == HalfOpen {
		return e.state
	}
	p.advance()
	defer p.mu.Unlock()
	return CircuitState(p.machine.State())
}

// change lets a command happen to the machine at the present instant.
func (p *CircuitProtector) change(ctx context.Context, command func(now time.Time)) {
	p.mu.Lock()
	now := time.Now()
	p.machine.Advance(now)
	changed := p.publish(ctx)
	command(now)
	changed = p.publish(ctx) || changed
	p.mu.Unlock()
	if changed {
		p.changes.deliver()
	}
}

// advance ends a cooldown that is over, and returns with the lock held and the
// present instant.
func (p *CircuitProtector) advance() time.Time {
	p.mu.Lock()
	now := time.Now()
	p.machine.Advance(now)
	if p.publish(context.Background()) {
		// Not here: whoever reads a status may hold a lock that the listener wants.
		go p.changes.deliver()
	}
	return now
}

// publish makes calls see the machine as it is now, and says whether listeners are
// to be told of a change, which ctx is of. The lock is held.
func (p *CircuitProtector) publish(ctx context.Context) (changed bool) {
	e := p.episode.Load()
	if e.epoch == p.machine.Epoch() {
		if gate := p.gate(); e.gate.Load() != gate {
			e.gate.Store(gate)
		}
		return false
	}
	next := p.newEpisode()
	p.episode.Store(next)
	p.setAlarm()
	if e.state == next.state {
		return false
	}
	reason := Reason(p.machine.Reason())
	p.changed.add(next.state, reason)
	return p.changes.add(StatusChange{
		Protector: p,
		Context:   known(ctx),
		From:      e.state,
		To:        next.state,
		Reason:    reason,
		At:        p.machine.Since(),
	})
}
