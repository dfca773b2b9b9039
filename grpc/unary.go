package highwaygrpc

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/highway-engine/highway"
)

// unary is the interceptor.
func (c *client) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if over(ctx) {
		return invoker(ctx, method, req, reply, cc, opts...)
	}
	protector := c.protector(cc.Target(), method)
	if c.retry == nil {
		err := c.attempt(ctx, protector, method, opts, func(ctx context.Context, opts ...grpc.CallOption) error {
			return invoker(ctx, method, req, reply, cc, opts...)
		})
		if _, ok := err.(*refused); ok {
			ended(opts, err)
		}
		return asItCame(err)
	}
	// The caller's OnFinish is told once, of all attempts together.
	all := opts
	opts = slices.DeleteFunc(slices.Clone(opts), func(o grpc.CallOption) bool {
		_, ok := o.(grpc.OnFinishCallOption)
		return ok
	})
	err := c.retry.Do(ctx, func(ctx context.Context) error {
		return c.attempt(ctx, protector, method, opts, func(ctx context.Context, opts ...grpc.CallOption) error {
			return invoker(ctx, method, req, reply, cc, opts...)
		})
	})
	err = afterRetries(ctx, err)
	ended(all, err)
	return err
}

// attempt makes a call once. Its error is *refused or *failed.
func (c *client) attempt(ctx context.Context, protector *highway.CircuitProtector, method string, opts []grpc.CallOption,
	call func(context.Context, ...grpc.CallOption) error) error {
	var permit *highway.Permit
	if protector != nil {
		var err error
		if permit, err = protector.Acquire(ctx); err != nil {
			return refusedBy(err)
		}
		defer permit.Failure() // if the call panics
	}
	limited := ctx
	if c.AttemptTimeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, c.AttemptTimeout)
		defer cancel()
	}
	var answer struct {
		trailer metadata.MD
		peer    peer.Peer
	}
	err := call(limited, append(slices.Clip(opts), grpc.Trailer(&answer.trailer), grpc.Peer(&answer.peer))...)
	if err == nil {
		if permit != nil {
			permit.Success()
		}
		return nil
	}
	f := newFailed(err, answer.trailer)
	if permit != nil {
		c.settle(ctx, permit, f)
	}
	if c.retry != nil {
		// gRPC fills in the peer when it has begun to send, and the trailer has at least
		// a content type when it is the server that says Unavailable.
		underway := answer.peer.Addr != nil && len(answer.trailer) == 0
		f.again = c.again(method, f, underway)
	}
	return f
}

// again says whether another attempt makes sense and does no harm. Underway says that a
// request was sent which the server has not answered.
func (c *client) again(method string, f *failed, underway bool) bool {
	switch {
	case !c.failure(f.code) || tooLarge(f):
		return false
	case f.code == codes.Unavailable && !underway:
		return true
	case f.code == codes.ResourceExhausted && f.after > 0:
		return true
	}
	return c.Idempotent(method)
}

// worthwhile makes a retry's ShouldHandle of the one that is configured.
func worthwhile(configured func(error) bool) func(error) bool {
	return func(err error) bool {
		var f *failed
		if !errors.As(err, &f) {
			return false
		}
		if configured != nil {
			return !f.final && configured(f)
		}
		return !f.final && f.again
	}
}

// asItCame takes off what only breaker and retry need.
func asItCame(err error) error {
	if f, ok := err.(*failed); ok {
		return f.error
	}
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
