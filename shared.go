package highway

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
	"weak"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/engine"
	"github.com/highway-engine/highway/internal/protocol"
)

// How often a member asks the storage how things are: while something goes on at its
// key, and otherwise, when the engine's sweep would tell it anyway.
const (
	pollActive = 2 * time.Second
	pollIdle   = 5 * time.Minute // a storage may forget what nobody has asked about for 10
)

// leaseWait is how long a call waits for the probe that it has asked the fleet for.
const leaseWait = 250 * time.Millisecond

// join makes the protector a member of its fleet. It does not wait for the storage.
func (p *CircuitProtector) join() {
	p.entry = engine.Join(p.policy.Storage, p.policy.ResourceKey, func(m engine.Membership) engine.Part {
		p.member = protocol.New(protocol.Settings{
			Instance: m.Instance,
			First:    m.First,
			Circuit:  p.policy.settings().terms(),
			Rule:     harmless(p.policy.Rule),
			Poll:     pollActive,
			Idle:     pollIdle,
		}, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), time.Now())
		p.machine = p.member.Local()
		return part{weak.Make(p)}
	})
}

// A part is a protector to the engine, which must not keep it alive.
type part struct{ weak.Pointer[CircuitProtector] }

// With implements [engine.Part].
func (w part) With(ctx context.Context, use func(m *protocol.Member, now time.Time)) bool {
	p := w.Value()
	if p == nil {
		return false
	}
	p.mu.Lock()
	use(p.member, time.Now())
	changed := p.publish(ctx)
	leased := p.member.Leased()
	p.mu.Unlock()
	if leased {
		select {
		case p.leased <- struct{}{}:
		default:
		}
	}
	if changed {
		go p.changes.deliver() // listeners may take their time, the engine may not
	}
	return true
}

// unobserved says that nobody in the fleet wants to know of successful calls.
func (p *CircuitProtector) unobserved() bool {
	return p.member == nil || !p.member.Wants(protocol.Ticket{})
}

// awaitLease waits for the lease that the member has asked for, as long as ctx and
// leaseWait allow. One call waits at a time.
func (p *CircuitProtector) awaitLease(ctx context.Context) {
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	timer := time.NewTimer(leaseWait)
	defer timer.Stop()
	select {
	case <-p.leased:
	case <-done:
	case <-timer.C:
	}
}

// harmless gives a rule that can do no harm: that of the policy, guarded if it is the
// user's own.
func harmless(rule fleet.Rule) fleet.Rule {
	switch rule.(type) {
	case nil:
		return fleet.SequentialTest{}
	case fleet.SequentialTest, fleet.FirstTrip, fleet.Alone:
		return rule
	}
	return guardedRule{rule}
}

// guardedRule keeps a rule of the user's own from harming the calls whose ends it weighs:
// a panic or runtime.Goexit is logged, and counts as nothing, as does what is not a number.
type guardedRule struct{ fleet.Rule }

func (r guardedRule) Weight(limit float64, failed bool) (weight float64) {
	apart("Rule.Weight", func() { weight = number(r.Rule.Weight(limit, failed)) })
	return weight
}

func (r guardedRule) Bounds(active, witnesses int) (lowest, highest float64) {
	apart("Rule.Bounds", func() {
		lowest, highest = r.Rule.Bounds(active, witnesses)
		lowest, highest = number(lowest), number(highest)
	})
	return lowest, highest
}

func (r guardedRule) Judge(sum float64, active int) (verdict fleet.Verdict) {
	apart("Rule.Judge", func() { verdict = r.Rule.Judge(sum, active) })
	return verdict
}

func number(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}
