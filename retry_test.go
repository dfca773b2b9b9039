package highway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/logtest"
)

// attempts makes a call that fails a number of times, and then succeeds; it notes when
// each attempt began.
type attempts struct {
	fails int
	err   error
	start time.Time
	at    []time.Duration
}

func (a *attempts) call(context.Context) error {
	if a.start.IsZero() {
		a.start = time.Now()
	}
	a.at = append(a.at, time.Since(a.start))
	if len(a.at) <= a.fails {
		if a.err != nil {
			return a.err
		}
		return errDown
	}
	return nil
}

// retryTest runs f in a bubble where time passes at once.
func retryTest(t *testing.T, f func(t *testing.T, ctx context.Context)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, context.Background()) })
}

func wantLimit(t *testing.T, err error, attempts int, last, endedBy error) {
	t.Helper()
	var limit *highway.RetryLimitReachedError
	if !errors.As(err, &limit) {
		t.Fatalf("got %v, want a RetryLimitReachedError", err)
	}
	if limit.Attempts != attempts || limit.Last != last || !errors.Is(limit.EndedBy, endedBy) {
		t.Fatalf("got %d attempts, last %v, ended by %v; want %d, %v, %v",
			limit.Attempts, limit.Last, limit.EndedBy, attempts, last, endedBy)
	}
	if !errors.Is(err, last) || endedBy != nil && !errors.Is(err, endedBy) {
		t.Fatalf("errors.Is does not find %v and %v", last, endedBy)
	}
}

func TestRetriesAfterTheBackoff(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		a := &attempts{fails: 3}
		r := highway.RetryWithBackoffPolicy{Backoff: highway.ExponentialDelay{MinDelay: time.Second}}
		if err := r.Do(ctx, a.call); err != nil {
			t.Fatal(err)
		}
		if want := []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}; !slices.Equal(a.at, want) {
			t.Errorf("attempts at %v, want %v", a.at, want)
		}
	})
}

func TestGivesUpWithoutWaitingAfterTheLastAttempt(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		a := &attempts{fails: 9}
		r := highway.RetryWithBackoffPolicy{MaxRetries: 2, Backoff: highway.FixedDelay{Delay: time.Second}}
		start := time.Now()
		wantLimit(t, r.Do(ctx, a.call), 3, errDown, nil)
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestTheZeroPolicyRetriesThreeTimes(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		a := &attempts{fails: 9}
		wantLimit(t, highway.RetryWithBackoffPolicy{}.Do(ctx, a.call), 4, errDown, nil)
	})
}

func TestNoRetriesMakesOneAttempt(t *testing.T) {
	a := &attempts{fails: 9}
	r := highway.RetryWithBackoffPolicy{MaxRetries: highway.NoRetries}
	err := r.Do(context.Background(), a.call)
	wantLimit(t, err, 1, errDown, nil)
	if want := "highway: gave up after 1 attempt: down"; err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
}

func TestAnErrorNotWorthARetryIsReturnedAsItIs(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		n := 0
		r := highway.RetryWithBackoffPolicy{ShouldHandle: func(err error) bool { return err != errNotFound }}
		err := r.Do(ctx, func(context.Context) error {
			if n++; n < 3 {
				return errDown
			}
			return errNotFound
		})
		if err != errNotFound || n != 3 {
			t.Errorf("got %v after %d attempts", err, n)
		}
	})
}

func TestTheContextEndsTheWait(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(1500*time.Millisecond, cancel)
		start := time.Now()
		r := highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{Delay: time.Second}}
		wantLimit(t, r.Do(ctx, fail), 2, errDown, context.Canceled)
		if took := time.Since(start); took != 1500*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestNoAttemptFollowsACancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var heard []highway.Attempt
	r := highway.RetryWithBackoffPolicy{
		Backoff:   highway.FixedDelay{},
		OnAttempt: func(_ context.Context, a highway.Attempt) { heard = append(heard, a) },
	}
	wantLimit(t, r.Do(ctx, func(context.Context) error { cancel(); return errDown }), 1, errDown, context.Canceled)
	if want := []highway.Attempt{{Number: 1, Err: errDown}}; !slices.Equal(heard, want) {
		t.Errorf("heard %+v, want %+v", heard, want)
	}
}

// TestNoAttemptStartsAfterTheTotalTime, whoever has used it up.
func TestNoAttemptStartsAfterTheTotalTime(t *testing.T) {
	dawdle := func() { time.Sleep(time.Minute) }
	for name, r := range map[string]highway.RetryWithBackoffPolicy{
		"OnAttempt":    {OnAttempt: func(context.Context, highway.Attempt) { dawdle() }},
		"ShouldHandle": {ShouldHandle: func(error) bool { dawdle(); return true }},
		"Backoff":      {Backoff: dawdling{}},
	} {
		t.Run(name, func(t *testing.T) {
			retryTest(t, func(t *testing.T, ctx context.Context) {
				r.TotalTime = time.Second
				wantLimit(t, r.Do(ctx, fail), 1, errDown, highway.ErrTotalTime)
			})
		})
	}
}

// dawdling is a delay that takes longer to tell than to wait.
type dawdling struct{}

func (dawdling) ForAttempt(int) time.Duration { time.Sleep(time.Minute); return 0 }

func TestARetryAfterIsJittered(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 50 {
		retryTest(t, func(t *testing.T, ctx context.Context) {
			a := &attempts{fails: 1, err: tooMany{10 * time.Second}}
			_ = highway.RetryWithBackoffPolicy{}.Do(ctx, a.call)
			seen[a.at[1]] = true
		})
	}
	if len(seen) < 40 {
		t.Errorf("only %d different waits of 50", len(seen))
	}
}

func TestNoWaitBeginsThatTheDeadlineWouldCut(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 2500*time.Millisecond)
		defer cancel()
		start := time.Now()
		r := highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{Delay: time.Second}, MaxRetries: 9}
		wantLimit(t, r.Do(ctx, fail), 3, errDown, context.DeadlineExceeded)
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestTotalTimeLimitsTheWholeCall(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		start := time.Now()
		r := highway.RetryWithBackoffPolicy{
			Backoff: highway.FixedDelay{Delay: time.Second}, MaxRetries: 9, TotalTime: 5 * time.Second,
		}
		err := r.Do(ctx, func(context.Context) error { time.Sleep(time.Second); return errDown })
		wantLimit(t, err, 3, errDown, highway.ErrTotalTime)
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// tooMany is an error that says when to come back, as an HTTP 429 does.
type tooMany struct{ after time.Duration }

func (e tooMany) Error() string             { return "too many requests" }
func (e tooMany) RetryAfter() time.Duration { return e.after }

func TestRetryAfterIsObeyedWhenItFits(t *testing.T) {
	second := highway.FixedDelay{Delay: time.Second}
	for name, c := range map[string]struct {
		after, total, deadline time.Duration
		from, to               time.Duration // of the second attempt; to 0: there is none
		endedBy                error
	}{
		"a tiny one, and no time for the backoff": {after: 1, total: time.Second - 1, endedBy: highway.ErrTotalTime},
		"longer than the backoff":                 {after: 10 * time.Second, from: 10 * time.Second, to: 11 * time.Second},
		"shorter than the backoff":                {after: time.Millisecond, from: time.Second, to: time.Second},
		"zero":                                    {after: 0, from: time.Second, to: time.Second},
		"negative":                                {after: -5, from: time.Second, to: time.Second},
		"fits the total":                          {after: 10 * time.Second, total: 10 * time.Second, from: 10 * time.Second, to: 10 * time.Second},
		"beyond the total":                        {after: 10 * time.Second, total: 9 * time.Second, endedBy: highway.ErrRetryAfter},
		"fits the deadline":                       {after: 10 * time.Second, deadline: 20 * time.Second, from: 10 * time.Second, to: 11 * time.Second},
		"beyond the deadline":                     {after: 10 * time.Second, deadline: 9 * time.Second, endedBy: highway.ErrRetryAfter},
		"the deadline is the reason too":          {after: 10 * time.Second, deadline: 9 * time.Second, endedBy: context.DeadlineExceeded},
		"the sooner of both counts":               {after: 10 * time.Second, total: time.Hour, deadline: 9 * time.Second, endedBy: context.DeadlineExceeded},
		"the sooner, the other way":               {after: 10 * time.Second, total: 9 * time.Second, deadline: time.Hour, endedBy: highway.ErrTotalTime},
		"the total is the reason too":             {after: 10 * time.Second, total: 9 * time.Second, endedBy: highway.ErrTotalTime},
		"longer than allowed unlimited":           {after: 61 * time.Second, endedBy: highway.ErrRetryAfter},
		"a long one that fits":                    {after: time.Hour, total: 2 * time.Hour, from: time.Hour, to: 66 * time.Minute},
		"for ever":                                {after: highway.UntilReleased, total: highway.UntilReleased, endedBy: highway.ErrRetryAfter},
	} {
		t.Run(name, func(t *testing.T) {
			retryTest(t, func(t *testing.T, ctx context.Context) {
				if c.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
					defer cancel()
				}
				hint := tooMany{c.after}
				a := &attempts{fails: 1, err: fmt.Errorf("shop: %w", hint)}
				err := highway.RetryWithBackoffPolicy{Backoff: second, TotalTime: c.total}.Do(ctx, a.call)
				if c.to == 0 {
					wantLimit(t, err, 1, a.err, c.endedBy)
					if took := time.Since(a.start); took != 0 {
						t.Errorf("waited %v in vain", took)
					}
					return
				}
				if err != nil || len(a.at) != 2 || a.at[1] < c.from || a.at[1] > c.to {
					t.Errorf("got %v, attempts at %v, want from %v to %v", err, a.at, c.from, c.to)
				}
			})
		})
	}
}

func TestARefusedFirstAttemptIsReturnedAsItIs(t *testing.T) {
	p := opened(t)
	net := highway.Must(highway.NewSafetyNet(highway.RetryWithBackoffPolicy{TotalTime: time.Hour}, p))
	if err := net.Do(context.Background(), succeed); err != error(wantRefused(t, p)) {
		t.Errorf("got %v", err)
	}
}

func TestALaterRefusalEndsTheRetry(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(1, 1)})
		net := highway.Must(highway.NewSafetyNet(highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{}}, p))
		err := net.Do(ctx, fail)
		wantLimit(t, err, 2, errDown, wantRefused(t, p))
		if !errors.Is(err, highway.ErrProtectedCall) {
			t.Error("errors.Is does not find the refusal")
		}
		// To an outer protector this is a failed call, not a refused one.
		outer := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(1, 1)})
		_ = outer.Do(ctx, func(context.Context) error { return err })
		wantStatus(t, outer, highway.Open)
	})
}

func TestALaterRefusalIsWaitedForIfTheTotalTimeAllows(t *testing.T) {
	for total, want := range map[time.Duration]error{
		59 * time.Second: highway.ErrProtectedCall, // the cooldown is a minute
		2 * time.Minute:  nil,
	} {
		retryTest(t, func(t *testing.T, ctx context.Context) {
			p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(1, 1), SuccessLimit: highway.Fraction(1, 1)})
			net := highway.Must(highway.NewSafetyNet(
				highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{Delay: time.Second}, TotalTime: total, MaxRetries: 2}, p))
			a := &attempts{fails: 1}
			err := net.Do(ctx, a.call)
			if want != nil {
				wantLimit(t, err, 2, errDown, want)
				return
			}
			if err != nil || len(a.at) != 2 || a.at[1] < time.Minute || a.at[1] > 70*time.Second {
				t.Errorf("got %v, attempts at %v", err, a.at)
			}
		})
	}
}

func TestARefusalAsTheLastAttemptIsNamed(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(1, 1)})
		net := highway.Must(highway.NewSafetyNet(
			highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{}, TotalTime: time.Hour, MaxRetries: 1}, p))
		wantLimit(t, net.Do(ctx, fail), 2, errDown, highway.ErrProtectedCall)
	})
}

func TestAnIsolatedCircuitIsNotWaitedFor(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		p := newProtector(t, highway.CircuitProtectorPolicy{})
		net := highway.Must(highway.NewSafetyNet(
			highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{}, TotalTime: highway.UntilReleased}, p))
		err := net.Do(ctx, func(context.Context) error { _ = p.Isolate(context.Background()); return errDown })
		wantLimit(t, err, 2, errDown, highway.ErrProtectedCall)
	})
}

func TestOnAttemptHearsOfEachAttempt(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		var heard []highway.Attempt
		r := highway.RetryWithBackoffPolicy{
			Backoff:    highway.FixedDelay{Delay: time.Second},
			MaxRetries: 2,
			OnAttempt:  func(_ context.Context, a highway.Attempt) { heard = append(heard, a) },
		}
		if err := r.Do(ctx, (&attempts{fails: 1}).call); err != nil {
			t.Fatal(err)
		}
		_ = r.Do(ctx, fail)
		want := []highway.Attempt{
			{Number: 1, Err: errDown, Again: true, Wait: time.Second},
			{Number: 2},
			{Number: 1, Err: errDown, Again: true, Wait: time.Second},
			{Number: 2, Err: errDown, Again: true, Wait: time.Second},
			{Number: 3, Err: errDown},
		}
		if !slices.Equal(heard, want) {
			t.Errorf("heard %+v, want %+v", heard, want)
		}
	})
}

func TestOnAttemptGetsTheContextOfTheCall(t *testing.T) {
	var heard []any
	r := highway.RetryWithBackoffPolicy{OnAttempt: func(ctx context.Context, _ highway.Attempt) {
		heard = append(heard, ctx.Value(traceKey{}))
	}}
	_ = r.Do(traced("a call"), succeed)
	//lint:ignore SA1012 a call without a context is made
	_ = r.Do(nil, succeed)
	if !slices.Equal(heard, []any{"a call", nil}) {
		t.Errorf("heard %v", heard)
	}
}

func TestAPanicInOnAttemptIsLogged(t *testing.T) {
	log := logtest.Capture(t)
	r := highway.RetryWithBackoffPolicy{OnAttempt: func(context.Context, highway.Attempt) { panic("clumsy") }}
	if err := r.Do(context.Background(), succeed); err != nil || !strings.Contains(log.String(), "clumsy") {
		t.Errorf("got %v, logged %q", err, log.String())
	}
}

func TestAPolicyWithoutSenseMakesNoCall(t *testing.T) {
	for _, c := range []struct {
		policy highway.RetryWithBackoffPolicy
		fields []string
	}{
		{highway.RetryWithBackoffPolicy{MaxRetries: -2, TotalTime: -1}, []string{"MaxRetries", "TotalTime"}},
		{highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{Delay: -1}}, []string{"Delay"}},
		{highway.RetryWithBackoffPolicy{TotalTime: -1, Backoff: &highway.ExponentialDelay{Jitter: 2}}, []string{"TotalTime", "Jitter"}},
		{highway.RetryWithBackoffPolicy{Backoff: (*highway.FixedDelay)(nil)}, []string{"Backoff"}},
		{highway.RetryWithBackoffPolicy{Budget: &highway.RetryBudget{}}, []string{"Budget"}},
	} {
		wantInvalid(t, c.policy.Validate(), c.fields...)
		never := func(context.Context) error { t.Error("the call was made"); return nil }
		wantInvalid(t, c.policy.Do(context.Background(), never), c.fields...)
		wantInvalid(t, (&c.policy).Do(context.Background(), never), c.fields...)
		_, err := highway.Call(context.Background(), &c.policy, func(ctx context.Context) (int, error) { return 0, never(ctx) })
		wantInvalid(t, err, c.fields...)
		_, err = highway.NewSafetyNet(c.policy)
		wantInvalid(t, err, c.fields...)
	}
}

func TestAPolicyKeepsNoState(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		r := highway.RetryWithBackoffPolicy{MaxRetries: 2}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				a := &attempts{fails: 9}
				_ = r.Do(ctx, a.call)
				if len(a.at) != 3 {
					t.Errorf("%d attempts", len(a.at))
				}
			})
		}
		wg.Wait()
	})
}

// naps is a delay of the user's own that returns nonsense.
type naps struct{}

func (naps) ForAttempt(int) time.Duration { return -time.Hour }

func TestADelayOfOnesOwn(t *testing.T) {
	retryTest(t, func(t *testing.T, ctx context.Context) {
		a := &attempts{fails: 2}
		if err := (highway.RetryWithBackoffPolicy{Backoff: naps{}}).Do(ctx, a.call); err != nil || a.at[2] != 0 {
			t.Errorf("got %v, attempts at %v", err, a.at)
		}
	})
}

func TestRetryWithoutAContext(t *testing.T) {
	retryTest(t, func(t *testing.T, _ context.Context) {
		a := &attempts{fails: 2}
		//lint:ignore SA1012 a nil context must do no harm
		if err := (highway.RetryWithBackoffPolicy{}).Do(nil, a.call); err != nil {
			t.Error(err)
		}
	})
}
