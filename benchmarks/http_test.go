package benchmarks

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/failsafehttp"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
	"github.com/highway-engine/highway/registry"
)

// BenchmarkHTTP sends requests through transports whose base answers from memory, and reads
// the response: what they take beside the bare one is what they add.
func BenchmarkHTTP(b *testing.B) {
	measure(b, none, requests(b, inMemory{}, "http://example.com/"))
}

// BenchmarkHTTPLoopback is BenchmarkHTTP with a real server in this process.
func BenchmarkHTTPLoopback(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, text)
	}))
	defer server.Close()
	base := &http.Transport{MaxIdleConnsPerHost: 100}
	defer base.CloseIdleConnections()
	measure(b, none, requests(b, base, server.URL))
}

// requests are sent through base alone, and through all that can be put around it.
func requests(b *testing.B, base http.RoundTripper, url string) []subject {
	through := func(name string, transport http.RoundTripper) subject {
		return subject{name, func(n int) (failed int) {
			req, err := http.NewRequest("GET", url, nil)
			if err != nil {
				return -1
			}
			buffer := make([]byte, 64)
			for range n {
				failed += count(exchange(transport, req, buffer))
			}
			return failed
		}}
	}
	guarded := func(suffix string, c highwayhttp.Config, policy highway.CircuitProtectorPolicy) subject {
		policy.FailureLimit = highway.Fraction(5, 10)
		c.Base, c.Protectors = base, highway.Must(registry.New(registry.Config{Policy: policy}))
		return through("highway.Transport"+suffix, highway.Must(highwayhttp.NewTransport(c)))
	}
	plain, retry := highway.CircuitProtectorPolicy{}, &highway.RetryWithBackoffPolicy{}
	breaker := circuitbreaker.NewBuilder[*http.Response]().
		HandleIf(func(resp *http.Response, err error) bool {
			return err != nil || resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests
		}).
		WithFailureThresholdRatio(5, 10).WithDelay(time.Hour).Build()
	again := failsafehttp.NewRetryPolicyBuilder().Build()
	return []subject{
		through("bare", base),
		guarded("", highwayhttp.Config{}, plain),
		guarded("-CountCalls", highwayhttp.Config{}, highway.CircuitProtectorPolicy{CountCalls: true}),
		through("failsafe", failsafehttp.NewRoundTripper(base, failsafe.Policy[*http.Response](breaker))),
		guarded("-Retry", highwayhttp.Config{Retry: retry}, plain),
		through("failsafe-Retry", failsafehttp.NewRoundTripper(base, failsafe.Policy[*http.Response](again), breaker)),
		guarded("-AttemptTimeout", highwayhttp.Config{AttemptTimeout: time.Minute}, plain),
	}
}

// exchange is one request, with its response read to the end.
func exchange(transport http.RoundTripper, req *http.Request, buffer []byte) error {
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	for err == nil {
		_, err = resp.Body.Read(buffer)
	}
	_ = resp.Body.Close()
	if err != io.EOF || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d, %w", resp.StatusCode, err)
	}
	return nil
}

const text = "hello"

// inMemory is a transport that answers at once.
type inMemory struct{}

func (inMemory) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{}, Body: &memoryBody{text}, ContentLength: int64(len(text))}, nil
}

type memoryBody struct{ left string }

func (m *memoryBody) Read(p []byte) (int, error) {
	if m.left == "" {
		return 0, io.EOF
	}
	n := copy(p, m.left)
	m.left = m.left[n:]
	return n, nil
}

func (m *memoryBody) Close() error { return nil }
