package highwayhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
)

var (
	errReset = &net.OpError{Op: "read", Err: errors.New("connection reset")}
	errDial  = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	errProxy = &net.OpError{Op: "proxyconnect", Err: errDial}
)

func TestWhatIsSentAgain(t *testing.T) {
	key := http.Header{"Idempotency-Key": {"k"}}
	for _, test := range []struct {
		method, body string // "-" is one without GetBody
		header       http.Header
		status       int
		err          error
		again        bool
	}{
		// Idempotent requests, after any failure.
		{method: "", status: 503, again: true},
		{method: "GET", status: 500, again: true},
		{method: "HEAD", status: 502, again: true},
		{method: "OPTIONS", status: 504, again: true},
		{method: "TRACE", status: 429, again: true},
		{method: "PUT", status: 503, again: true},
		{method: "DELETE", err: errReset, again: true},
		{method: "get", status: 503}, // methods are case-sensitive
		{method: "GET", status: 501},
		{method: "GET", status: 505},
		{method: "GET", status: 404},
		{method: "GET", status: 200},
		// Others only when the host has certainly not acted on them.
		{method: "POST", status: 503},
		{method: "PATCH", err: errReset},
		{method: "POST", status: 429, again: true},
		{method: "PATCH", err: errDial, again: true},
		{method: "POST", err: fmt.Errorf("wrapped: %w", errProxy), again: true},
		// They may say that they are idempotent.
		{method: "POST", header: key, status: 503, again: true},
		{method: "POST", header: http.Header{"X-Idempotency-Key": nil}, err: errReset, again: true},
		// A body must be there to be sent again.
		{method: "PUT", body: "text", status: 503, again: true},
		{method: "PUT", body: "-", status: 503},
		{method: "PUT", body: "-", err: errDial},
		{method: "POST", body: "text", header: key, status: 503, again: true},
		{method: "POST", body: "-", header: key, status: 503},
		{method: "POST", body: "text", status: 429, again: true},
		{method: "POST", body: "text", status: 500},
	} {
		var got []string
		transport := newTransport(t, highwayhttp.Config{Retry: fast(1), Base: base(func(req *http.Request) (*http.Response, error) {
			text := ""
			if req.Body != nil {
				all, _ := io.ReadAll(req.Body)
				req.Body.Close()
				text = string(all)
			}
			got = append(got, text)
			if test.err != nil {
				return nil, test.err
			}
			return answer(req, test.status, "answer"), nil
		})}, policy)
		var sent *body
		req := newRequest(t, test.method, "http://host", nil)
		req.Method = test.method
		req.Header = test.header
		switch test.body {
		case "":
		case "-":
			sent = &body{Reader: strings.NewReader("-")}
			req.Body = sent
		default:
			sent = &body{Reader: strings.NewReader(test.body)}
			req.Body = sent
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(test.body)), nil }
		}
		resp, err := transport.RoundTrip(req)
		want := []string{test.body}
		if test.again {
			want = append(want, test.body)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v: sent %q, want %q", test, got, want)
		}
		if sent != nil && !sent.closed() {
			t.Errorf("%+v: the body is open", test)
		}
		if test.err != nil {
			if !errors.Is(err, test.err) || resp != nil {
				t.Errorf("%+v: got %v, %v", test, resp, err)
			}
			if !test.again && err != test.err {
				t.Errorf("%+v: one attempt gave %#v", test, err)
			}
			continue
		}
		if err != nil || resp.StatusCode != test.status || readAll(t, resp) != "answer" {
			t.Errorf("%+v: got %v, %v", test, resp, err)
		}
	}
}

// Retry.ShouldHandle has the last word on what may be sent again, and OnAttempt hears of
// what the transport has heard.
func TestRetryPolicyOfOnesOwn(t *testing.T) {
	var told []highway.Attempt
	retry := fast(3)
	retry.ShouldHandle = func(err error) bool {
		var status *highwayhttp.StatusError
		return errors.As(err, &status) && status.StatusCode == 501
	}
	retry.OnAttempt = func(_ context.Context, a highway.Attempt) { told = append(told, a) }
	statuses := []int{501, 503}
	calls := 0
	transport := newTransport(t, highwayhttp.Config{Retry: retry, Base: base(func(req *http.Request) (*http.Response, error) {
		calls++
		return answer(req, statuses[calls-1], ""), nil
	})}, policy)
	if resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil)); err != nil || resp.StatusCode != 503 {
		t.Fatal(resp, err)
	}
	if len(told) != 2 || !told[0].Again || told[1].Again {
		t.Fatalf("told %+v", told)
	}
	if status, ok := told[0].Err.(*highwayhttp.StatusError); !ok || status.StatusCode != 501 {
		t.Errorf("told of %#v", told[0].Err)
	}

	if retry.ShouldHandle == nil || retry.MaxRetries != 3 {
		t.Error("the policy that was given is changed")
	}
}

func TestIdempotentOfOnesOwn(t *testing.T) {
	calls := 0
	transport := newTransport(t, highwayhttp.Config{
		Retry:      fast(1),
		Idempotent: func(req *http.Request) bool { return req.URL.Path == "/search" },
		Base: base(func(req *http.Request) (*http.Response, error) {
			calls++
			return answer(req, 503, ""), nil
		}),
	}, policy)
	for _, path := range []string{"/search", "/order"} {
		if _, err := transport.RoundTrip(newRequest(t, "POST", "http://host"+path, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 3 {
		t.Errorf("%d attempts", calls)
	}
}

// Over real sockets: a failed response is read, so that the next attempt has its connection;
// only one that is too long costs the connection.
func TestConnectionsAreUsedAgain(t *testing.T) {
	for _, test := range []struct{ length, connections int }{{0, 1}, {1000, 1}, {64 << 10, 1}, {200 << 10, 2}} {
		var calls atomic.Int32
		text := strings.Repeat("x", test.length)
		var opened sync.Map
		s := newSite(t, 1, func(w http.ResponseWriter, req *http.Request) {
			opened.Store(req.RemoteAddr, true)
			if calls.Add(1) < 2 {
				w.WriteHeader(503)
			}
			fmt.Fprint(w, text)
		}, highwayhttp.Config{Retry: fast(1)})
		if status, got := s.get(t); status != 200 || got != text {
			t.Errorf("got %d and %d bytes", status, len(got))
		}
		connections := 0
		opened.Range(func(any, any) bool { connections++; return true })
		if connections != test.connections {
			t.Errorf("%d bytes: %d connections, want %d", test.length, connections, test.connections)
		}
	}
}

// Over real sockets: every attempt has the whole body, also if the server has not read that of
// the attempt before.
func TestBodiesAreSentAgain(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		var calls atomic.Int32
		var got sync.Map
		s := newSite(t, version, func(w http.ResponseWriter, req *http.Request) {
			n := calls.Add(1)
			if n == 1 {
				w.WriteHeader(429)
				return
			}
			text, err := io.ReadAll(req.Body)
			got.Store(n, string(text))
			if n == 2 || err != nil {
				w.WriteHeader(429)
			}
		}, highwayhttp.Config{Retry: fast(2)})
		text := strings.Repeat("z", 300<<10)
		resp, err := s.client.Post(s.URL, "text/plain", strings.NewReader(text))
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		readAll(t, resp)
		for n := range int32(2) {
			if body, _ := got.Load(n + 2); body != text {
				t.Errorf("attempt %d had another body", n+2)
			}
		}
		wantCounts(t, s.protector(), counts{successes: 1, failures: 2})
	})
}

// The response of the last attempt is the caller's, also when it was taken for one that
// another attempt follows.
func TestLastResponseIsIntact(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		for _, length := range []int{0, 10, 64 << 10, 300 << 10} {
			text := strings.Repeat("y", length)
			s := newSite(t, version, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Mine", "1")
				w.WriteHeader(500)
				fmt.Fprint(w, text)
			}, highwayhttp.Config{Retry: fast(10)})
			for range 2 { // the window has place for four: the fourth attempt trips it
				resp, err := s.client.Do(newRequest(t, "GET", s.URL, nil))
				if errors.Is(err, highway.ErrProtectedCall) && s.protector().Status() == highway.Open {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if resp.Header.Get("X-Mine") == "" || resp.StatusCode != 500 || readAll(t, resp) != text {
					t.Errorf("%d bytes: the response is not the server's", length)
				}
			}
			wantCounts(t, s.protector(), counts{failures: 4, refusals: 2})
		}
	})
}

// One that is slow does not keep the retry for longer than a moment, and can be read on.
func TestSlowFailedResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, calls := time.Now(), 0
		var first *body
		var server *io.PipeWriter
		base := base(func(req *http.Request) (*http.Response, error) {
			calls++
			resp := answer(req, 503, "")
			var from *io.PipeReader
			from, server = io.Pipe()
			go func(w io.Writer) { fmt.Fprint(w, "slow") }(server)
			closed := &body{Reader: from}
			if first == nil {
				first = closed
			}
			resp.Body = struct {
				io.Reader
				io.Closer
			}{from, closers{closed, from}}
			resp.ContentLength = -1
			return resp, nil
		})
		retry := &highway.RetryWithBackoffPolicy{MaxRetries: 1, Backoff: highway.FixedDelay{Delay: time.Second}}
		transport := newTransport(t, highwayhttp.Config{Base: base, Retry: retry}, policy)
		resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
		if err != nil || calls != 2 || time.Since(start) > 1200*time.Millisecond {
			t.Fatal(err, calls, time.Since(start))
		}
		if !first.closed() {
			t.Error("the first response is open")
		}
		synctest.Wait() // the first word is being written
		go func() {
			fmt.Fprint(server, " but sure")
			server.Close()
		}()
		if got := readAll(t, resp); got != "slow but sure" {
			t.Errorf("read %q", got)
		}

		// Now the circuit opens after the first attempt, so its response is what there is.
		calls = 0
		strict := policy
		strict.FailureLimit = highway.Fraction(1, 1)
		transport = newTransport(t, highwayhttp.Config{Base: base, Retry: retry}, strict)
		resp, err = transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
		if err != nil || calls != 1 {
			t.Fatal(err, calls)
		}
		go fmt.Fprint(server, ", again")
		got := make([]byte, len("slow, again")) // what is there must come, before the rest has
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != "slow, again" {
			t.Errorf("read %q, %v", got, err)
		}
		server.CloseWithError(io.ErrUnexpectedEOF)
		if n, err := resp.Body.Read(got); n > 0 || err != io.ErrUnexpectedEOF {
			t.Errorf("read %q, %v", got[:n], err)
		}
		resp.Body.Close()
	})
}

// A response that breaks off while it is kept does so again for who gets it; and what is
// kept is closed before the wait.
func TestKeptResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strict := policy
		strict.FailureLimit = highway.Fraction(1, 1)
		start := time.Now()
		var closed time.Duration = -1
		transport := newTransport(t, highwayhttp.Config{
			Retry: &highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{Delay: time.Second}},
			Base: base(func(req *http.Request) (*http.Response, error) {
				resp := answer(req, 503, "")
				resp.Body = struct {
					io.Reader
					io.Closer
				}{failing("half", io.ErrUnexpectedEOF), closerFunc(func() { closed = time.Since(start) })}
				return resp, nil
			}),
		}, strict)
		resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
		if err != nil || closed != 0 || time.Since(start) < time.Second {
			t.Fatal(err, closed, time.Since(start))
		}
		if got, err := io.ReadAll(resp.Body); string(got) != "half" || err != io.ErrUnexpectedEOF {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

// closers are closed together.
type closers []io.Closer

func (c closers) Close() error {
	for _, c := range c {
		_ = c.Close()
	}
	return nil
}

func TestRefusedAfterAFailure(t *testing.T) {
	strict := policy
	strict.FailureLimit = highway.Fraction(1, 1)
	var err error
	down := errors.New("down")
	transport := newTransport(t, highwayhttp.Config{Retry: fast(3), Base: base(func(req *http.Request) (*http.Response, error) {
		if err != nil {
			return nil, err
		}
		return answer(req, 503, "busy"), nil
	})}, strict)
	resp, got := transport.RoundTrip(newRequest(t, "GET", "http://response", nil))
	if got != nil || resp.StatusCode != 503 || readAll(t, resp) != "busy" {
		t.Error(resp, got)
	}
	err = down
	resp, got = transport.RoundTrip(newRequest(t, "GET", "http://error", nil))
	var limit *highway.RetryLimitReachedError
	if resp != nil || !errors.As(got, &limit) || limit.Last != down || !errors.Is(got, highway.ErrProtectedCall) || limit.Attempts != 2 {
		t.Error(resp, got)
	}
}

// With a TotalTime a refusal is waited for, and then the request goes out after all.
func TestRefusalThatIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strict := policy
		strict.FailureLimit = highway.Fraction(1, 1)
		strict.Cooldown = 10 * time.Second
		retry := fast(3)
		retry.TotalTime = time.Minute
		calls := 0
		transport := newTransport(t, highwayhttp.Config{Retry: retry, Base: base(func(req *http.Request) (*http.Response, error) {
			if calls++; calls == 1 {
				return answer(req, 503, "busy"), nil
			}
			return answer(req, 200, "well"), nil
		})}, strict)
		start := time.Now()
		resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
		if err != nil || readAll(t, resp) != "well" || time.Since(start) < strict.Cooldown {
			t.Error(resp, err, time.Since(start))
		}
	})
}

func TestCancelledDuringTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, down := range []error{nil, errReset} {
			failed := &body{Reader: strings.NewReader("busy")}
			transport := newTransport(t, highwayhttp.Config{
				Retry: &highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{Delay: time.Hour}},
				Base: base(func(req *http.Request) (*http.Response, error) {
					if down != nil {
						return nil, down
					}
					resp := answer(req, 503, "")
					resp.Body, resp.ContentLength = failed, 1<<20 // too long to be kept
					return resp, nil
				}),
			}, policy)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Minute, cancel)
			resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil).WithContext(ctx))
			if resp != nil || err != context.Canceled {
				t.Error(resp, err)
			}
			if down == nil && !failed.closed() {
				t.Error("the failed response is open")
			}
		}
	})
}

// What the caller cuts short fails as it does without retries.
func TestCancelledDuringAnAttempt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	transport := newTransport(t, highwayhttp.Config{Retry: fast(3), Base: base(func(*http.Request) (*http.Response, error) {
		cancel()
		return nil, errReset
	})}, policy)
	_, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil).WithContext(ctx))
	if err != errReset {
		t.Errorf("got %#v", err)
	}
	wantCounts(t, protectorOf(transport, "http://host"), counts{ignored: 1})
}

// A deadline that leaves no time for the wait has not passed: the response is there.
func TestNoTimeForAnotherAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := newTransport(t, highwayhttp.Config{
			Retry: &highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{Delay: time.Hour}},
			Base:  base(func(req *http.Request) (*http.Response, error) { return answer(req, 503, "busy"), nil }),
		}, policy)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil).WithContext(ctx))
		if err != nil || readAll(t, resp) != "busy" {
			t.Error(resp, err)
		}
	})
}

func TestBodyThatCannotBeHadAgain(t *testing.T) {
	lost := errors.New("lost")
	for _, down := range []error{nil, errReset} {
		calls := 0
		transport := newTransport(t, highwayhttp.Config{Retry: fast(3), Base: base(func(req *http.Request) (*http.Response, error) {
			calls++
			req.Body.Close()
			if down != nil {
				return nil, down
			}
			return answer(req, 503, "busy"), nil
		})}, policy)
		req := newRequest(t, "PUT", "http://host", strings.NewReader("text"))
		req.GetBody = func() (io.ReadCloser, error) { return nil, lost }
		resp, err := transport.RoundTrip(req)
		if calls != 1 {
			t.Errorf("%d attempts", calls)
		}
		if down == nil && (err != nil || readAll(t, resp) != "busy") {
			t.Error(resp, err)
		}
		if down != nil && (!errors.Is(err, lost) || !errors.Is(err, down)) {
			t.Error(err)
		}
		wantCounts(t, protectorOf(transport, "http://host"), counts{failures: 1, ignored: 1})
	}
}

// url.Error asks for Timeout by the type of what it wraps.
func TestTimeoutAfterRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := newTransport(t, highwayhttp.Config{Retry: fast(1), AttemptTimeout: time.Second, Base: base(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})}, policy)
		_, err := (&http.Client{Transport: transport}).Do(newRequest(t, "GET", "http://host", nil))
		var outer *url.Error
		if !errors.As(err, &outer) || !outer.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}
