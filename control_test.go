package highway_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
)

func TestOpenForATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{Cooldown: time.Minute})
		if err := p.Open(context.Background(), 10*time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		// Again, later: the second order holds, and the first one's alarm does no harm.
		if err := p.Open(context.Background(), 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - time.Nanosecond)
		wantRefused(t, p)
		time.Sleep(time.Nanosecond)
		wantStatus(t, p, highway.HalfOpen)
	})
}

func TestOpenRefusesANegativeTime(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{})
	wantInvalid(t, p.Open(context.Background(), -1), "Open")
	wantStatus(t, p, highway.Closed)
}

func TestIsolatedUntilReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop"})
		_ = p.Isolate(context.Background())
		time.Sleep(1000 * time.Hour)
		refusal := wantRefused(t, p)
		if refusal.RetryAfter() != highway.UntilReleased {
			t.Errorf("RetryAfter is %v", refusal.RetryAfter())
		}
		if want := `highway: call to "shop" refused: circuit is isolated until released`; refusal.Error() != want {
			t.Errorf("error is %q, want %q", refusal, want)
		}
		if s := p.Snapshot(); s.State != highway.Open || s.Hold != highway.Isolated {
			t.Errorf("snapshot is %+v", s)
		}
		_ = p.Release(context.Background())
		wantStatus(t, p, highway.HalfOpen)
		play(t, p, "..")
		wantStatus(t, p, highway.Closed)
	})
}

func TestDisabledLetsEverythingThroughAndCounts(t *testing.T) {
	p := opened(t)
	_ = p.Disable(context.Background())
	play(t, p, "xxxxxxx.x")
	wantStatus(t, p, highway.Closed)
	wantLog(t, p, "xx.x")
	if s := p.Snapshot(); s.Hold != highway.Disabled {
		t.Errorf("hold is %v", s.Hold)
	}
	_ = p.Release(context.Background())
	wantStatus(t, p, highway.HalfOpen)
}

func TestACommandEndsAHold(t *testing.T) {
	for name, command := range map[string]func(*highway.CircuitProtector){
		"Open":     func(p *highway.CircuitProtector) { _ = p.Open(context.Background(), 0) },
		"Close":    func(p *highway.CircuitProtector) { _ = p.Close(context.Background()) },
		"HalfOpen": func(p *highway.CircuitProtector) { _ = p.HalfOpen(context.Background()) },
	} {
		p := newProtector(t, highway.CircuitProtectorPolicy{})
		_ = p.Isolate(context.Background())
		command(p)
		if h := p.Snapshot().Hold; h != highway.NoHold {
			t.Errorf("%s leaves the hold %v", name, h)
		}
	}
}

func TestReleaseWithoutAHoldDoesNothing(t *testing.T) {
	p := opened(t)
	_ = p.Release(context.Background())
	wantStatus(t, p, highway.Open)
}

func TestACloseBeforeTheCooldownIsOverStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t)
		_ = p.Close(context.Background())
		time.Sleep(time.Hour) // past the alarm of the cooldown
		wantStatus(t, p, highway.Closed)
		play(t, p, "xxxx")
		wantStatus(t, p, highway.Open)
	})
}

func TestReleaseEndsWhatSomebodyHasOpenedAndNoTrip(t *testing.T) {
	for _, storage := range []highway.Storage{nil, highway.NewInMemoryStorage()} {
		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage})
		if err := p.Open(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		if s := p.Snapshot(); s.State != highway.Open || s.Reason != highway.Commanded {
			t.Errorf("%v, %v", s.State, s.Reason)
		}
		if err := p.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, p, highway.HalfOpen)
	}
	p := opened(t)
	_ = p.Release(t.Context())
	wantStatus(t, p, highway.Open)
}
