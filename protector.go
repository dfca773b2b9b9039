package highway

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/highway-engine/highway/internal/circuit"
)

// A CircuitProtector is a circuit breaker: it lets calls through while they work,
// refuses them for a while once too many fail, and then lets a few probe whether the
// resource is back.
//
// It is made by [NewCircuitProtector], is safe for concurrent use and must not be
// copied. It has no goroutine, and one that is no longer referenced is collected; of
// an open one a timer of some hundred bytes stays until the cooldown is over.
type CircuitProtector struct {
	// episode is the present stay in one state. Calls read it without the lock.
	episode atomic.Pointer[episode]

	policy  CircuitProtectorPolicy // defaults filled in; never written again
	changes changeQueue

	// mu guards what follows. No code of a user runs while it is held.
	mu      sync.Mutex
	machine circuit.Machine
	alarm   *time.Timer // rings at the end of the cooldown; nil before the first
	totals  Totals
}

// NewCircuitProtector builds the protector that policy describes, or returns what is
// wrong with the policy. The policy may be used again: every protector made from it
// is one of its own.
func NewCircuitProtector(policy CircuitProtectorPolicy) (*CircuitProtector, error) {
	if err := policy.Validate(); err != nil {
		return nil, err
	}
	policy = policy.withDefaults()
	p := &CircuitProtector{
		policy:  policy,
		changes: changeQueue{listener: policy.OnStatusChange},
		machine: circuit.New(policy.settings(), time.Now()),
		totals:  Totals{Counted: policy.CountCalls},
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
	if gate := e.gate.Load(); gate == gateRefusing {
		return e.refusal
	} else if gate == gateAsking {
		_, err = probe(ctx, p, nil, valueless(call))
		return err
	}
	returned := false
	defer func() {
		if !returned || err != nil || !e.quiet() {
			p.finish(ctx, e, 0, err, returned)
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

// An episode is a protector's stay in one state. It is what an admitted call holds:
// the outcome of a call from an earlier episode changes nothing (S3).
type episode struct {
	epoch   uint64
	state   CircuitState
	refusal *ProtectedCallError // what refused calls get; nil when none are

	// gate is all that a call looks at. Only a change of the machine writes it, so
	// that calls on many cores can read it without passing it around.
	gate atomic.Uint32
}

// quiet says that a success changes nothing, and so need not be settled: the window is
// full of them.
func (e *episode) quiet() bool { return e.gate.Load() == gateQuiet }

// The gates of an episode.
const (
	gateQuiet     = iota // go; a success need not even be recorded
	gateRecording        // go; every outcome is recorded
	gateAsking           // ask the machine, at the present instant
	gateRefusing         // do not go
)

// protect makes call through p and then through rest. All ways of making a call
// through a protector, but for Acquire, come here.
func protect[T any](ctx context.Context, p *CircuitProtector, rest []layer, call func(context.Context) (T, error)) (value T, err error) {
	e := p.episode.Load()
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
	if returned {
		outcome = p.judge(ctx, err)
	}
}

// judge says what the return of a call with err says about the resource.
func (p *CircuitProtector) judge(ctx context.Context, err error) circuit.Outcome {
	switch {
	case err == nil:
		return circuit.Success
	case errors.Is(contextError(ctx), context.Canceled) || refusalIn(err) != nil:
		return circuit.Ignored
	case p.policy.ShouldHandle != nil && !p.policy.ShouldHandle(err):
		return circuit.Success
	}
	return circuit.Failure
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

// change lets a command happen to the machine at the present instant.
func (p *CircuitProtector) change(command func(now time.Time)) {
	p.mu.Lock()
	now := time.Now()
	p.machine.Advance(now)
	changed := p.publish()
	command(now)
	changed = p.publish() || changed
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
	if p.publish() {
		// Not here: whoever reads a status may hold a lock that the listener wants.
		go p.changes.deliver()
	}
	return now
}

// publish makes calls see the machine as it is now, and says whether listeners are
// to be told of a change. The lock is held.
func (p *CircuitProtector) publish() (changed bool) {
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
	p.totals.StatusChanges++
	return p.changes.add(StatusChange{
		Protector: p,
		From:      e.state,
		To:        next.state,
		Reason:    Reason(p.machine.Reason()),
		At:        p.machine.Since(),
	})
}

func (p *CircuitProtector) newEpisode() *episode {
	m := &p.machine
	e := &episode{epoch: m.Epoch(), state: CircuitState(m.State())}
	if e.state != Closed {
		e.refusal = &ProtectedCallError{
			key:   p.policy.ResourceKey,
			state: e.state,
			until: m.Until(),
			pause: max(p.policy.Cooldown/10, time.Millisecond),
		}
	}
	e.gate.Store(p.gate())
	return e
}

// gate is the gate that goes with the machine's state.
func (p *CircuitProtector) gate() uint32 {
	m := &p.machine
	switch {
	case m.State() == circuit.HalfOpen:
		return gateAsking
	case m.State() == circuit.Open && p.policy.CountCalls:
		return gateAsking
	case m.State() == circuit.Open:
		if !m.Until().IsZero() && time.Until(m.Until()) <= alarmAhead {
			return gateAsking
		}
		return gateRefusing
	case m.Quiet() && !p.policy.CountCalls:
		return gateQuiet
	}
	return gateRecording
}

// alarmAhead is how long before the end of a cooldown refusals begin to read the
// clock. Until then they do not, which makes them cheap; from then on a call that is
// due is not refused because the timer is late.
const alarmAhead = 100 * time.Millisecond

// setAlarm makes the timer ring for the present episode. The lock is held.
func (p *CircuitProtector) setAlarm() {
	until := p.machine.Until()
	if until.IsZero() {
		return
	}
	left := time.Until(until)
	if left > alarmAhead {
		left -= alarmAhead
	}
	if p.alarm != nil {
		p.alarm.Reset(left)
		return
	}
	// The timer must not keep a protector alive that nobody else holds. It is not
	// stopped with it, as a cleanup may not touch a timer of a synctest bubble.
	self := weak.Make(p)
	p.alarm = time.AfterFunc(left, func() {
		if p := self.Value(); p != nil {
			p.ring()
		}
	})
}

// ring is the alarm: once shortly before the end of the cooldown, once at the end.
// One that comes late, for an episode that is over, does no harm.
func (p *CircuitProtector) ring() {
	p.advance()
	defer p.mu.Unlock()
	if p.machine.State() == circuit.Open {
		p.setAlarm()
	}
}

func (p *CircuitProtector) counted() uint64 {
	if p.policy.CountCalls {
		return 1
	}
	return 0
}
