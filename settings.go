package highway

import (
	"context"
	"time"

	"github.com/highway-engine/highway/internal/circuit"
)

// Settings are the numbers of a [CircuitProtectorPolicy], which can be changed while the
// protector works: see [CircuitProtector.Configure]. A zero field has the default that it
// has there.
type Settings struct {
	Cooldown     time.Duration // how long a circuit stays OPEN before it probes
	FailureLimit Limit         // trips the circuit
	SuccessLimit Limit         // closes it again
	ProbeTimeout time.Duration // how long the place of a probe is kept
}

// Validate says what makes no sense in the settings, naming each field, its value and the
// rule in an [*InvalidPolicyError].
func (s Settings) Validate() error {
	p := problems{policy: "Settings"}
	s.check(&p)
	return p.err()
}

func (s Settings) check(p *problems) {
	p.check(s.Cooldown >= 0, "Cooldown", s.Cooldown, "it must not be negative")
	p.checkLimit("FailureLimit", s.FailureLimit)
	p.checkLimit("SuccessLimit", s.SuccessLimit)
	p.check(s.ProbeTimeout >= 0, "ProbeTimeout", s.ProbeTimeout, "it must not be negative")
}

// terms are the settings as the state machine needs them, defaults filled in.
func (s Settings) terms() circuit.Settings {
	if s.Cooldown == 0 {
		s.Cooldown = DefaultCooldown
	}
	if s.ProbeTimeout == 0 {
		s.ProbeTimeout = DefaultProbeTimeout
	}
	failure, success := s.FailureLimit.orDefault(defaultFailureLimit), s.SuccessLimit.orDefault(defaultSuccessLimit)
	return circuit.Settings{
		Failures:  failure.count,
		Window:    failure.of,
		Successes: success.count,
		Probes:    success.of,
		Cooldown:  s.Cooldown,
		Lease:     s.ProbeTimeout,
	}
}

// settings are those in force. The machine has them, and nobody else. The lock is held.
func (p *CircuitProtector) settings() Settings {
	s := p.machine.Settings()
	return Settings{
		Cooldown:     s.Cooldown,
		FailureLimit: Fraction(s.Failures, s.Window),
		SuccessLimit: Fraction(s.Successes, s.Probes),
		ProbeTimeout: s.Lease,
	}
}

// Settings are those in force, defaults filled in.
func (p *CircuitProtector) Settings() Settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settings()
}

// Configure changes the settings, all at once. Settings that make no sense change nothing,
// and are named as by Validate. With a Storage it changes those of this instance.
//
// State, hold and the deadline of an OPEN stay as they are; the next OPEN has the new
// cooldown. Of the window the last outcomes stay that fit in the new one: one that
// reaches the new limit trips with the next outcome, one that got longer has to fill
// first. Half-open, the last results that fit are judged at once, so that the circuit may
// close or open before Configure returns; a probe under way keeps its place for the new
// ProbeTimeout from now at most.
func (p *CircuitProtector) Configure(s Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	terms := s.terms()
	p.change(context.Background(), func(now time.Time) {
		if terms == p.machine.Settings() {
			return
		}
		if p.member != nil {
			p.member.Configure(terms, now)
			p.entry.Due(p.member.Wake())
		} else {
			p.machine.Configure(terms, now)
		}
		if e := p.episode.Load(); e.state == HalfOpen && e.epoch == p.machine.Epoch() {
			p.episode.Store(p.newEpisode()) // its refusals tell the new pause
		}
	})
	return nil
}
