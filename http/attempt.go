package highwayhttp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/highway-engine/highway"
)

// errNoResponse is for a Base that breaks the contract.
var errNoResponse = errors.New("highway: Config.Base returned neither a response nor an error")

// send sends out once, with a permit that it settles, or that the response's body will.
// The original is what the caller gave. A response that counts as a failure comes with a
// [*StatusError]. Own says that a failure is not the host's doing, but the caller's.
func (t *Transport) send(original, out *http.Request, p *highway.CircuitProtector, permit *highway.Permit) (resp *http.Response, failure error, own bool) {
	a := attempt{permit: permit}
	returned := false
	defer func() {
		if !returned {
			a.abandon(original, resp)
		}
	}()
	req := out
	if p != nil && p.Status() != highway.Closed {
		a.probeUntil = time.Now().Add(p.Settings().ProbeTimeout / 2)
		req = req.WithContext(permit.Context()) // Base may go through the same protector
	}
	if t.timeout > 0 {
		a.limit = startLimit(req.Context(), t.timeout)
		req = req.WithContext(a.limit.ctx)
	}
	if mayFail(out) {
		a.sending = &requestBody{ReadCloser: out.Body, length: bodyLength(out)}
		if req == out {
			req = out.WithContext(out.Context())
		}
		req.Body = a.sending
	}
	resp, err := t.base.RoundTrip(req)
	if err == nil && resp == nil {
		err = errNoResponse
	}
	if a.limit != nil && !a.limit.stop() {
		err = &timeoutError{limit: t.timeout, to: destinationOf(original)}
	}
	if err != nil {
		left := resp
		resp = nil
		closeResponse(left)
		returned = true
		own = a.sending.lost() || cancelled(original) || malformed(original, err)
		a.fail(err, own)
		return nil, err, own
	}
	if resp.Request == req {
		resp.Request = original
	}
	if t.failure(resp) {
		status := newStatusError(original, resp)
		a.settle(status)
		failure = status
	}
	a.follow(original, resp)
	returned = true
	return resp, failure, false
}

// An attempt is a request on its way.
type attempt struct {
	permit     *highway.Permit // nil: there is none, or it is settled
	sending    *requestBody    // nil: the request's body cannot fail
	limit      *limit          // nil: there is none
	probeUntil time.Time       // when a probe's body has lasted long enough; zero: no probe
}

// settle settles the permit.
func (a *attempt) settle(err error) {
	if a.permit != nil {
		a.permit.Settle(err)
		a.permit = nil
	}
}

// fail settles an attempt that has no response.
func (a *attempt) fail(err error, own bool) {
	a.limit.end()
	if own && a.permit != nil {
		a.permit.Ignore()
		return
	}
	a.settle(err)
}

// abandon settles an attempt in which a user's code has panicked, or ended the goroutine.
// Nobody else will close the response that there may be.
func (a *attempt) abandon(original *http.Request, resp *http.Response) {
	if a.permit != nil {
		if errors.Is(original.Context().Err(), context.Canceled) {
			a.permit.Ignore()
		}
		a.permit.Failure()
	}
	a.limit.end()
	closeResponse(resp)
}

func closeResponse(resp *http.Response) {
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
}

// cancelled tells of the old way of cancelling, which http.Client.Timeout uses too: the
// context has the same deadline then, and a time that is over counts.
func cancelled(req *http.Request) bool {
	select {
	case <-req.Cancel: //lint:ignore SA1019 callers may still use it
		deadline, ok := req.Context().Deadline()
		return !ok || time.Until(deadline) > 0
	default:
		return false
	}
}
