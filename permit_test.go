package highway_test

import (
	"context"
	"sync"
	"testing"

	"github.com/highway-engine/highway"
)

func acquire(t testing.TB, p *highway.CircuitProtector, ctx context.Context) *highway.Permit {
	t.Helper()
	permit, err := p.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return permit
}

func TestAPermitIsSettledOnce(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(9, 9)})
	endings := map[string]func(*highway.Permit){
		"x": (*highway.Permit).Failure,
		".": (*highway.Permit).Success,
		"":  (*highway.Permit).Ignore,
	}
	for want, first := range endings {
		for _, second := range endings {
			_ = p.Close(context.Background())
			permit := acquire(t, p, context.Background())
			first(permit)
			second(permit)
			permit.Settle(errDown)
			wantLog(t, p, want)
		}
	}
}

func TestAPermitSettledTwiceInAQuietWindow(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(2, 2)})
	play(t, p, "..")
	permit := acquire(t, p, context.Background())
	permit.Success()
	permit.Failure()
	wantLog(t, p, "..")
	permit = acquire(t, p, context.Background())
	permit.Failure()
	permit.Success()
	wantLog(t, p, ".x")
}

// TestTheDocumentedWayToSettle counts a panic as a failure, and everything else as it is.
func TestTheDocumentedWayToSettle(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(9, 9)})
	for _, call := range []func(context.Context) error{succeed, fail, func(context.Context) error { panic("down") }} {
		func() {
			defer func() { _ = recover() }()
			permit := acquire(t, p, context.Background())
			defer permit.Failure()
			permit.Settle(call(context.Background()))
		}()
	}
	wantLog(t, p, ".xx")
}

func TestSettleJudgesAsDoDoes(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	p := newProtector(t, highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(9, 9),
		ShouldHandle: func(err error) bool { return err != errNotFound },
	})
	acquire(t, p, context.Background()).Settle(nil)
	acquire(t, p, context.Background()).Settle(errDown)
	acquire(t, p, context.Background()).Settle(errNotFound)
	acquire(t, p, cancelled).Settle(context.Canceled)
	wantLog(t, p, ".x.")
	if n := p.Snapshot().Totals.Ignored; n != 1 {
		t.Errorf("%d ignored, want 1", n)
	}
}

func TestAFailureIsSettledInAQuietWindow(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(3, 3)})
	play(t, p, "...")
	acquire(t, p, context.Background()).Settle(errDown)
	wantLog(t, p, "..x")
}

func TestAPermitIsRefusedLikeACall(t *testing.T) {
	p := opened(t)
	if permit, err := p.Acquire(context.Background()); permit != nil || err != error(wantRefused(t, p)) {
		t.Errorf("got %v, %v", permit, err)
	}
}

func TestManySettlingOnePermitCountOnce(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(500, 500)})
	for range 100 {
		permit := acquire(t, p, context.Background())
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(permit.Failure)
		}
		wg.Wait()
	}
	if n := p.ExecutionLog().Len(); n != 100 {
		t.Errorf("%d outcomes, want 100", n)
	}
}
