package highway_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
)

// A busy error asks for time.
type busy time.Duration

func (b busy) Error() string             { return "busy" }
func (b busy) RetryAfter() time.Duration { return time.Duration(b) }

// A translated error is found by its method As only.
type translated struct{ busy }

func (translated) Error() string    { return "translated" }
func (translated) RetryAfter(_ int) {} // not the method that is looked for
func (e translated) As(target any) bool {
	if hint, ok := target.(*interface{ RetryAfter() time.Duration }); ok {
		*hint = e.busy
		return true
	}
	return false
}

// An entangled error is its own cause, and all of its causes.
type entangled struct{}

func (e entangled) Error() string   { return "entangled" }
func (e entangled) Unwrap() []error { return []error{e, e, e} }

func TestAFailureAsksForItsCooldown(t *testing.T) {
	isolated := newProtector(t, highway.CircuitProtectorPolicy{})
	_ = isolated.Isolate(context.Background())
	refused := isolated.Do(context.Background(), succeed)

	for _, c := range []struct {
		name string
		err  error
		want time.Duration
	}{
		{"nothing", errDown, time.Minute},
		{"longer", busy(2 * time.Minute), 2 * time.Minute},
		{"shorter", busy(time.Second), time.Minute},
		{"negative", busy(-time.Hour), time.Minute},
		{"too long", busy(time.Hour), 10 * time.Minute},
		{"for ever", busy(highway.UntilReleased), 10 * time.Minute},
		{"wrapped", fmt.Errorf("shop: %w", busy(2*time.Minute)), 2 * time.Minute},
		{"joined", errors.Join(errDown, busy(2*time.Minute)), 2 * time.Minute},
		{"joined with a refusal", errors.Join(refused, busy(2*time.Minute)), 2 * time.Minute},
		{"a failure joined with a refusal", errors.Join(refused, errDown), time.Minute},
		{"translated", translated{busy(2 * time.Minute)}, 2 * time.Minute},
		{"after retries", &highway.RetryLimitReachedError{Last: busy(2 * time.Minute), EndedBy: refused}, 2 * time.Minute},
		{"entangled", entangled{}, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for way, do := range ways {
					p := newProtector(t, highway.CircuitProtectorPolicy{Cooldown: time.Minute, FailureLimit: highway.Fraction(1, 1), SuccessLimit: highway.Fraction(1, 1)})
					asks := func(context.Context) error { return c.err }
					_ = do(p, context.Background(), asks)
					if got := p.Snapshot().RetryAfter; got != c.want {
						t.Fatalf("%s: open for %v, want %v", way, got, c.want)
					}
					time.Sleep(c.want - time.Nanosecond)
					if got := wantRefused(t, p).RetryAfter(); got != 1 {
						t.Errorf("%s: %v are left of 1 ns", way, got)
					}
					time.Sleep(time.Nanosecond)
					_ = do(p, context.Background(), asks) // as a probe
					if got := p.Snapshot(); got.Reason != highway.ProbesFailed || got.RetryAfter != c.want {
						t.Errorf("%s: a probe: %+v", way, got)
					}
				}
			})
		})
	}
}

func TestOnlyAFailureAsks(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{
		Cooldown: time.Minute, FailureLimit: highway.Fraction(1, 2),
		ShouldHandle: func(err error) bool { return err == errDown },
	})
	asks := func(context.Context) error { return busy(5 * time.Minute) }
	_ = p.Do(context.Background(), asks) // a success
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.Do(cancelled, asks)
	play(t, p, "x")
	if s := p.Snapshot(); s.State != highway.Open || s.RetryAfter > time.Minute {
		t.Errorf("%+v", s)
	}
}

// TestWhatAFailureHasAskedForIsAnInstant: an OPEN that begins before lasts until then.
func TestWhatAFailureHasAskedForIsAnInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{Cooldown: time.Minute, FailureLimit: highway.Fraction(2, 3)})
		_ = p.Do(context.Background(), func(context.Context) error { return busy(3 * time.Minute) })
		time.Sleep(time.Minute)
		play(t, p, ".x")
		if got := p.Snapshot().RetryAfter; got != 2*time.Minute {
			t.Errorf("open for %v", got)
		}
		time.Sleep(2 * time.Minute)
		play(t, p, "xx")
		if got := p.Snapshot().RetryAfter; got != time.Minute {
			t.Errorf("when that is over for %v", got)
		}
	})
}

// TestALateFailureMovesNoDeadline, and asks for nothing (S2, S3).
func TestALateFailureMovesNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{Cooldown: time.Minute})
		late := acquire(t, p, context.Background())
		play(t, p, "xxxx")
		late.Settle(busy(5 * time.Minute))
		if got := wantRefused(t, p).RetryAfter(); got != time.Minute {
			t.Errorf("open for %v", got)
		}
	})
}

// TestALostProbeAsksForNothing, as it decides nothing, though its episode goes on (S6).
func TestALostProbeAsksForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{
			Cooldown: time.Minute, SuccessLimit: highway.Fraction(1, 1), ProbeTimeout: time.Second,
		})
		_ = p.HalfOpen(context.Background())
		lost := acquire(t, p, context.Background())
		time.Sleep(time.Second)
		probe := acquire(t, p, context.Background())
		lost.Settle(busy(5 * time.Minute))
		probe.Settle(errDown)
		if got := wantRefused(t, p).RetryAfter(); got != time.Minute {
			t.Errorf("open for %v", got)
		}
	})
}

func TestAPanicOfAnErrorsMethodIsAFailure(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(1, 1)})
	defer func() {
		if recover() == nil {
			t.Error("it did not go on")
		}
		wantStatus(t, p, highway.Open)
	}()
	var nobody *speechless
	_ = p.Do(context.Background(), func(context.Context) error { return nobody })
}

type speechless struct{ after time.Duration }

func (*speechless) Error() string               { return "speechless" }
func (s *speechless) RetryAfter() time.Duration { return s.after }

// TestAFleetHeedsWhatItsMemberWasAskedFor: the fleet of one opens for as long as that.
func TestAFleetHeedsWhatItsMemberWasAskedFor(t *testing.T) {
	fleetTest(t, 1, nil, func(t *testing.T, protectors []*highway.CircuitProtector) {
		p := protectors[0]
		asks := func(context.Context) error { return busy(3 * time.Minute) }
		began := time.Now()
		for range 10 {
			_ = p.Do(context.Background(), asks)
		}
		if got := p.Snapshot().RetryAfter; got != 3*time.Minute {
			t.Errorf("its own circuit is open for %v", got)
		}
		time.Sleep(time.Second)
		s := p.Snapshot()
		if s.Reason != highway.FleetDecided || s.RetryAfter < 3*time.Minute-time.Second {
			t.Fatalf("the fleet: %+v", s)
		}
		time.Sleep(s.RetryAfter + time.Second)
		for p.Status() != highway.Open || time.Since(began) < 4*time.Minute {
			_ = p.Do(context.Background(), asks)
			if time.Since(began) > time.Hour {
				t.Fatal("its probes do not fail")
			}
			time.Sleep(time.Second)
		}
		if s := p.Snapshot(); s.Reason != highway.FleetDecided || s.RetryAfter < 2*time.Minute {
			t.Errorf("after failed probes: %+v", s)
		}
	})
}

func TestAFailureThatAsksForNothingAllocatesNothing(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{})
	_ = p.Disable(context.Background()) // it never trips
	down := fmt.Errorf("shop: %w", errDown)
	if got := testing.AllocsPerRun(1000, func() {
		_ = p.Do(context.Background(), func(context.Context) error { return down })
	}); got > 0 && !raceEnabled {
		t.Errorf("%v allocations", got)
	}
}
