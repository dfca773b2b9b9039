package highway

import (
	"context"
	"fmt"
	"time"

	"github.com/highway-engine/highway/internal/engine"
	"github.com/highway-engine/highway/internal/protocol"
)

// The commands in this file are for people. Each takes effect for the next call, begins a
// new episode, so that calls still under way no longer count, and ends a hold that
// another command had set.
//
// With a Storage a command is for the whole fleet. It waits for the storage as long as
// ctx allows, and returns [ErrNotDone] or [ErrUnknown] when it cannot say that it is
// done. Where the environment describes a storage that cannot be used it returns
// ErrNotDone. Without a storage, or once that is closed, it is done here at once, and the
// error is nil: Snapshot().Fleet.Shared says which.

// What became of a command to a fleet that was not done for certain; matched by
// errors.Is.
var (
	ErrNotDone = engine.ErrNotDone
	ErrUnknown = engine.ErrUnknown
)

// Open opens the circuit for d, and then lets it probe. Zero means the cooldown
// in force; a negative d is refused. Until d is over no decision of an instance changes
// that.
func (p *CircuitProtector) Open(ctx context.Context, d time.Duration) error {
	if d == 0 {
		d = p.Settings().Cooldown
	}
	if d < 0 {
		return &InvalidPolicyError{"CircuitProtector", "Open", d, "the duration must not be negative"}
	}
	return p.command(ctx, protocol.OpenFor(d), func(now time.Time) { p.machine.OpenFor(d, now) })
}

// Close closes the circuit with an empty window. It does not end the protector, which
// needs no end: do not defer it.
func (p *CircuitProtector) Close(ctx context.Context) error {
	return p.command(ctx, protocol.Close, p.machine.Close)
}

// HalfOpen lets the circuit probe.
func (p *CircuitProtector) HalfOpen(ctx context.Context) error {
	return p.command(ctx, protocol.HalfOpen, p.machine.HalfOpen)
}

// Isolate opens the circuit until another command is given.
func (p *CircuitProtector) Isolate(ctx context.Context) error {
	return p.command(ctx, protocol.Isolate, p.machine.Isolate)
}

// Disable closes the circuit and keeps it from tripping until another command is
// given: every call goes through, and is still recorded.
func (p *CircuitProtector) Disable(ctx context.Context) error {
	return p.command(ctx, protocol.Disable, p.machine.Disable)
}

// Release ends what Open, Isolate or Disable has set: the circuit probes. Without that it
// does nothing.
func (p *CircuitProtector) Release(ctx context.Context) error {
	return p.command(ctx, protocol.Release, p.machine.Release)
}

// command lets the fleet, or without one this protector, follow a command.
func (p *CircuitProtector) command(ctx context.Context, c protocol.Command, alone func(now time.Time)) error {
	ctx = known(ctx)
	if p.entry != nil && !p.entry.Ended() {
		return p.entry.Command(ctx, c)
	}
	if p.unshared != nil {
		return fmt.Errorf("%w: %w", ErrNotDone, p.unshared)
	}
	p.change(ctx, alone)
	return nil
}
