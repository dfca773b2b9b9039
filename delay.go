package highway

import (
	"math"
	"math/rand/v2"
	"time"
)

// A Delay says how long to wait before each retry. [ExponentialDelay] and
// [FixedDelay] are delays; so is any type with this one method.
type Delay interface {
	// ForAttempt is given the number of the attempt that has just failed, from 1. A
	// negative result counts as zero. It must be safe for concurrent use.
	ForAttempt(n int) time.Duration
}

// FixedDelay waits the same time before every retry. The zero FixedDelay does not
// wait.
type FixedDelay struct {
	Delay time.Duration // not negative
}

// Validate refuses a negative delay.
func (d FixedDelay) Validate() error {
	p := problems{policy: "FixedDelay"}
	p.check(d.Delay >= 0, "Delay", d.Delay, "it must not be negative")
	return p.err()
}

// ForAttempt gives the delay, whatever n is.
func (d FixedDelay) ForAttempt(int) time.Duration { return max(0, d.Delay) }

// What the zero fields of an [ExponentialDelay] stand for.
const (
	DefaultMinDelay = 100 * time.Millisecond
	DefaultFactor   = 2
)

// ExponentialDelay multiplies the delay by a factor with each attempt.
type ExponentialDelay struct {
	// MinDelay is the delay after the first attempt, and the shortest. Zero means
	// [DefaultMinDelay].
	MinDelay time.Duration

	// MaxDelay is the longest delay. Zero means a hundred times MinDelay.
	MaxDelay time.Duration

	// Factor is what the delay grows by. Zero means [DefaultFactor].
	Factor float64

	// Jitter spreads each delay d evenly over d-Jitter*d to d+Jitter*d, as far as
	// that lies between MinDelay and MaxDelay, so that callers who failed together
	// do not come back together. It is a share from 0, for none, to 1.
	Jitter float64
}

// Validate says what makes no sense in the delay, naming each field, its value and
// the rule in an [*InvalidPolicyError].
func (d ExponentialDelay) Validate() error {
	p := problems{policy: "ExponentialDelay"}
	p.check(d.MinDelay >= 0, "MinDelay", d.MinDelay, "it must not be negative")
	p.check(d.MaxDelay >= 0, "MaxDelay", d.MaxDelay, "it must not be negative")
	if d.MinDelay >= 0 && d.MaxDelay > 0 {
		p.check(d.MaxDelay >= d.withDefaults().MinDelay, "MaxDelay", d.MaxDelay,
			"it must not be below MinDelay, which is "+d.withDefaults().MinDelay.String())
	}
	p.check(d.Factor == 0 || d.Factor >= 1 && !math.IsInf(d.Factor, 1),
		"Factor", d.Factor, "it must be a finite number from 1")
	p.check(d.Jitter >= 0 && d.Jitter <= 1, "Jitter", d.Jitter, "it must be between 0 and 1")
	return p.err()
}

func (d ExponentialDelay) withDefaults() ExponentialDelay {
	if d.MinDelay == 0 {
		d.MinDelay = DefaultMinDelay
	}
	if d.MaxDelay == 0 {
		d.MaxDelay = saturated(100 * float64(d.MinDelay))
	}
	if d.Factor == 0 {
		d.Factor = DefaultFactor
	}
	return d
}

// ForAttempt gives MinDelay*Factor^(n-1), jittered, never below MinDelay or above
// MaxDelay. An n below 1 counts as 1.
func (d ExponentialDelay) ForAttempt(n int) time.Duration {
	return d.forAttempt(n, rand.Float64())
}

// forAttempt takes the place that jitter gives, from 0 for the earliest up to 1.
func (d ExponentialDelay) forAttempt(n int, place float64) time.Duration {
	d = d.withDefaults()
	shortest, longest := float64(d.MinDelay), float64(d.MaxDelay)
	middle := min(shortest*math.Pow(d.Factor, float64(max(n, 1)-1)), longest)
	from := max(middle-d.Jitter*middle, shortest)
	to := min(middle+d.Jitter*middle, longest)
	// Rounding to float64 and back must not leave the bounds.
	return min(max(saturated(from+place*(to-from)), d.MinDelay), d.MaxDelay)
}

// saturated turns nanoseconds into a duration, the longest one if they are too many.
func saturated(ns float64) time.Duration {
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}
