package highway_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
)

func TestTripsWhenTheFullWindowReachesTheLimit(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(3, 5)})
	play(t, p, "xxx.")
	wantStatus(t, p, highway.Closed)
	play(t, p, ".") // fills the window, in which three of five have failed
	wantStatus(t, p, highway.Open)
	wantRefused(t, p)
}

func TestALimitIsNotReduced(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(5, 10)})
	play(t, p, "x.x.x.x.")
	wantStatus(t, p, highway.Closed)
	play(t, p, "x.")
	wantStatus(t, p, highway.Open)
}

func TestSuccessesInAQuietWindowAreInTheLog(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(2, 4)})
	play(t, p, "x.......")
	wantLog(t, p, "....")
	play(t, p, "x")
	wantLog(t, p, "...x")
	play(t, p, "..")
	wantLog(t, p, ".x..")
}

func TestProbesWhenTheCooldownIsOver(t *testing.T) {
	for _, cooldown := range []time.Duration{time.Millisecond, 50 * time.Millisecond, time.Minute, 24 * time.Hour} {
		t.Run(cooldown.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProtector(t, highway.CircuitProtectorPolicy{Cooldown: cooldown})
				play(t, p, "xxxx")
				time.Sleep(cooldown - time.Nanosecond)
				wantRefused(t, p)
				wantStatus(t, p, highway.Open)
				time.Sleep(time.Nanosecond)
				// At this very instant, whether or not the timer has rung.
				play(t, p, ".")
				wantStatus(t, p, highway.HalfOpen)
				play(t, p, ".")
				wantStatus(t, p, highway.Closed)
				wantLog(t, p, "")
			})
		})
	}
}

func TestStatusIsHalfOpenBeforeACallComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{})
		play(t, p, "xxxx")
		time.Sleep(time.Minute)
		// The document's own snippet: no call is made while the status is OPEN.
		if p.Status() == highway.Open {
			t.Fatal("never recovers")
		}
		play(t, p, "..")
		wantStatus(t, p, highway.Closed)
	})
}

func TestProbesDecideAsSoonAsTheOutcomeIsSettled(t *testing.T) {
	for calls, want := range map[string]highway.CircuitState{
		".":   highway.HalfOpen,
		"..":  highway.Closed,
		"x.":  highway.HalfOpen,
		"x..": highway.Closed,
		"xx":  highway.Open,
		".xx": highway.Open,
	} {
		t.Run(calls, func(t *testing.T) {
			p := newProtector(t, highway.CircuitProtectorPolicy{SuccessLimit: highway.Fraction(2, 3)})
			_ = p.HalfOpen(context.Background())
			play(t, p, calls)
			wantStatus(t, p, want)
		})
	}
}

func TestHalfOpenAdmitsAsManyProbesAsTheLimitNames(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{SuccessLimit: highway.Fraction(2, 3), ResourceKey: "shop"})
	_ = p.HalfOpen(context.Background())
	release := make(chan struct{})
	var started, ended sync.WaitGroup
	for range 3 {
		started.Add(1)
		ended.Go(func() {
			_ = p.Do(context.Background(), func(context.Context) error {
				started.Done()
				<-release
				return nil
			})
		})
	}
	started.Wait()
	refusal := wantRefused(t, p)
	if refusal.State() != highway.HalfOpen || refusal.ResourceKey() != "shop" || refusal.RetryAfter() != 6*time.Second {
		t.Errorf("refusal is %v", refusal)
	}
	if s := p.Snapshot(); s.ProbesInFlight != 3 || s.RetryAfter != refusal.RetryAfter() {
		t.Errorf("snapshot is %+v", s)
	}
	close(release)
	ended.Wait()
	wantStatus(t, p, highway.Closed)
}

// TestAProbeIsSettledHoweverItsCallEnds: after each ending the place is free or the
// circuit has decided; it never jams.
func TestAProbeIsSettledHoweverItsCallEnds(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	expired, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	refusal := wantRefused(t, opened(t))
	background := context.Background()
	for name, c := range map[string]struct {
		ctx  context.Context
		call func(context.Context) error
		want highway.CircuitState
	}{
		"success":                    {background, succeed, highway.Closed},
		"success after cancellation": {cancelled, succeed, highway.Closed},
		"error":                      {background, fail, highway.Open},
		"not a failure":              {background, func(context.Context) error { return errNotFound }, highway.Closed},
		"panic":                      {background, func(context.Context) error { panic("down") }, highway.Open},
		"panic after cancellation":   {cancelled, func(context.Context) error { panic("down") }, highway.HalfOpen},
		"Goexit":                     {background, func(context.Context) error { runtime.Goexit(); return nil }, highway.Open},
		"cancelled by the caller":    {cancelled, func(ctx context.Context) error { return ctx.Err() }, highway.HalfOpen},
		"another error, cancelled":   {cancelled, fail, highway.HalfOpen},
		"cancellation of its own":    {background, func(context.Context) error { return context.Canceled }, highway.Open},
		"deadline":                   {expired, func(ctx context.Context) error { return ctx.Err() }, highway.Open},
		"refused by another":         {background, func(context.Context) error { return refusal }, highway.HalfOpen},
		"wrapped refusal":            {background, func(context.Context) error { return errors.Join(nil, fmt.Errorf("shop: %w", refusal)) }, highway.HalfOpen},
		"failure and refusal":        {background, func(context.Context) error { return errors.Join(errDown, refusal) }, highway.Open},
		"endless chain":              {background, func(context.Context) error { return endless{} }, highway.Open},
		"ShouldHandle panics":        {background, func(context.Context) error { return errUnspeakable }, highway.Open},
		"no context":                 {nil, fail, highway.Open},
	} {
		t.Run(name, func(t *testing.T) {
			for way, do := range ways {
				p := newProtector(t, highway.CircuitProtectorPolicy{
					SuccessLimit: highway.Fraction(1, 1),
					ShouldHandle: func(err error) bool {
						if err == errUnspeakable {
							panic("unspeakable")
						}
						return err != errNotFound
					},
				})
				_ = p.HalfOpen(context.Background())
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { _ = recover() }()
					_ = do(p, c.ctx, c.call)
				}()
				<-done
				if got := p.Status(); got != c.want {
					t.Errorf("%s: status is %v, want %v", way, got, c.want)
				}
				if n := p.Snapshot().ProbesInFlight; n != 0 {
					t.Errorf("%s: %d probes in flight", way, n)
				}
			}
		})
	}
}

var (
	errNotFound    = errors.New("not found")
	errUnspeakable = errors.New("unspeakable")
)

// ways are the ways of making one call through a protector.
var ways = map[string]func(*highway.CircuitProtector, context.Context, func(context.Context) error) error{
	"Do": func(p *highway.CircuitProtector, ctx context.Context, call func(context.Context) error) error {
		return p.Do(ctx, call)
	},
	"Call": func(p *highway.CircuitProtector, ctx context.Context, call func(context.Context) error) error {
		_, err := highway.Call(ctx, p, func(ctx context.Context) (int, error) { return 1, call(ctx) })
		return err
	},
	"Decorate": func(p *highway.CircuitProtector, ctx context.Context, call func(context.Context) error) error {
		_, err := highway.Decorate(p, func(ctx context.Context, n int) (int, error) { return n, call(ctx) })(ctx, 1)
		return err
	},
	"Protect": func(p *highway.CircuitProtector, ctx context.Context, call func(context.Context) error) error {
		_, err := highway.Protect(ctx, p, func(ctx context.Context) (int, error) { return 1, call(ctx) })
		return err
	},
	"SafetyNet": func(p *highway.CircuitProtector, ctx context.Context, call func(context.Context) error) error {
		return highway.Must(highway.NewSafetyNet(p)).Do(ctx, call)
	},
	"foreign SafetyNet": func(p *highway.CircuitProtector, ctx context.Context, call func(context.Context) error) error {
		return highway.Must(highway.NewSafetyNet(&foreign{}, p)).Do(ctx, call)
	},
	"Call on a foreign SafetyNet": func(p *highway.CircuitProtector, ctx context.Context, call func(context.Context) error) error {
		net := highway.Must(highway.NewSafetyNet(p, &foreign{}))
		_, err := highway.Call(ctx, net, func(ctx context.Context) (int, error) { return 1, call(ctx) })
		return err
	},
	"Decorate with a foreign SafetyNet": func(p *highway.CircuitProtector, ctx context.Context, call func(context.Context) error) error {
		net := highway.Must(highway.NewSafetyNet(p, &foreign{}))
		_, err := highway.Decorate(net, func(ctx context.Context, n int) (int, error) { return n, call(ctx) })(ctx, 1)
		return err
	},
}

// endless wraps itself.
type endless struct{}

func (endless) Error() string { return "endless" }
func (endless) Unwrap() error { return endless{} }

func opened(t testing.TB) *highway.CircuitProtector {
	p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "inner"})
	play(t, p, "xxxx")
	return p
}

// TestEveryEndingCountsWhileClosed is the same for the window of a closed circuit, also
// of one full of successes, where a further success need not be written.
func TestEveryEndingCountsWhileClosed(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for way, do := range ways {
		for name, c := range map[string]struct {
			ctx  context.Context
			call func(context.Context) error
			want string
		}{
			"success":       {context.Background(), succeed, "."},
			"error":         {context.Background(), fail, "x"},
			"panic":         {context.Background(), func(context.Context) error { panic("down") }, "x"},
			"Goexit":        {context.Background(), func(context.Context) error { runtime.Goexit(); return nil }, "x"},
			"not a failure": {context.Background(), func(context.Context) error { return errNotFound }, "."},
			"cancelled":     {cancelled, fail, ""},
		} {
			t.Run(way+"/"+name, func(t *testing.T) {
				p := newProtector(t, highway.CircuitProtectorPolicy{
					FailureLimit: highway.Fraction(3, 3),
					ShouldHandle: func(err error) bool { return err != errNotFound },
				})
				for _, before := range []string{"", "..."} {
					play(t, p, before)
					done := make(chan struct{})
					go func() {
						defer close(done)
						defer func() { _ = recover() }()
						_ = do(p, c.ctx, c.call)
					}()
					<-done
					all := before + c.want
					wantLog(t, p, all[max(0, len(all)-3):])
					_ = p.Close(context.Background())
				}
			})
		}
	}
}

func TestAPanicGoesOnUnchanged(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{})
	defer func() {
		if r := recover(); r != errDown {
			t.Errorf("recovered %v", r)
		}
	}()
	_ = p.Do(context.Background(), func(context.Context) error { panic(errDown) })
}

func TestResultsOfAnEarlierEpisodeDoNotCount(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{})
	late, err := p.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_ = p.HalfOpen(context.Background())
	probe, err := p.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	late.Failure()
	wantLog(t, p, "")
	_ = p.Close(context.Background())
	probe.Failure()
	wantLog(t, p, "")
	if n := p.Snapshot().Totals.Failures; n != 2 {
		t.Errorf("%d failures in the totals, want both late ones", n)
	}
}

func TestALostProbeComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{
			SuccessLimit: highway.Fraction(1, 1), ProbeTimeout: 10 * time.Second,
		})
		_ = p.HalfOpen(context.Background())
		lost, err := p.Acquire(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		wantRefused(t, p)
		time.Sleep(10 * time.Second)
		lost.Success() // too late to decide anything
		wantStatus(t, p, highway.HalfOpen)
		play(t, p, ".")
		wantStatus(t, p, highway.Closed)
	})
}

func TestHalfOpenEndsThoughEveryProbeIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{
			SuccessLimit: highway.Fraction(1, 1), ProbeTimeout: 10 * time.Second,
		})
		_ = p.HalfOpen(context.Background())
		for range 2 {
			if _, err := p.Acquire(context.Background()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		wantRefused(t, p)
		wantStatus(t, p, highway.Open)
	})
}

func TestAHalfOpenRefusalAsksForAMillisecondAtLeast(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{Cooldown: 1, SuccessLimit: highway.Fraction(1, 1)})
	_ = p.HalfOpen(context.Background())
	acquire(t, p, context.Background())
	if got := wantRefused(t, p).RetryAfter(); got != time.Millisecond {
		t.Errorf("RetryAfter is %v", got)
	}
}

func TestRefusalsOfAnEpisodeShareOneError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop"})
		play(t, p, "xxxx")
		first := wantRefused(t, p)
		if got := first.RetryAfter(); got != time.Minute {
			t.Errorf("RetryAfter is %v", got)
		}
		time.Sleep(20 * time.Second)
		second := wantRefused(t, p)
		if first != second {
			t.Error("two refusals of one episode are two errors")
		}
		if got := first.RetryAfter(); got != 40*time.Second {
			t.Errorf("RetryAfter is %v after 20 s", got)
		}
		if got, want := first.Error(), `highway: call to "shop" refused: circuit is OPEN, retry after 40s`; got != want {
			t.Errorf("error is %q, want %q", got, want)
		}
		time.Sleep(time.Hour)
		if got := first.RetryAfter(); got != 0 {
			t.Errorf("RetryAfter is %v after the cooldown", got)
		}
		if first.State() != highway.Open {
			t.Error("the error changed")
		}
	})
}

func TestANewCircuitProtectorIsValidated(t *testing.T) {
	key := strings.Repeat("k", 256)
	for _, c := range []struct {
		policy highway.CircuitProtectorPolicy
		fields []string
	}{
		{highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(4, 3)}, []string{"FailureLimit"}},
		{highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(0, 3)}, []string{"FailureLimit"}},
		{highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(0, 0)}, []string{"FailureLimit"}},
		{highway.CircuitProtectorPolicy{SuccessLimit: highway.Fraction(-1, -1)}, []string{"SuccessLimit"}},
		{highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(1, highway.MaxWindow+1)}, []string{"FailureLimit"}},
		{highway.CircuitProtectorPolicy{Cooldown: -1, ProbeTimeout: -1}, []string{"Cooldown", "ProbeTimeout"}},
		{highway.CircuitProtectorPolicy{Storage: highway.NewInMemoryStorage()}, []string{"ResourceKey"}},
		{highway.CircuitProtectorPolicy{Storage: highway.NewInMemoryStorage(), ResourceKey: key}, []string{"ResourceKey"}},
		{highway.CircuitProtectorPolicy{Storage: (*highway.InMemoryStorage)(nil), ResourceKey: "k"}, []string{"Storage"}},
	} {
		p, err := highway.NewCircuitProtector(c.policy)
		if p != nil {
			t.Errorf("%+v was accepted", c.policy)
		}
		wantInvalid(t, err, c.fields...)
	}
	for _, policy := range []highway.CircuitProtectorPolicy{
		{},
		{ResourceKey: key},
		{FailureLimit: highway.Fraction(1, highway.MaxWindow), SuccessLimit: highway.Fraction(1, 1)},
		{Storage: highway.NewInMemoryStorage(), ResourceKey: key[:255]},
	} {
		if _, err := highway.NewCircuitProtector(policy); err != nil {
			t.Errorf("%+v was refused: %v", policy, err)
		}
	}
}

func TestAnInvalidPolicyErrorNamesFieldValueAndRule(t *testing.T) {
	_, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(4, 3)})
	want := "highway: CircuitProtectorPolicy.FailureLimit is 4 of 3: the numerator must be between 1 and the denominator"
	if err == nil || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestTwoProtectorsOfOnePolicyShareNothing(t *testing.T) {
	policy := highway.CircuitProtectorPolicy{ResourceKey: "shop"}
	p, q := newProtector(t, policy), newProtector(t, policy)
	play(t, p, "xxxx")
	wantStatus(t, p, highway.Open)
	wantStatus(t, q, highway.Closed)
}
