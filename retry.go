package highway

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// NoRetries as MaxRetries makes one attempt only.
const NoRetries = -1

const (
	// DefaultMaxRetries is what MaxRetries zero stands for.
	DefaultMaxRetries = 3

	// MaxRetryAfter is the longest wait asked for by an error's RetryAfter that is
	// obeyed when neither TotalTime nor a deadline says how long a call may take.
	MaxRetryAfter = time.Minute
)

// defaultBackoff is what Backoff nil stands for.
var defaultBackoff Delay = ExponentialDelay{Jitter: 0.5}

// RetryWithBackoffPolicy makes a call again when it fails, after a wait. It is a
// [Policy] as it stands, by value or by pointer, keeps no state between calls and is
// safe for concurrent use. The zero policy retries every error three times.
//
// A call that succeeds, or whose error ShouldHandle rejects, returns as it is. When
// the attempts are used up, or there is no sense in waiting for the next, Do returns
// a [*RetryLimitReachedError]. It never waits after the last attempt, nor for a time
// that it does not have.
//
// Refusals of a protector inside are not failures. If the first attempt is refused
// the refusal is returned at once. A later one ends the retry, unless TotalTime is
// set and leaves room for the refusal's RetryAfter: then it is waited for, and the
// refused attempt counts as one.
//
// An error that has, or wraps one that has, a method RetryAfter() time.Duration says
// how long to wait at least. It is obeyed, with up to a tenth added so that callers
// do not come back together, when what is left of TotalTime and of the context's
// deadline allows. Where neither is set, [MaxRetryAfter] is the limit.
type RetryWithBackoffPolicy struct {
	// MaxRetries is the number of attempts after the first. Zero means
	// [DefaultMaxRetries], [NoRetries] none.
	MaxRetries int

	// Backoff says how long to wait before each retry. Nil means an
	// [ExponentialDelay] from 100 ms to 10 s with factor 2 and jitter 0.5.
	Backoff Delay

	// ShouldHandle tells which errors are worth another attempt; refusals are not
	// put to it. Nil means all.
	ShouldHandle func(error) bool

	// TotalTime is how long a call may take with all its waits: no attempt starts
	// later. An attempt under way is not cut off, which is the context's to do. Zero
	// means no limit.
	TotalTime time.Duration

	// OnAttempt is told how each attempt ended, with the context of the call, on its
	// goroutine, before the wait. A panic in it is caught and logged with [log/slog].
	OnAttempt func(context.Context, Attempt)

	// Budget limits retries to a share of calls. Nil means no such limit.
	Budget *RetryBudget
}

// An Attempt tells a listener how one attempt of a call ended.
type Attempt struct {
	Number int           // from 1
	Err    error         // nil: it succeeded
	Again  bool          // whether another attempt will follow,
	Wait   time.Duration // and after which wait
}

// Validate says what makes no sense in the policy, naming each field, its value and
// the rule in an [*InvalidPolicyError].
func (r RetryWithBackoffPolicy) Validate() error {
	p := problems{policy: "RetryWithBackoffPolicy"}
	p.check(r.MaxRetries >= NoRetries, "MaxRetries", r.MaxRetries, "it must not be negative, but for NoRetries")
	p.check(r.TotalTime >= 0, "TotalTime", r.TotalTime, "it must not be negative")
	if r.Budget != nil {
		p.check(r.Budget.perRetry > 0, "Budget", "a zero RetryBudget", "it must come from NewRetryBudget")
	}
	if isNil(r.Backoff) {
		p.check(false, "Backoff", fmt.Sprintf("a nil %T", r.Backoff), "it must be a delay, or an untyped nil for the default")
	} else if b, ok := r.Backoff.(validator); ok {
		return errors.Join(p.err(), b.Validate())
	}
	return p.err()
}

// Do makes the call, and makes it again as the policy says. A policy that makes no
// sense makes no call: Do returns what is wrong with it.
func (r RetryWithBackoffPolicy) Do(ctx context.Context, call func(context.Context) error) error {
	_, err := retryValid(ctx, &r, valueless(call))
	return err
}

// retryValid is retry for a policy that nobody has validated yet.
func retryValid[T any](ctx context.Context, r *RetryWithBackoffPolicy, call func(context.Context) (T, error)) (T, error) {
	if err := r.Validate(); err != nil {
		var none T
		return none, err
	}
	return retry(ctx, r, nil, call)
}

// retry makes call through the layers in rest, as often as r says.
func retry[T any](ctx context.Context, r *RetryWithBackoffPolicy, rest []layer, call func(context.Context) (T, error)) (value T, err error) {
	r.Budget.payIn()
	deadline := r.deadline()
	value, err = through(ctx, rest, call)
	if err == nil && r.OnAttempt == nil {
		return value, nil
	}
	for run := (retryRun{policy: r, deadline: deadline}); run.next(ctx, &err); {
		var v T
		if v, err = through(ctx, rest, call); refusalIn(err) == nil {
			value = v // of the last call that was made
		}
	}
	return value, err
}

// deadline is when TotalTime is over, or the zero time for never.
func (r *RetryWithBackoffPolicy) deadline() time.Time {
	if r.TotalTime == 0 {
		return time.Time{}
	}
	return time.Now().Add(r.TotalTime)
}

func (r *RetryWithBackoffPolicy) maxRetries() int {
	switch r.MaxRetries {
	case 0:
		return DefaultMaxRetries
	case NoRetries:
		return 0
	}
	return r.MaxRetries
}

func (r *RetryWithBackoffPolicy) backoff() Delay {
	if r.Backoff == nil {
		return defaultBackoff
	}
	return r.Backoff
}
