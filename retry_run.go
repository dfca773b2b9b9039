package highway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

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
	wait, *result = run.decide(ctx, err)
	again = wait != stop
	if run.policy.OnAttempt != nil {
		attempt := Attempt{Number: run.attempts, Err: err, Again: again, Wait: max(0, wait)}
		guard("OnAttempt", func() { run.policy.OnAttempt(known(ctx), attempt) })
	}
	if !again {
		return false
	}
	if ended := run.sleep(ctx, wait); ended != nil {
		run.policy.Budget.giveBack()
		*result = run.giveUp(ended)
		return false
	}
	return true
}

// stop as a wait means that no attempt follows.
const stop time.Duration = -1

// decide says how long to wait before the next attempt, or stop and the error that
// the call ends with.
func (run *retryRun) decide(ctx context.Context, err error) (time.Duration, error) {
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
	wait, ended := run.wait(ctx, err, time.Now())
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
		longest := left
		if tooLong == nil {
			longest = MaxRetryAfter
		}
		switch {
		case hint <= longest && hint != UntilReleased:
		case tooLong == nil:
			return 0, ErrRetryAfter
		default:
			return 0, fmt.Errorf("%w: %w", ErrRetryAfter, tooLong)
		}
		// The hint is the least. Jitter takes no more than half of the time beyond it:
		// timers are late.
		jitter := time.Duration(rand.Float64() * float64(hint) / 10)
		wait = max(wait, hint+min(jitter, (longest-hint)/2))
	}
	if tooLong != nil && wait > left {
		return 0, tooLong
	}
	return wait, nil
}

// errDeadline says that the context's deadline leaves no time for another attempt. It
// has not passed yet, but to those who ask why they got no result it is the reason.
var errDeadline = fmt.Errorf("no time for another attempt: %w", context.DeadlineExceeded)

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
			left, tooLong = d, errDeadline
		}
	}
	return left, tooLong
}

func (run *retryRun) giveUp(endedBy error) error {
	return &RetryLimitReachedError{Attempts: run.attempts, Last: run.last, EndedBy: endedBy}
}

// retryAfter is the wait that err asks for, or zero.
func retryAfter(err error) time.Duration {
	var hint interface{ RetryAfter() time.Duration }
	if errors.As(err, &hint) {
		return hint.RetryAfter()
	}
	return 0
}

// sleep waits for d. It returns what has ended the retry in the meantime: the context,
// or the total time, which a timer or a listener may have overrun.
func (run *retryRun) sleep(ctx context.Context, d time.Duration) error {
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
	if err := contextError(ctx); err != nil {
		return err
	}
	if !run.deadline.IsZero() && time.Now().After(run.deadline) {
		return ErrTotalTime
	}
	return nil
}

// contextError is ctx.Err() for a ctx that may be nil.
func contextError(ctx context.Context) error {
	if ctx == nil {
		return nil
	}
	return ctx.Err()
}
