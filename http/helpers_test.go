package highwayhttp_test

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
	"github.com/highway-engine/highway/registry"
)

// The policy that tests use: it trips at 2 of 4 and closes with 1 of 1.
var policy = highway.CircuitProtectorPolicy{
	FailureLimit: highway.Fraction(2, 4),
	SuccessLimit: highway.Fraction(1, 1),
	Cooldown:     time.Hour,
	CountCalls:   true,
}

// A base is a transport made of a function.
type base func(*http.Request) (*http.Response, error)

func (b base) RoundTrip(req *http.Request) (*http.Response, error) { return b(req) }

// answer is a response as a transport gives it.
func answer(req *http.Request, status int, body string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Request: req, Body: http.NoBody,
		ProtoMajor: 1, ProtoMinor: 1}
	if body != "" {
		resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	return resp
}

// newTransport makes a transport whose protectors have the policy.
func newTransport(t testing.TB, c highwayhttp.Config, policy highway.CircuitProtectorPolicy) *highwayhttp.Transport {
	t.Helper()
	if c.Protectors == nil {
		protectors, err := registry.New(registry.Config{Policy: policy})
		if err != nil {
			t.Fatal(err)
		}
		c.Protectors = protectors
	}
	transport, err := highwayhttp.NewTransport(c)
	if err != nil {
		t.Fatal(err)
	}
	return transport
}

// A site is a server, and a client that calls it through a transport.
type site struct {
	*httptest.Server
	transport *highwayhttp.Transport
	client    *http.Client
}

// newSite starts a server that speaks the given HTTP. Nil as c.Base is the server's own
// transport.
func newSite(t testing.TB, version int, handler http.HandlerFunc, c highwayhttp.Config) *site {
	t.Helper()
	s := &site{Server: httptest.NewUnstartedServer(handler)}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	if version == 2 {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
	}
	if c.Base == nil {
		c.Base = s.Server.Client().Transport
	}
	s.transport = newTransport(t, c, policy)
	s.client = &http.Client{Transport: s.transport}
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// both runs a test over HTTP/1 and over HTTP/2.
func both(t *testing.T, test func(t *testing.T, version int)) {
	t.Run("HTTP1", func(t *testing.T) { test(t, 1) })
	t.Run("HTTP2", func(t *testing.T) { test(t, 2) })
}

// protector is the one of the server.
func (s *site) protector() *highway.CircuitProtector { return protectorOf(s.transport, s.URL) }

func protectorOf(transport *highwayhttp.Transport, url string) *highway.CircuitProtector {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		panic(err)
	}
	return highway.Must(transport.Protectors().Get(highwayhttp.KeyByHost(req)))
}

// counts are the outcomes that a protector has seen.
type counts struct{ successes, failures, ignored, refusals uint64 }

func wantCounts(t testing.TB, p *highway.CircuitProtector, want counts) {
	t.Helper()
	totals := p.Snapshot().Totals
	if got := (counts{totals.Successes, totals.Failures, totals.Ignored, totals.Refusals}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func wantStatus(t testing.TB, p *highway.CircuitProtector, want highway.CircuitState) {
	t.Helper()
	if got := p.Status(); got != want {
		t.Fatalf("status is %v, want %v", got, want)
	}
}

func newRequest(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// get makes a request and reads what comes.
func (s *site) get(t testing.TB) (status int, body string) {
	t.Helper()
	resp, err := s.client.Do(newRequest(t, "GET", s.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, readAll(t, resp)
}

func readAll(t testing.TB, resp *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err := cmp.Or(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A body tells whether it was closed, and may fail.
type body struct {
	io.Reader
	mu     sync.Mutex
	closes int
}

func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closes++
	return nil
}

func (b *body) closed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closes > 0
}

// failing is a reader that gives what it has and then the error.
func failing(text string, err error) io.Reader {
	return io.MultiReader(strings.NewReader(text), readerFunc(func([]byte) (int, error) { return 0, err }))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// fast is a retry policy that does not wait.
func fast(retries int) *highway.RetryWithBackoffPolicy {
	return &highway.RetryWithBackoffPolicy{MaxRetries: retries, Backoff: highway.FixedDelay{}}
}

var background = context.Background()
