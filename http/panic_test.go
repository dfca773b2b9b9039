package highwayhttp_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
)

// panicOf is what f panics with.
func panicOf(f func()) (panicked any) {
	defer func() { panicked = recover() }()
	f()
	return nil
}

// Whatever code of a user panics: no probe is lost, and no response stays open.
func TestCodeThatPanics(t *testing.T) {
	for name, arm := range map[string]func(*highwayhttp.Config, *highway.CircuitProtectorPolicy, *http.Request){
		"GetBody": func(_ *highwayhttp.Config, _ *highway.CircuitProtectorPolicy, req *http.Request) {
			req.GetBody = func() (io.ReadCloser, error) { panic("oh") }
		},
		"Failure": func(c *highwayhttp.Config, _ *highway.CircuitProtectorPolicy, _ *http.Request) {
			c.Failure = func(*http.Response) bool { panic("oh") }
		},
		"Failure, without retries": func(c *highwayhttp.Config, _ *highway.CircuitProtectorPolicy, _ *http.Request) {
			c.Failure, c.Retry = func(*http.Response) bool { panic("oh") }, nil
		},
		"ShouldHandle": func(_ *highwayhttp.Config, p *highway.CircuitProtectorPolicy, _ *http.Request) {
			p.ShouldHandle = func(error) bool { panic("oh") }
		},
		"Idempotent": func(c *highwayhttp.Config, _ *highway.CircuitProtectorPolicy, _ *http.Request) {
			c.Idempotent = func(*http.Request) bool { panic("oh") }
		},
		"Retry.ShouldHandle": func(c *highwayhttp.Config, _ *highway.CircuitProtectorPolicy, _ *http.Request) {
			c.Retry.ShouldHandle = func(error) bool { panic("oh") }
		},
		"Close": func(c *highwayhttp.Config, _ *highway.CircuitProtectorPolicy, req *http.Request) {
			c.Base = closePanics{c.Base}
		},
	} {
		var got []*body
		again := &body{Reader: strings.NewReader("text")}
		config := highwayhttp.Config{Retry: fast(1), Base: base(func(req *http.Request) (*http.Response, error) {
			got = append(got, &body{Reader: strings.NewReader("busy")})
			resp := answer(req, 503, "")
			resp.Body, resp.ContentLength = got[len(got)-1], 1<<20 // too long to be kept
			return resp, nil
		})}
		probing := policy
		probing.SuccessLimit = highway.Fraction(2, 3)
		req := newRequest(t, "PUT", "http://host", strings.NewReader("text"))
		req.GetBody = func() (io.ReadCloser, error) { return again, nil }
		arm(&config, &probing, req)
		transport := newTransport(t, config, probing)
		p := protectorOf(transport, "http://host")
		if err := p.HalfOpen(background); err != nil {
			t.Fatal(err)
		}
		if panicked := panicOf(func() { _, _ = transport.RoundTrip(req) }); panicked != "oh" {
			t.Errorf("%s: recovered %v", name, panicked)
		}
		if n := p.Snapshot().ProbesInFlight; n != 0 {
			t.Errorf("%s: a probe is lost", name)
		}
		for i, b := range got {
			if !b.closed() {
				t.Errorf("%s: response %d of %d is open", name, i+1, len(got))
			}
		}
		if name == "Close" && !again.closed() {
			t.Error("the body of an attempt that was not made is open")
		}
	}
}

// closePanics gives responses whose Close panics when it is done.
type closePanics struct{ http.RoundTripper }

func (c closePanics) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(req)
	from := resp.Body
	resp.Body = struct {
		io.Reader
		io.Closer
	}{from, closerFunc(func() { from.Close(); panic("oh") })}
	return resp, err
}

func TestKeyThatPanics(t *testing.T) {
	transport := newTransport(t, highwayhttp.Config{Key: func(*http.Request) string { panic("oh") }}, policy)
	sent := &body{Reader: strings.NewReader("text")}
	req := newRequest(t, "POST", "http://host", sent)
	if panicked := panicOf(func() { _, _ = transport.RoundTrip(req) }); panicked != "oh" || !sent.closed() {
		t.Error(panicked, sent.closed())
	}
}

// A body without a reader is the base's to choke on.
func TestRequestBodyOfNothing(t *testing.T) {
	transport := newTransport(t, highwayhttp.Config{Base: base(func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, ""), nil
	})}, policy)
	req := newRequest(t, "POST", "http://host", nil)
	req.Body = io.NopCloser(nil)
	if _, err := transport.RoundTrip(req); err != nil {
		t.Error(err)
	}
	wantCounts(t, protectorOf(transport, "http://host"), counts{successes: 1})
}

// A response that is kept is read in the background, where a panic would end the program.
func TestKeptResponseThatPanics(t *testing.T) {
	for name, body := range map[string]struct {
		io.Reader
		io.Closer
	}{
		"Read":  {io.MultiReader(strings.NewReader("half"), readerFunc(func([]byte) (int, error) { panic("oh") })), closerFunc(func() {})},
		"Close": {strings.NewReader("half"), closerFunc(func() { panic("oh") })},
	} {
		resp := refusedAfter(t, func(req *http.Request) *http.Response {
			resp := answer(req, 503, "")
			resp.Body = body
			return resp
		})
		var got []byte
		panicked := panicOf(func() {
			for err := error(nil); !errors.Is(err, io.EOF); {
				chunk, n := make([]byte, 10), 0
				n, err = resp.Body.Read(chunk)
				got = append(got, chunk[:n]...)
			}
		})
		if panicked != "oh" || string(got) != "half" {
			t.Errorf("%s: recovered %v after %q", name, panicked, got)
		}
		_ = panicOf(func() { resp.Body.Close() })
	}
}
