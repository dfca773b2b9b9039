package highway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

	// OnAttempt is told how each attempt ended, on the goroutine of the call, before
	// the wait. A panic in it is caught and logged with [log/slog].
	OnAttempt func(Attempt)

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
		value, err = through(ctx, rest, call)
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

// A retryRun is one call on its way through a retry policy, after its first attempt.
type retryRun struct {
	policy   *RetryWithBackoffPolicy
	attempts int
	last     error     // the last real error
	deadline time.Time // from TotalTime; zero for none
}

// next takes the result of an attempt. It waits and says that another is due, or
// makes the result what the call returns.
func (run *retryRun) next(ctx context.Context, result *error) (again bool) {
	run.attempts++
	err := *result
	var wait time.Duration
	wait, *result = run.decide(ctx, err, time.Now())
	again = wait != stop
	if run.policy.OnAttempt != nil {
		attempt := Attempt{Number: run.attempts, Err: err, Again: again, Wait: max(0, wait)}
		guard("OnAttempt", func() { run.policy.OnAttempt(attempt) })
	}
	if !again {
		return false
	}
	if ended := sleep(ctx, wait); ended != nil {
		*result = run.giveUp(ended)
		return false
	}
	return true
}

// stop as a wait means that no attempt follows.
const stop time.Duration = -1

// decide says how long to wait before the next attempt, or stop and the error that
// the call ends with.
func (run *retryRun) decide(ctx context.Context, err error, now time.Time) (time.Duration, error) {
	r := run.policy
	if err == nil {
		return stop, nil
	}
	refused := refusalIn(err) != nil
	switch {
	case refused && run.last == nil:
		return stop, err
	case refused && r.TotalTime == 0:
		return stop, run.giveUp(err)
	case !refused && r.ShouldHandle != nil && !r.ShouldHandle(err):
		return stop, err
	case !refused:
		run.last = err
	}
	if ended := contextError(ctx); ended != nil {
		return stop, run.giveUp(ended)
	}
	if run.attempts > r.maxRetries() {
		if refused {
			return stop, run.giveUp(err)
		}
		return stop, run.giveUp(nil)
	}
	wait, ended := run.wait(ctx, err, now)
	if ended != nil {
		if refused {
			ended = err
		}
		return stop, run.giveUp(ended)
	}
	if !r.Budget.take() {
		return stop, run.giveUp(ErrRetryBudget)
	}
	return wait, nil
}

// wait is how long to wait after err, or why there is no time for it.
func (run *retryRun) wait(ctx context.Context, err error, now time.Time) (time.Duration, error) {
	left, tooLong := run.left(ctx, now)
	wait := max(0, run.policy.backoff().ForAttempt(run.attempts))
	if hint := retryAfter(err); hint > 0 {
		if tooLong == nil {
			left = MaxRetryAfter
		}
		if hint > left || hint == UntilReleased {
			return 0, errors.Join(ErrRetryAfter, tooLong)
		}
		// The hint is the least; jitter may use what time there is beyond it.
		jittered := hint + min(time.Duration(rand.Float64()*float64(hint)/10), left-hint)
		return max(jittered, min(wait, left)), nil
	}
	if tooLong != nil && wait > left {
		return 0, tooLong
	}
	return wait, nil
}

// left is how long the next wait may be, and what a longer one would exceed: nil when
// there is no limit.
func (run *retryRun) left(ctx context.Context, now time.Time) (time.Duration, error) {
	left, tooLong := time.Duration(0), error(nil)
	if !run.deadline.IsZero() {
		left, tooLong = run.deadline.Sub(now), ErrTotalTime
	}
	if ctx == nil {
		return left, tooLong
	}
	if deadline, ok := ctx.Deadline(); ok {
		if d := deadline.Sub(now); tooLong == nil || d < left {
			left, tooLong = d, context.DeadlineExceeded
		}
	}
	return left, tooLong
}

func (run *retryRun) giveUp(endedBy error) error {
	return &RetryLimitReachedError{Attempts: run.attempts, Last: run.last, EndedBy: endedBy}
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

// retryAfter is the wait that err asks for, or zero.
func retryAfter(err error) time.Duration {
	var hint interface{ RetryAfter() time.Duration }
	if errors.As(err, &hint) {
		return hint.RetryAfter()
	}
	return 0
}

// sleep waits for d, or returns the error of a context that ends before.
func sleep(ctx context.Context, d time.Duration) error {
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
		}
	}
	return contextError(ctx)
}

// contextError is ctx.Err() for a ctx that may be nil.
func contextError(ctx context.Context) error {
	if ctx == nil {
		return nil
	}
	return ctx.Err()
}
