package highwaygrpc

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/highway-engine/highway"
)

// retryWith makes the policy for all calls. What it must know of each it finds in the error
// of the attempt; what is configured gets that error as it came.
func (c *client) retryWith(policy highway.RetryWithBackoffPolicy) *highway.RetryWithBackoffPolicy {
	configured, told := policy.ShouldHandle, policy.OnAttempt
	c.sensible = func(f *failed) bool {
		if configured != nil {
			return configured(f.error)
		}
		return c.failure(f.code)
	}
	policy.ShouldHandle = func(err error) bool {
		f, ok := err.(*failed)
		return ok && !f.final && c.harmless(f) && c.sensible(f)
	}
	if told != nil {
		policy.OnAttempt = func(ctx context.Context, a highway.Attempt) {
			a.Err = asItCame(a.Err)
			told(ctx, a)
		}
	}
	return &policy
}

// harmless says whether a call that failed so can be made again.
func (c *client) harmless(f *failed) bool {
	switch {
	case f.mistaken():
		return false
	case f.code == codes.Unavailable && !f.underway:
		return true
	case f.code == codes.ResourceExhausted && f.after > 0:
		return true
	}
	return c.Idempotent(f.method)
}

// answers says whether the server has answered, by an error that is no failure of its own,
// such as NotFound. To those who count attempts that is a success, as to the breaker.
func (c *client) answers(f *failed) bool {
	return !f.mistaken() && !c.failure(f.code) && f.code != codes.Canceled && !c.sensible(f)
}

// retried makes a call as often as the policy says.
func (c *client) retried(ctx context.Context, protector *highway.CircuitProtector, method string, opts []grpc.CallOption,
	call func(context.Context, ...grpc.CallOption) error) error {
	// The caller's OnFinish is told once, of all attempts together.
	each := slices.DeleteFunc(slices.Clone(opts), func(o grpc.CallOption) bool {
		_, ok := o.(grpc.OnFinishCallOption)
		return ok
	})
	var answer error // of the last attempt, if the policy takes that for a success
	err := c.retry.Do(ctx, func(ctx context.Context) error {
		answer = nil
		err := c.attempt(ctx, protector, method, each, call)
		if f, ok := err.(*failed); ok && c.answers(f) {
			answer, err = f.error, nil
		}
		return err
	})
	if err = afterRetries(ctx, err); err == nil {
		err = answer
	}
	ended(opts, err)
	return err
}

// afterRetries is what the caller gets.
func afterRetries(ctx context.Context, err error) error {
	limit, ok := err.(*highway.RetryLimitReachedError)
	if !ok {
		return asItCame(err)
	}
	limit.Last = asItCame(limit.Last)
	if over := ctx.Err(); over != nil && errors.Is(limit.EndedBy, over) {
		return &withStatus{limit, status.New(status.FromContextError(over).Code(), limit.Error())}
	}
	return limit
}
