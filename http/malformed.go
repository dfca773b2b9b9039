package highwayhttp

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
)

// malformed says whether a request failed because it cannot be sent as it is: by the rules
// of net/http, or by its word where those are of one protocol. It is asked after a failure
// only, so that healthy requests do not pay for it. A host that is not there comes first.
func malformed(req *http.Request, err error) bool {
	if unreachable(err) {
		return false
	}
	if req.URL == nil || req.Body == nil && req.ContentLength != 0 || !isToken(req.Method) && req.Method != "" {
		return true
	}
	// Schemes of their own have rules of their own.
	if req.URL.Scheme == "http" || req.URL.Scheme == "https" {
		if req.URL.Host == "" || hasControl(req.URL.RequestURI(), false) ||
			badFields(req.Header) || badFields(req.Trailer) || badTrailer(req.Trailer) {
			return true
		}
	}
	return refusedByNetHTTP(err.Error())
}

// unreachable says whether there was no connection, or no time. Others of the network's errors
// may come of net/http closing a connection because it cannot write the request.
func unreachable(err error) bool {
	var network net.Error
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &network) && network.Timeout(), errors.As(err, &certificate):
		return true
	case errors.As(err, &op):
		switch op.Op {
		case "dial", "proxyconnect", "remote error", "local error": // the last two are of TLS
			return true
		}
	}
	return false
}

// refusedByNetHTTP knows what net/http says before it sends. Only beginnings are compared:
// what a host has sent may stand further on.
func refusedByNetHTTP(text string) bool {
	for _, start := range []string{
		"unsupported protocol scheme ",
		"http: nil Request.Header",
		"http: invalid Host header",
		"http2: invalid Host header",
		"http2: invalid Upgrade request header",
		"http2: invalid Transfer-Encoding request header",
		"http2: invalid Connection request header",
	} {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}

func badFields(header http.Header) bool {
	for name, values := range header {
		if !isToken(name) {
			return true
		}
		for _, value := range values {
			if hasControl(value, true) {
				return true
			}
		}
	}
	return false
}

// badTrailer says whether there is a field that only a header can have.
func badTrailer(trailer http.Header) bool {
	for name := range trailer {
		switch http.CanonicalHeaderKey(name) {
		case "Content-Length", "Trailer", "Transfer-Encoding":
			return true
		}
	}
	return false
}

func hasControl(text string, tabs bool) bool {
	for _, c := range []byte(text) {
		if c < ' ' && (c != '\t' || !tabs) || c == 0x7f {
			return true
		}
	}
	return false
}

// isToken is by RFC 9110, 5.6.2.
func isToken(text string) bool {
	for _, c := range []byte(text) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z',
			strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return text != ""
}
