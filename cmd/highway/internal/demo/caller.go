package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway"
)

const (
	// clientTimeout is how long a client waits for an answer.
	clientTimeout = 150 * time.Millisecond

	// maxInFlight is how many calls a caller makes at a time. It is five times what a
	// slow server leads to, and there for a machine that is slower still.
	maxInFlight = 100
)

// retry is the retry policy of all callers, with a breaker or without.
var retry = highway.RetryWithBackoffPolicy{
	MaxRetries: 2,
	Backoff:    highway.ExponentialDelay{MinDelay: 20 * time.Millisecond, Jitter: 0.5},
}

// A caller makes calls to the server through a policy and counts what becomes of them.
// It is safe for concurrent use.
type caller struct {
	client *http.Client
	url    string
	policy highway.Policy
	phase  func() phase
	slots  chan struct{} // one taken by each call in flight

	succeeded, failed, refused, retries, wasted atomic.Int64
}

func newCaller(network http.RoundTripper, url string, policy highway.Policy, now func() phase) *caller {
	return &caller{
		client: &http.Client{Transport: network, Timeout: clientTimeout},
		url:    url,
		policy: policy,
		phase:  now,
		slots:  make(chan struct{}, maxInFlight),
	}
}

// newTransport is the connections of all clients. They share them, but do not wait
// for each other: there is no limit.
func newTransport() *http.Transport {
	return &http.Transport{
		MaxIdleConnsPerHost: 2 * MaxInstances,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if tcp, ok := conn.(*net.TCPConn); ok {
				// Each timeout costs a connection. Closed the usual way, its port would
				// be taken for a minute more, and there are only so many.
				_ = tcp.SetLinger(0)
			}
			return conn, err
		},
	}
}

// start makes a call in a goroutine of calls, unless too many are in flight.
func (c *caller) start(ctx context.Context, calls *sync.WaitGroup) {
	select {
	case c.slots <- struct{}{}:
		calls.Go(func() {
			defer func() { <-c.slots }()
			c.call(ctx)
		})
	default:
	}
}

// call makes one call with its retries. A call that the end of ctx cuts off is not
// counted, as nobody knows what would have become of it.
func (c *caller) call(ctx context.Context) {
	requests := 0
	err := c.policy.Do(ctx, func(ctx context.Context) error {
		if requests++; requests > 1 {
			c.retries.Add(1)
		}
		return c.request(ctx)
	})
	var refusal *highway.ProtectedCallError
	switch {
	case err == nil:
		c.succeeded.Add(1)
	case errors.As(err, &refusal): // at once, that is: no request was made
		c.refused.Add(1)
	case ctx.Err() == nil:
		c.failed.Add(1)
	}
}

// request sends one request. No answer in time and an answer of 5xx are errors.
func (c *caller) request(ctx context.Context) error {
	down := c.phase().down()
	err := c.get(ctx)
	if err != nil && down && ctx.Err() == nil && !errors.Is(err, errNetwork) {
		c.wasted.Add(1)
	}
	return err
}

func (c *caller) get(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil { // lets the connection be used again
		return err
	}
	if response.StatusCode >= 500 {
		return fmt.Errorf("the server answered %s", response.Status)
	}
	return nil
}

// counts reads the counters.
func (c *caller) counts() counts {
	return counts{
		succeeded: c.succeeded.Load(),
		failed:    c.failed.Load(),
		refused:   c.refused.Load(),
		retries:   c.retries.Load(),
		wasted:    c.wasted.Load(),
	}
}

// counts are what became of the calls of a caller, or of several.
type counts struct {
	succeeded, failed, refused int64 // calls
	retries                    int64 // requests that repeat one
	wasted                     int64 // requests sent to a server that was down, and failed
}

// calls is how many calls have come to an end.
func (c counts) calls() int64 { return c.succeeded + c.failed + c.refused }

func (c counts) plus(d counts) counts {
	return counts{
		succeeded: c.succeeded + d.succeeded,
		failed:    c.failed + d.failed,
		refused:   c.refused + d.refused,
		retries:   c.retries + d.retries,
		wasted:    c.wasted + d.wasted,
	}
}
