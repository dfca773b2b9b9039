package highway

import (
	"errors"
	"fmt"
)

// What can end a retry early, besides a refusal and the error of a context; found in
// [RetryLimitReachedError].EndedBy and matched by errors.Is.
var (
	// ErrTotalTime: no time was left for another attempt.
	ErrTotalTime = errors.New("highway: total time of the retry is used up")
	// ErrRetryAfter: the error asked for a longer wait than there is time for.
	ErrRetryAfter = errors.New("highway: asked to wait longer than the retry may take")
	// ErrRetryBudget: the [RetryBudget] was empty.
	ErrRetryBudget = errors.New("highway: retry budget is empty")
)

// RetryLimitReachedError says that a call failed as often as the retry policy allows,
// or that the policy had to give up before.
type RetryLimitReachedError struct {
	// Attempts is how often the call was tried, refused attempts included.
	Attempts int
	// Last is the last error that the call itself returned.
	Last error
	// EndedBy is what ended the retry early: a [*ProtectedCallError], the error of
	// the context, [ErrTotalTime], [ErrRetryAfter] or [ErrRetryBudget]. It matches
	// [context.DeadlineExceeded] also when the deadline would have passed before the
	// next attempt. It is nil when every attempt allowed was made.
	EndedBy error
}

// Error names the attempts, the last error and what ended the retry.
func (e *RetryLimitReachedError) Error() string {
	s := fmt.Sprintf("highway: gave up after %d attempts: %v", e.Attempts, e.Last)
	if e.Attempts == 1 {
		s = fmt.Sprintf("highway: gave up after 1 attempt: %v", e.Last)
	}
	if e.EndedBy != nil {
		s += fmt.Sprintf(" (ended by: %v)", e.EndedBy)
	}
	return s
}

// Unwrap gives Last.
func (e *RetryLimitReachedError) Unwrap() error { return e.Last }

// Is makes errors.Is match what EndedBy matches, besides what Last matches. There is
// no As to go with it: to errors.As a call that failed and was then refused is a
// failed call, for an outer protector too.
func (e *RetryLimitReachedError) Is(target error) bool { return errors.Is(e.EndedBy, target) }

// Timeout says whether Last is a timeout, in the way in which net.Error and url.Error ask.
func (e *RetryLimitReachedError) Timeout() bool {
	var timeout interface{ Timeout() bool }
	return errors.As(e.Last, &timeout) && timeout.Timeout()
}
