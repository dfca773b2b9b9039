package highwayhttp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
)

// What net/http will not send tells nothing of the host, and will not be sent in the end.
func TestMalformedRequests(t *testing.T) {
	body := func(text string, length int64) func(*http.Request) {
		return func(req *http.Request) {
			req.Method, req.Body, req.ContentLength = "PUT", io.NopCloser(strings.NewReader(text)), length
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		}
	}
	spoilt := map[string]func(*http.Request){
		"field value":      func(req *http.Request) { req.Header["X-A"] = []string{"a\nb"} },
		"field name":       func(req *http.Request) { req.Header["X A"] = []string{"a"} },
		"no header":        func(req *http.Request) { req.Header = nil },
		"scheme":           func(req *http.Request) { req.URL.Scheme = "ftp" },
		"body too short":   body("abc", 10),
		"body too long":    body("abcdefgh", 2),
		"stream too short": func(req *http.Request) { body("", 10)(req); req.Body = io.NopCloser(failing("abc", io.EOF)) },
		"stream too long":  func(req *http.Request) { body("", 2)(req); req.Body = io.NopCloser(failing("abc", io.EOF)) },
		"trailer name":     func(req *http.Request) { body("abc", -1)(req); req.Trailer = http.Header{"Content-Length": nil} },
		"trailer value":    func(req *http.Request) { body("abc", -1)(req); req.Trailer = http.Header{"X-A": {"a\nb"}} },
	}
	only := map[int]map[string]func(*http.Request){
		1: {
			"length without a body": func(req *http.Request) { req.ContentLength = 5 },
			"method":                func(req *http.Request) { req.Method = "B AD"; req.Header.Set("Idempotency-Key", "k") }, // HTTP/2 sends it
			"query":                 func(req *http.Request) { req.URL.RawQuery = "a\nb" },
		},
		2: {
			"upgrade":    func(req *http.Request) { req.Header.Set("Transfer-Encoding", "gzip") },
			"connection": func(req *http.Request) { req.Header.Set("Connection", "a") },
			"host":       func(req *http.Request) { req.Host = "a b" },
		},
	}
	both(t, func(t *testing.T, version int) {
		s := newSite(t, version, func(_ http.ResponseWriter, req *http.Request) {
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				panic(http.ErrAbortHandler)
			}
			if req.ContentLength == 2 { // all of it has come before net/http sees that there is more
				<-req.Context().Done()
			}
		}, highwayhttp.Config{})
		for _, cases := range []map[string]func(*http.Request){spoilt, only[version]} {
			for name, spoil := range cases {
				retry := fast(3)
				retry.OnAttempt = func(_ context.Context, a highway.Attempt) {
					if a.Again {
						t.Errorf("%s: it is sent again", name)
					}
				}
				transport := newTransport(t, highwayhttp.Config{Base: s.Server.Client().Transport, Retry: retry}, policy)
				req := newRequest(t, "GET", s.URL, nil)
				spoil(req)
				if resp, err := transport.RoundTrip(req); err == nil {
					t.Errorf("%s: it was sent: %v", name, resp.Status)
					resp.Body.Close()
				}
				wantCounts(t, protectorOf(transport, s.URL), counts{ignored: 1})
			}
		}
	})
}

// A malformed request may yet find out that the host is not there; and other schemes have
// other rules.
func TestFailuresOfOddRequests(t *testing.T) {
	odd := http.Header{"X-A": {"a\nb"}}
	for _, test := range []struct {
		url    string
		header http.Header
		err    error
		want   counts
	}{
		{"http://host", odd, errDial, counts{failures: 1}},
		{"http://host", odd, context.DeadlineExceeded, counts{failures: 1}},
		{"http://host", odd, &tls.CertificateVerificationError{Err: errors.New("expired")}, counts{failures: 1}},
		{"http://host", odd, &net.OpError{Op: "remote error", Err: errors.New("handshake failure")}, counts{failures: 1}},
		{"http://host", odd, errors.New("down"), counts{ignored: 1}},
		// net/http may close the connection because of the request, and then say only that.
		{"http://host", odd, &net.OpError{Op: "read", Err: net.ErrClosed}, counts{ignored: 1}},
		{"http://host", http.Header{"X-A": {"tab\tand \xff"}}, errors.New("down"), counts{failures: 1}},
		{"queue://host", odd, errors.New("down"), counts{failures: 1}},
		// A host must not get out of its failures by what it sends.
		{"http://host", nil, errors.New(`malformed HTTP response "http: nil Request.Header"`), counts{failures: 1}},
	} {
		transport := newTransport(t, highwayhttp.Config{Base: base(func(*http.Request) (*http.Response, error) {
			return nil, test.err
		})}, policy)
		req := newRequest(t, "GET", test.url, nil)
		req.Header = test.header
		if _, err := transport.RoundTrip(req); err != test.err {
			t.Error(err)
		}
		wantCounts(t, protectorOf(transport, test.url), test.want)
	}
}
