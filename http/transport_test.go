package highwayhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
	"github.com/highway-engine/highway/internal/logtest"
	"github.com/highway-engine/highway/registry"
)

func TestBreakerFollowsTheServer(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		var bad atomic.Bool
		var calls atomic.Int32
		changed := make(chan highway.CircuitState, 10)
		followed := policy
		followed.Cooldown = 20 * time.Millisecond
		followed.OnStatusChange = func(c highway.StatusChange) { changed <- c.To }
		protectors := highway.Must(registry.New(registry.Config{Policy: followed}))
		s := newSite(t, version, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			if bad.Load() {
				w.WriteHeader(http.StatusBadGateway)
			}
			fmt.Fprint(w, "hello")
		}, highwayhttp.Config{Protectors: protectors})

		for range 4 {
			if status, text := s.get(t); status != 200 || text != "hello" {
				t.Fatal(status, text)
			}
		}
		bad.Store(true)
		for range 2 {
			if status, text := s.get(t); status != 502 || text != "hello" {
				t.Fatal(status, text)
			}
		}
		if state := <-changed; state != highway.Open {
			t.Fatal(state)
		}
		before := calls.Load()
		for s.protector().Status() == highway.Open { // refused or, when the cooldown ends, not even asked
			_, err := s.client.Do(newRequest(t, "GET", s.URL, nil))
			if !errors.Is(err, highway.ErrProtectedCall) {
				break // the first probe
			}
			if calls.Load() != before {
				t.Fatal("an open circuit let a request pass")
			}
		}
		bad.Store(false)
		for state := range changed { // it may have probed and failed
			if state == highway.HalfOpen {
				if resp, err := s.client.Do(newRequest(t, "GET", s.URL, nil)); err == nil {
					readAll(t, resp)
				}
			}
			if state == highway.Closed {
				break
			}
		}
		if status, _ := s.get(t); status != 200 {
			t.Fatal(status)
		}
	})
}

func TestStatusesThatCount(t *testing.T) {
	for status, failure := range map[int]bool{
		200: false, 204: false, 301: false, 400: false, 404: false, 418: false,
		429: true, 500: true, 501: true, 502: true, 503: true, 504: true, 599: true,
	} {
		transport := newTransport(t, highwayhttp.Config{Base: base(func(req *http.Request) (*http.Response, error) {
			return answer(req, status, ""), nil
		})}, policy)
		resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
		if err != nil || resp.StatusCode != status {
			t.Fatal(resp, err)
		}
		want := counts{successes: 1}
		if failure {
			want = counts{failures: 1}
		}
		wantCounts(t, protectorOf(transport, "http://host"), want)
	}
}

func TestFailureOfOnesOwn(t *testing.T) {
	var seen []error
	strict := policy
	strict.ShouldHandle = func(err error) bool { seen = append(seen, err); return true }
	transport := newTransport(t, highwayhttp.Config{
		Base:    base(func(req *http.Request) (*http.Response, error) { return answer(req, 404, "gone"), nil }),
		Failure: func(resp *http.Response) bool { return resp.StatusCode == 404 },
	}, strict)
	resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
	if err != nil || readAll(t, resp) != "gone" {
		t.Fatal(resp, err)
	}
	wantCounts(t, protectorOf(transport, "http://host"), counts{failures: 1})
	var status *highwayhttp.StatusError
	if len(seen) != 1 || !errors.As(seen[0], &status) || status.StatusCode != 404 ||
		status.Error() != "highway: GET to host: the response has status 404 Not Found" {
		t.Error(seen)
	}
}

func TestConnectionRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close() // nobody is there
	target := "http://" + listener.Addr().String()
	own := &http.Transport{}
	defer own.CloseIdleConnections()
	transport := newTransport(t, highwayhttp.Config{Base: own, Retry: fast(1)}, policy)

	// A request that never left may be sent again, whatever it does.
	_, err = (&http.Client{Transport: transport}).Post(target, "text/plain", strings.NewReader("x"))
	var limit *highway.RetryLimitReachedError
	if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &limit) || limit.Attempts != 2 {
		t.Error(err)
	}
	if _, ok := limit.Last.(*net.OpError); !ok {
		t.Errorf("the last error is %T", limit.Last)
	}
	wantCounts(t, protectorOf(transport, target), counts{failures: 2})
}

func TestRefusedRequest(t *testing.T) {
	for _, retry := range []*highway.RetryWithBackoffPolicy{nil, fast(2)} {
		transport := newTransport(t, highwayhttp.Config{Retry: retry, Base: base(func(*http.Request) (*http.Response, error) {
			t.Error("the request was sent")
			return nil, errors.New("sent")
		})}, policy)
		if err := protectorOf(transport, "http://host").Isolate(background); err != nil {
			t.Fatal(err)
		}
		sent := &body{Reader: strings.NewReader("text")}
		_, err := (&http.Client{Transport: transport}).Post("http://host", "text/plain", sent)
		var outer *url.Error
		var refusal *highway.ProtectedCallError
		if !errors.As(err, &outer) || !errors.As(err, &refusal) || refusal.ResourceKey() != "host" {
			t.Errorf("got %v", err)
		}
		if outer.Err != error(refusal) {
			t.Errorf("it is wrapped more than once: %#v", outer.Err)
		}
		if !sent.closed() {
			t.Error("the body of the request is open")
		}
		wantCounts(t, protectorOf(transport, "http://host"), counts{refusals: 1})
	}
}

func TestRequestIsNotModified(t *testing.T) {
	var got []*http.Request
	transport := newTransport(t, highwayhttp.Config{Retry: fast(2), AttemptTimeout: time.Hour, Base: base(func(req *http.Request) (*http.Response, error) {
		got = append(got, req)
		_, _ = io.ReadAll(req.Body)
		req.Body.Close()
		if len(got) > 1 {
			req.Header.Set("X-Changed", "by a transport that should not")
		}
		return answer(req, 503, "busy"), nil
	})}, policy)
	req := newRequest(t, "PUT", "http://host/path?q", nil)
	req.Header.Set("X-Mine", "1")
	req.Body = &body{Reader: strings.NewReader("text")}
	req.GetBody = func() (io.ReadCloser, error) { return &body{Reader: strings.NewReader("text")}, nil }
	before, header := *req, req.Header.Clone()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, resp)
	if resp.Request != req {
		t.Error("the response has another request")
	}
	before.GetBody, req.GetBody = nil, nil // functions are never equal
	if !reflect.DeepEqual(*req, before) || !reflect.DeepEqual(req.Header, header) {
		t.Error("the request was modified")
	}
	if len(got) != 3 {
		t.Errorf("%d attempts", len(got))
	}
}

func TestResponseBesideAnError(t *testing.T) {
	down := errors.New("down")
	left := &body{Reader: strings.NewReader("left")}
	transport := newTransport(t, highwayhttp.Config{Base: base(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "")
		resp.Body = left
		return resp, down
	})}, policy)
	resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
	if resp != nil || err != down || !left.closed() {
		t.Error(resp, err, left.closed())
	}
	wantCounts(t, protectorOf(transport, "http://host"), counts{failures: 1})
}

func TestBaseThatReturnsNothing(t *testing.T) {
	transport := newTransport(t, highwayhttp.Config{Base: base(func(*http.Request) (*http.Response, error) { return nil, nil })}, policy)
	if resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil)); resp != nil || err == nil {
		t.Error(resp, err)
	}
}

func TestBaseThatPanics(t *testing.T) {
	transport := newTransport(t, highwayhttp.Config{AttemptTimeout: time.Hour, Base: base(func(*http.Request) (*http.Response, error) { panic("oh") })}, policy)
	call := func(ctx context.Context) (panicked any) {
		defer func() { panicked = recover() }()
		_, _ = transport.RoundTrip(newRequest(t, "GET", "http://host", nil).WithContext(ctx))
		return nil
	}
	gone, cancel := context.WithCancel(background)
	cancel()
	if call(background) != "oh" || call(gone) != "oh" {
		t.Error("no panic")
	}
	wantCounts(t, protectorOf(transport, "http://host"), counts{failures: 1, ignored: 1})
}

func TestFullRegistry(t *testing.T) {
	log := logtest.Capture(t)
	protectors := highway.Must(registry.New(registry.Config{Policy: policy, Limit: 1}))
	if err := highway.Must(protectors.Get("other")).Isolate(background); err != nil { // it cannot go
		t.Fatal(err)
	}
	transport := newTransport(t, highwayhttp.Config{Protectors: protectors, Retry: fast(1), Base: base(func(req *http.Request) (*http.Response, error) {
		return answer(req, 503, "busy"), nil
	})}, policy)
	for range 10 {
		resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
		if err != nil || readAll(t, resp) != "busy" {
			t.Fatal(resp, err)
		}
	}
	if text := log.String(); strings.Count(text, "unprotected") != 1 || !strings.Contains(text, "key=host") {
		t.Errorf("logged %q", text)
	}
	if protectors.Len() != 1 {
		t.Error("there are more protectors than may be")
	}
}

func TestEmptyKeyIsNotProtected(t *testing.T) {
	transport := newTransport(t, highwayhttp.Config{
		Key:  func(*http.Request) string { return "" },
		Base: base(func(req *http.Request) (*http.Response, error) { return answer(req, 503, "busy"), nil }),
	}, policy)
	for range 10 {
		if resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil)); err != nil || resp.StatusCode != 503 {
			t.Fatal(resp, err)
		}
	}
	if transport.Protectors().Len() != 0 {
		t.Error("there is a protector")
	}
}

func TestKeyByHost(t *testing.T) {
	for target, want := range map[string]string{
		"http://example.com/path":       "example.com",
		"http://Example.COM:80":         "example.com",
		"https://example.com:443":       "example.com",
		"https://example.com:80":        "example.com:80",
		"http://example.com:443":        "example.com:443",
		"http://example.com:":           "example.com",
		"http://user@example.com:8080/": "example.com:8080",
		"http://[::1]":                  "[::1]",
		"http://[FE80::1]:80":           "[fe80::1]",
		"http://[::80]":                 "[::80]",
		"http://[::1]:8080":             "[::1]:8080",
		"/path":                         "",
	} {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		if got := highwayhttp.KeyByHost(&http.Request{URL: u}); got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
	if got := highwayhttp.KeyByHost(&http.Request{}); got != "" {
		t.Errorf("no URL: got %q", got)
	}
	req := newRequest(t, "GET", "https://example.com:8443/path", nil)
	if n := testing.AllocsPerRun(100, func() { highwayhttp.KeyByHost(req) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestConfigThatMakesNoSense(t *testing.T) {
	_, err := highwayhttp.NewTransport(highwayhttp.Config{
		Base:           (*http.Transport)(nil),
		AttemptTimeout: -1,
		Retry:          &highway.RetryWithBackoffPolicy{MaxRetries: -2},
	})
	for _, field := range []string{"Base", "AttemptTimeout", "MaxRetries"} {
		if err == nil || !strings.Contains(err.Error(), "."+field+" is ") {
			t.Errorf("%s is not in %v", field, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	transport, err := highwayhttp.NewTransport(highwayhttp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	transport.CloseIdleConnections()
	if transport.Protectors() == nil {
		t.Error("no registry")
	}
}

// The path of a healthy request: a permit, and a body that settles it.
func TestHealthyRequestAllocatesLittle(t *testing.T) {
	bare := base(func(req *http.Request) (*http.Response, error) { return answer(req, 200, "hello"), nil })
	req := newRequest(t, "POST", "http://host", strings.NewReader("text"))
	buffer := make([]byte, 64)
	allocations := func(transport http.RoundTripper) float64 {
		return testing.AllocsPerRun(100, func() {
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = resp.Body.Read(buffer)
			}
			resp.Body.Close()
		})
	}
	plain := policy
	plain.CountCalls = false
	before := allocations(bare)
	for _, policy := range []highway.CircuitProtectorPolicy{plain, policy} {
		if added := allocations(newTransport(t, highwayhttp.Config{Base: bare}, policy)) - before; added > 2 {
			t.Errorf("%v allocations", added)
		}
	}
}
