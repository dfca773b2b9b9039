package highwayhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/highway-engine/highway"
)

// retryWith takes over a copy of the policy. It is made once for all requests; what it must
// know of each it finds in the error of the attempt.
func (t *Transport) retryWith(policy highway.RetryWithBackoffPolicy) error {
	told := policy.OnAttempt
	t.handle = policy.ShouldHandle
	policy.ShouldHandle = func(err error) bool {
		failed, ok := err.(*failedAttempt)
		return ok && failed.of.again(failed.err)
	}
	policy.OnAttempt = func(ctx context.Context, a highway.Attempt) {
		if failed, ok := a.Err.(*failedAttempt); ok {
			a.Err = failed.err
			if a.Again {
				failed.of.keep(ctx)
			}
		}
		if told != nil {
			told(ctx, a)
		}
	}
	if err := policy.Validate(); err != nil {
		return err
	}
	net, err := highway.NewSafetyNet(policy)
	t.retry = net
	return err
}

// roundTrips is RoundTrip with retries.
func (t *Transport) roundTrips(req *http.Request, protector *highway.CircuitProtector) (*http.Response, error) {
	e := exchange{transport: t, protector: protector, req: req}
	returned := false
	defer func() {
		if !e.sent {
			closeBody(req)
		}
		if !returned {
			e.drop() // code of a user has panicked
		}
	}()
	err := t.retry.Do(req.Context(), e.attempt)
	returned = true
	if err == nil {
		return e.resp, nil
	}
	return e.result(err)
}

// An exchange is one request with all its attempts.
type exchange struct {
	transport *Transport
	protector *highway.CircuitProtector
	req       *http.Request

	sent    bool
	resp    *http.Response // of the last attempt that was sent, if it got one
	failure error          // what that counted as; nil for a success
	own     bool           // the failure is the caller's doing
	ended   bool           // the context was done when it came back
	refusal error          // of an attempt since then
}

// A failedAttempt is what the retry policy gets to see.
type failedAttempt struct {
	of  *exchange
	err error
}

func (f *failedAttempt) Error() string { return f.err.Error() }
func (f *failedAttempt) Unwrap() error { return f.err }

// attempt asks the protector and sends.
func (e *exchange) attempt(ctx context.Context) error {
	permit, err := acquire(ctx, e.protector)
	if err != nil {
		e.refusal = err
		return err
	}
	e.refusal = nil
	out := e.req
	if e.sent {
		if out, err = e.next(permit); err != nil {
			return err
		}
	}
	e.sent = true
	e.resp, e.failure, e.own = e.transport.send(e.req, out, e.protector, permit)
	if e.failure == nil {
		return nil
	}
	e.ended = ctx.Err() != nil
	return &failedAttempt{e, e.failure}
}

// next makes ready for another attempt. If it cannot, or code of a user panics in it, the
// permit has not been used.
func (e *exchange) next(permit *highway.Permit) (out *http.Request, err error) {
	ready := false
	defer func() {
		if ready {
			return
		}
		if permit != nil {
			permit.Ignore()
		}
		if out != nil {
			closeBody(out)
		}
	}()
	if out, err = e.copy(); err != nil {
		return nil, err
	}
	e.drop()
	ready = true
	return out, nil
}

// copy is the request with a body that has not been read.
func (e *exchange) copy() (*http.Request, error) {
	out := e.req.Clone(e.req.Context())
	if e.req.Body == nil || e.req.Body == http.NoBody {
		return out, nil
	}
	body, err := e.req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("highway: the request cannot be sent again: %w", err)
	}
	out.Body = body
	return out, nil
}

// again says whether a request that failed so may and should be sent again.
func (e *exchange) again(failure error) bool {
	if e.own || !resendable(e.req) || !unprocessed(failure) && !e.transport.idempotent(e.req) {
		return false
	}
	if e.transport.handle == nil {
		return !hopeless(failure)
	}
	return e.transport.handle(failure)
}

// keep makes ready for a wait: a connection that nobody reads from is of no use to others.
func (e *exchange) keep(ctx context.Context) {
	if e.resp != nil {
		e.resp = keep(ctx, e.resp)
	}
}

// drop closes a response that another will take the place of.
func (e *exchange) drop() {
	resp := e.resp
	e.resp = nil
	closeResponse(resp)
}

// result is what the caller gets when the retry policy has given up with err.
func (e *exchange) result(err error) (*http.Response, error) {
	ctx := e.req.Context()
	if e.refusal != nil {
		noteIn(ctx, e.refusal)
	}
	var limit *highway.RetryLimitReachedError
	errors.As(err, &limit)
	switch {
	case !e.sent:
		return nil, err
	case limit != nil && !e.ended && limit.EndedBy != nil && limit.EndedBy == ctx.Err():
		e.drop()
		return nil, limit.EndedBy // the caller gave up during the wait
	case e.resp != nil:
		return e.resp, nil
	case limit != nil && !e.ended:
		limit.Last = e.failure
		return nil, limit
	}
	// What was not to be tried again, or cut short by the caller, fails as it would have
	// without retries.
	if _, once := err.(*failedAttempt); once || e.ended {
		return nil, e.failure
	}
	return nil, fmt.Errorf("%w, after %w", err, e.failure)
}
