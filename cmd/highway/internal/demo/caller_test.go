package demo

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/highway-engine/highway"
)

// newTestCaller calls a server that is in one phase for good, without a breaker unless
// policy says so.
func newTestCaller(t *testing.T, p phase, policy highway.Policy) *caller {
	t.Helper()
	now := func() phase { return p }
	s, err := startServer(now)
	if err != nil {
		t.Fatal(err)
	}
	transport := newTransport()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	c := newCaller(transport, s.url, policy, now)
	c.client.Timeout = 30 * time.Second // what is not about timeouts must not depend on them
	return c
}

func TestCallerCountsEveryRequestOfACall(t *testing.T) {
	tests := []struct {
		phase phase
		want  counts
	}{
		{healthy, counts{succeeded: 1}},
		{failing, counts{failed: 1, retries: 2, wasted: 3}},
		{slow, counts{failed: 1, retries: 2, wasted: 3}},
	}
	for _, test := range tests {
		t.Run(test.phase.String(), func(t *testing.T) {
			c := newTestCaller(t, test.phase, retry)
			if test.phase == slow {
				c.client.Timeout = clientTimeout
			}
			c.call(t.Context())
			if got := c.counts(); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestCallerTellsRefusedFromFailed(t *testing.T) {
	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(2, 2)}))
	c := newTestCaller(t, failing, highway.Must(highway.NewSafetyNet(retry, protector)))
	c.call(t.Context()) // two requests trip the breaker, which ends the retries
	c.call(t.Context())
	if got, want := c.counts(), (counts{failed: 1, refused: 1, retries: 1, wasted: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestASickNetworkWastesNothingOnTheServer(t *testing.T) {
	c := newTestCaller(t, failing, retry)
	bad := true
	c.client.Transport = sickNetwork{c.client.Transport, func() bool { return bad }}
	for range 50 {
		_ = c.request(t.Context())
	}
	if lost := 50 - c.counts().wasted; lost < 25 {
		t.Errorf("%d of 50 requests did not reach the server, want about 45", lost)
	}
	bad = false
	before := c.counts().wasted
	_ = c.request(t.Context())
	if got := c.counts().wasted - before; got != 1 {
		t.Errorf("%d requests wasted by a network that is well, want 1", got)
	}
}

func TestCallerDoesNotCountWhatTheEndCutsOff(t *testing.T) {
	c := newTestCaller(t, slow, retry)
	ctx, cancel := context.WithTimeout(t.Context(), clientTimeout/10)
	defer cancel()
	c.call(ctx)
	if got := c.counts(); got != (counts{}) {
		t.Errorf("got %+v, want nothing", got)
	}
}

func TestCallerBoundsTheCallsInFlight(t *testing.T) {
	c := newTestCaller(t, healthy, retry)
	for range maxInFlight {
		c.slots <- struct{}{}
	}
	var calls sync.WaitGroup
	c.start(t.Context(), &calls)
	calls.Wait()
	if got := c.counts(); got != (counts{}) {
		t.Errorf("a call beyond the bound was made: %+v", got)
	}
	<-c.slots
	c.start(t.Context(), &calls)
	calls.Wait()
	if got := c.counts(); got != (counts{succeeded: 1}) {
		t.Errorf("got %+v, want the call that fits in", got)
	}
}
