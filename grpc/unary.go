package highwaygrpc

import (
	"context"

	"google.golang.org/grpc"

	"github.com/highway-engine/highway"
)

// unary is the interceptor.
func (c *client) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if over(ctx) {
		return invoker(ctx, method, req, reply, cc, opts...)
	}
	protector := c.protector(cc.Target(), method)
	call := func(ctx context.Context, opts ...grpc.CallOption) error {
		return invoker(ctx, method, req, reply, cc, opts...)
	}
	if c.retry != nil {
		return c.retried(ctx, protector, method, opts, call)
	}
	err := c.attempt(ctx, protector, method, opts, call)
	if _, ok := err.(*refused); ok {
		ended(opts, err)
	}
	return asItCame(err)
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
		defer abandon(ctx, permit)
	}
	limited := ctx
	if permit != nil {
		limited = permit.Context()
	}
	if c.AttemptTimeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(limited, c.AttemptTimeout)
		defer cancel()
	}
	var answer answer
	err := call(limited, answer.asked(opts)...)
	if err == nil {
		if permit != nil {
			permit.Success()
		}
		return nil
	}
	f := answer.failed(err, true)
	f.method = method
	if permit != nil {
		c.settle(ctx, permit, f)
	}
	return f
}

// asItCame takes off what only breaker and retry need.
func asItCame(err error) error {
	if f, ok := err.(*failed); ok {
		return f.error
	}
	return err
}
