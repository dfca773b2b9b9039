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
	policy.ShouldHandle = func(err error) bool {
		f, ok := err.(*failed)
		switch {
		case !ok || f.final || !c.harmless(f):
			return false
		case configured != nil:
			return configured(f.error)
		}
		return c.failure(f.code)
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
	case tooLarge(f):
		return false
	case f.code == codes.Unavailable && !f.underway:
		return true
	case f.code == codes.ResourceExhausted && f.after > 0:
		return true
	}
	return c.Idempotent(f.method)
}

// retried makes a call as often as the policy says.
func (c *client) retried(ctx context.Context, protector *highway.CircuitProtector, method string, opts []grpc.CallOption,
	call func(context.Context, ...grpc.CallOption) error) error {
	// The caller's OnFinish is told once, of all attempts together.
	each := slices.DeleteFunc(slices.Clone(opts), func(o grpc.CallOption) bool {
		_, ok := o.(grpc.OnFinishCallOption)
		return ok
	})
	err := c.retry.Do(ctx, func(ctx context.Context) error {
		return c.attempt(ctx, protector, method, each, call)
	})
	err = afterRetries(ctx, err)
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
