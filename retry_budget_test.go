package highway_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/highway-engine/highway"
)

func newBudget(t testing.TB, share highway.Limit, burst int) *highway.RetryBudget {
	t.Helper()
	b, err := highway.NewRetryBudget(share, burst)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRetriesStayWithinTheBudget: at no time more than share × calls + burst.
func TestRetriesStayWithinTheBudget(t *testing.T) {
	budget := newBudget(t, highway.Fraction(1, 10), 5)
	// Two policies that share it.
	policies := []highway.RetryWithBackoffPolicy{
		{MaxRetries: 3, Backoff: highway.FixedDelay{}, Budget: budget},
		{MaxRetries: 1, Backoff: highway.FixedDelay{}, Budget: budget},
	}
	attempts := 0
	for call := 1; call <= 1000; call++ {
		_ = policies[call%2].Do(context.Background(), func(context.Context) error { attempts++; return errDown })
		if retries := attempts - call; retries > call/10+5 {
			t.Fatalf("%d retries after %d calls", retries, call)
		}
	}
	// The first call found the budget full, so 999 have paid in.
	if retries := attempts - 1000; retries != 999/10+5 {
		t.Errorf("%d retries, want all of the %d allowed", retries, 999/10+5)
	}
	wantLimit(t, policies[0].Do(context.Background(), fail), 2, errDown, highway.ErrRetryBudget)
	wantLimit(t, policies[0].Do(context.Background(), fail), 1, errDown, highway.ErrRetryBudget)
}

func TestAHealthyTimeRefillsTheBudgetUpToTheBurst(t *testing.T) {
	budget := newBudget(t, highway.Fraction(1, 2), 3)
	r := highway.RetryWithBackoffPolicy{MaxRetries: 9, Backoff: highway.FixedDelay{}, Budget: budget}
	wantLimit(t, r.Do(context.Background(), fail), 4, errDown, highway.ErrRetryBudget)
	for range 100 {
		_ = r.Do(context.Background(), succeed)
	}
	wantLimit(t, r.Do(context.Background(), fail), 4, errDown, highway.ErrRetryBudget)
}

func TestNothingIsSavedBeyondTheBurst(t *testing.T) {
	r := highway.RetryWithBackoffPolicy{
		MaxRetries: 1, Backoff: highway.FixedDelay{}, Budget: newBudget(t, highway.Fraction(3, 4), 1),
	}
	got := ""
	for _, c := range "x..xx" {
		attempts := 0
		_ = r.Do(context.Background(), func(context.Context) error {
			if attempts++; c == 'x' {
				return errDown
			}
			return nil
		})
		got += string(rune('0' + attempts))
	}
	// Two successes pay in one and a half, of which one is saved; the next call's part
	// finds it full, and the one after has three quarters.
	if want := "21121"; got != want {
		t.Errorf("attempts are %s, want %s", got, want)
	}
}

func TestARetryThatIsNotMadeIsGivenBack(t *testing.T) {
	r := highway.RetryWithBackoffPolicy{
		MaxRetries: 1, Backoff: highway.FixedDelay{Delay: time.Second}, Budget: newBudget(t, highway.Fraction(1, 100), 1),
	}
	retryTest(t, func(t *testing.T, ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Millisecond, cancel)
		wantLimit(t, r.Do(ctx, fail), 1, errDown, context.Canceled)
		wantLimit(t, r.Do(context.Background(), fail), 2, errDown, nil)
	})
}

func TestTheBudgetHoldsUnderConcurrency(t *testing.T) {
	budget := newBudget(t, highway.Fraction(1, 10), 5)
	r := highway.RetryWithBackoffPolicy{MaxRetries: 3, Backoff: highway.FixedDelay{}, Budget: budget}
	var attempts atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				_ = r.Do(context.Background(), func(context.Context) error { attempts.Add(1); return errDown })
			}
		})
	}
	wg.Wait()
	if retries := attempts.Load() - 4000; retries > 405 {
		t.Errorf("%d retries of 4000 calls, 405 are allowed", retries)
	}
}

func TestABudgetIsValidated(t *testing.T) {
	for _, c := range []struct {
		share  highway.Limit
		burst  int
		fields []string
	}{
		{highway.Limit{}, 1, []string{"share"}},
		{highway.Fraction(3, 2), 1, []string{"share"}},
		{highway.Fraction(1, 2), 0, []string{"burst"}},
		{highway.Fraction(0, 1), highway.MaxWindow + 1, []string{"share", "burst"}},
	} {
		b, err := highway.NewRetryBudget(c.share, c.burst)
		if b != nil {
			t.Error("a senseless budget was made")
		}
		wantInvalid(t, err, c.fields...)
	}
	newBudget(t, highway.Fraction(highway.MaxWindow, highway.MaxWindow), highway.MaxWindow)
}
