package highwayhttp

import (
	"errors"
	"net"
	"net/http"
)

// idempotent is the default of Config.Idempotent.
func idempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace,
		http.MethodPut, http.MethodDelete:
		return true
	}
	// By presence, as net/http has it: an empty header keeps it from being sent.
	_, standard := req.Header["Idempotency-Key"]
	_, custom := req.Header["X-Idempotency-Key"]
	return standard || custom
}

// resendable says whether the request can be sent again at all.
func resendable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// unprocessed says whether the host has certainly not acted on a request that failed so.
func unprocessed(failure error) bool {
	var status *StatusError
	if errors.As(failure, &status) {
		return status.StatusCode == http.StatusTooManyRequests
	}
	var op *net.OpError
	return errors.As(failure, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// hopeless says whether the same request would fail in the same way.
func hopeless(failure error) bool {
	var status *StatusError
	return errors.As(failure, &status) &&
		(status.StatusCode == http.StatusNotImplemented || status.StatusCode == http.StatusHTTPVersionNotSupported)
}
