package highwayhttp

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// A StatusError is what a failing response counts as. Protectors and retries get it in
// ShouldHandle and OnAttempt; callers of a [Transport] get the response itself.
type StatusError struct {
	// StatusCode is the status of the response, such as 503.
	StatusCode int

	to         destination
	retryAfter time.Duration
}

func newStatusError(req *http.Request, resp *http.Response) *StatusError {
	return &StatusError{
		StatusCode: resp.StatusCode,
		to:         destinationOf(req),
		retryAfter: retryAfter(resp.Header, time.Now()),
	}
}

// Error names the method and the host of the request, the status, and the wait that the
// response asks for.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("highway: %vthe response has status %d", e.to, e.StatusCode)
	if name := http.StatusText(e.StatusCode); name != "" {
		text += " " + name
	}
	if e.retryAfter > 0 {
		text += fmt.Sprintf(" and asks to retry after %v", e.retryAfter.Round(time.Millisecond))
	}
	return text
}

// RetryAfter is the wait that the response asks for in its header Retry-After (RFC 9110,
// 10.2.3), counted from its arrival: seconds, or a date less the date of the response, or
// less the present instant if it has none. It is zero if there is no such header, if it makes
// no sense, and for a date that has passed; it is never longer than a year.
func (e *StatusError) RetryAfter() time.Duration { return e.retryAfter }

// longestWait keeps sums of instants and waits from overflowing.
const longestWait = 365 * 24 * time.Hour

// retryAfter reads the header of a response that came in at now.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if value == "" {
		return 0
	}
	if wait, ok := seconds(value); ok {
		return wait
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	// The host's clock may be wrong, but both dates are by it.
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return min(max(0, until.Sub(now)), longestWait)
}

// seconds reads digits, be they ever so many.
func seconds(value string) (time.Duration, bool) {
	for _, c := range []byte(value) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n > uint64(longestWait/time.Second) {
		return longestWait, true
	}
	return time.Duration(n) * time.Second, true
}

// failed is the default of Config.Failure.
func failed(resp *http.Response) bool {
	return resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests
}
