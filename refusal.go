package highway

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrProtectedCall matches, by errors.Is, every error that a refusal brought about: the
// [*ProtectedCallError] itself, which errors.As finds where the call was not made, and
// a [*RetryLimitReachedError] whose retries a refusal ended after the call had been made
// and had failed.
var ErrProtectedCall = errors.New("highway: call refused")

// UntilReleased is the RetryAfter of an isolated circuit: nobody knows when calls
// will go through again. Nothing in this package waits for it.
const UntilReleased time.Duration = math.MaxInt64

// ProtectedCallError says that a protector refused a call, which was not made. It
// never changes, and all refusals of one OPEN or HALF_OPEN episode share one, or those
// under the same settings.
type ProtectedCallError struct {
	key   string
	state CircuitState
	until time.Time     // OPEN: the deadline, zero when isolated
	pause time.Duration // HALF_OPEN: when to ask again
}

// ResourceKey is the key of the protector that refused.
func (e *ProtectedCallError) ResourceKey() string { return e.key }

// State is Open, or HalfOpen when every probe was taken.
func (e *ProtectedCallError) State() CircuitState { return e.state }

// RetryAfter is how long from now it makes sense to wait before asking again: what
// is left of the cooldown while open, never below zero; a tenth of the cooldown, and
// at least a millisecond, while other calls probe; [UntilReleased] when isolated.
func (e *ProtectedCallError) RetryAfter() time.Duration { return e.retryAfter(time.Now()) }

func (e *ProtectedCallError) retryAfter(now time.Time) time.Duration {
	switch {
	case e.state == HalfOpen:
		return e.pause
	case e.until.IsZero():
		return UntilReleased
	}
	return max(0, e.until.Sub(now))
}

// Error names the key, if there is one, the state and the time to wait.
func (e *ProtectedCallError) Error() string {
	call := "call"
	if e.key != "" {
		call = fmt.Sprintf("call to %q", e.key)
	}
	after := e.RetryAfter()
	if after == UntilReleased {
		return fmt.Sprintf("highway: %s refused: circuit is isolated until released", call)
	}
	return fmt.Sprintf("highway: %s refused: circuit is %v, retry after %v",
		call, e.state, after.Round(time.Millisecond))
}

// Is makes errors.Is match [ErrProtectedCall].
func (e *ProtectedCallError) Is(target error) bool { return target == ErrProtectedCall }

// refusalIn returns the refusal that err is about, found by unwrapping. An error that
// joins a refusal with something else is about that. It does not allocate, because
// every failed call is looked at, and gives up on chains that look endless.
func refusalIn(err error) *ProtectedCallError { return refusalWithin(err, 100) }

func refusalWithin(err error, depth int) *ProtectedCallError {
	for ; err != nil && depth > 0; depth-- {
		switch e := err.(type) {
		case *ProtectedCallError:
			return e
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			var refusal *ProtectedCallError
			for _, err := range e.Unwrap() {
				if err == nil {
					continue
				}
				if refusal = refusalWithin(err, depth-1); refusal == nil {
					return nil
				}
			}
			return refusal
		default:
			return nil
		}
	}
	return nil
}
