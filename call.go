package highway

import (
	"context"
	"sync"
)

// Call makes a call that returns a value through p. It returns the call's value also
// beside an error, and [ErrNoResult] when p never let a call finish and yet reports
// success.
//
// Through the policies of this package it allocates nothing of its own. A closure given
// to it is allocated where it is made, because the policy might be any; [Protect]
// avoids that.
func Call[T any](ctx context.Context, p Policy, call func(context.Context) (T, error)) (T, error) {
	switch p := p.(type) {
	case nil:
		var none T
		return none, errNoPolicy
	case *CircuitProtector:
		return Protect(ctx, p, call)
	case *SafetyNet:
		if p.layered() {
			return through(ctx, p.layers, call)
		}
	case *RetryWithBackoffPolicy:
		return retryValid(ctx, p, call)
	case RetryWithBackoffPolicy:
		return retryValid(ctx, &p, call)
	}
	return callForeign(ctx, p, call)
}

// Protect is [Call] for a policy known to be a [CircuitProtector]. It lets the
// compiler keep a closure off the heap.
func Protect[T any](ctx context.Context, p *CircuitProtector, call func(context.Context) (T, error)) (T, error) {
	return protect(ctx, p, nil, call)
}

// Decorate returns a function that makes call through p each time it is used. It is
// as safe for concurrent use as call is.
func Decorate[In, Out any](p Policy, call func(context.Context, In) (Out, error)) func(context.Context, In) (Out, error) {
	// Separate closures, because a call that may reach a foreign policy is
	// allocated, and the compiler decides that once for each.
	switch p := p.(type) {
	case *CircuitProtector:
		return func(ctx context.Context, in In) (Out, error) {
			return Protect(ctx, p, func(ctx context.Context) (Out, error) { return call(ctx, in) })
		}
	case *SafetyNet:
		if p.layered() {
			return func(ctx context.Context, in In) (Out, error) {
				return through(ctx, p.layers, func(ctx context.Context) (Out, error) { return call(ctx, in) })
			}
		}
	}
	return func(ctx context.Context, in In) (Out, error) {
		return Call(ctx, p, func(ctx context.Context) (Out, error) { return call(ctx, in) })
	}
}

// DecorateFunc is [Decorate] for a function without an argument.
func DecorateFunc[Out any](p Policy, call func(context.Context) (Out, error)) func(context.Context) (Out, error) {
	return func(ctx context.Context) (Out, error) { return Call(ctx, p, call) }
}

// A layer is one policy of this package inside a [SafetyNet]: exactly one field is
// set.
type layer struct {
	protector *CircuitProtector
	retry     *RetryWithBackoffPolicy
}

// through makes call through layers, the first outermost.
func through[T any](ctx context.Context, layers []layer, call func(context.Context) (T, error)) (T, error) {
	if len(layers) == 0 {
		return call(ctx)
	}
	if p := layers[0].protector; p != nil {
		return protect(ctx, p, layers[1:], call)
	}
	return retry(ctx, layers[0].retry, layers[1:], call)
}

// valueless gives call the shape that through and its like work on.
func valueless(call func(context.Context) error) func(context.Context) (struct{}, error) {
	return func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) }
}

// callForeign makes call through a policy that may make it several times, at once
// even: every invocation hands in a value of its own.
func callForeign[T any](ctx context.Context, p Policy, call func(context.Context) (T, error)) (T, error) {
	var r results[T]
	err := p.Do(ctx, func(ctx context.Context) error {
		v, err := call(ctx)
		r.add(v, err)
		return err
	})
	return r.pick(err)
}

// results keeps, of the values that several invocations returned, the first that
// came without an error and the last that came with one.
type results[T any] struct {
	mu        sync.Mutex
	good, bad *T
}

func (r *results[T]) add(v T, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.bad = &v
	case r.good == nil:
		r.good = &v
	}
}

// pick returns the value that belongs beside err, what the policy returned.
func (r *results[T]) pick(err error) (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, second := r.good, r.bad
	if err != nil {
		first, second = second, first
	}
	switch {
	case first != nil:
		return *first, err
	case second != nil:
		return *second, err
	}
	var none T
	if err == nil {
		err = ErrNoResult
	}
	return none, err
}
