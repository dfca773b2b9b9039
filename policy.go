package highway

import (
	"context"
	"errors"
)

// A Policy decides whether, when and how often a call is made. A
// [CircuitProtector], a [RetryWithBackoffPolicy] and a [SafetyNet] are policies; so
// is any type with this one method.
type Policy interface {
	// Do makes the call, any number of times, with ctx or a context made from it, and
	// returns the call's error or one of its own. It must be safe for concurrent use.
	// The policies of this package make a call once at a time; one that makes it
	// several times at once must say so, for not every call bears that.
	Do(ctx context.Context, call func(context.Context) error) error
}

// validator is a policy, or a part of one, that can tell whether it makes sense.
type validator interface{ Validate() error }

// ErrNoResult is what [Call] returns when a policy reports success although no call
// made through it came to an end, so that there is no value to return.
var ErrNoResult = errors.New("highway: the policy reported success without a finished call")

// What a call through a policy that is none returns.
var (
	errNoPolicy = errors.New("highway: the policy is nil")
	errUnmade   = errors.New("highway: a CircuitProtector must come from NewCircuitProtector")
)

// Must returns v, or panics when err is not nil. It is for protectors and safety nets
// in package variables, where a senseless policy is a mistake in the program:
//
//	var payments = highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
//		ResourceKey: "payments",
//	}))
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
