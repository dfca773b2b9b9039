package highway_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/highway-engine/highway"
)

type Receipt struct{ Amount int }

type paymentGateway struct{}

func (paymentGateway) Charge(_ context.Context, amount int) (Receipt, error) {
	return Receipt{amount}, nil
}

var gateway paymentGateway

// The ten lines of the README.

var payments = highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
	ResourceKey:  "payments",
	FailureLimit: highway.Fraction(3, 10), // open when 3 of the last 10 calls failed,
	Cooldown:     30 * time.Second,        // and let a few calls probe after 30 seconds
}))

func charge(ctx context.Context, amount int) (Receipt, error) {
	return highway.Call(ctx, payments, func(ctx context.Context) (Receipt, error) {
		return gateway.Charge(ctx, amount)
	})
}

func ExampleCall() {
	receipt, err := charge(context.Background(), 42)
	fmt.Println(receipt.Amount, err)
	// Output: 42 <nil>
}

func ExampleDecorate() {
	upper := highway.Decorate(payments, func(_ context.Context, s string) (string, error) {
		return strings.ToUpper(s), nil
	})
	fmt.Println(upper(context.Background(), "done"))
	// Output: DONE <nil>
}

// A refusal says who refused, in which state, and how long to wait.
func ExampleProtectedCallError() {
	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "search",
	}))
	_ = protector.Isolate(context.Background())

	err := protector.Do(context.Background(), func(context.Context) error { return nil })
	var refusal *highway.ProtectedCallError
	if errors.As(err, &refusal) {
		fmt.Println(refusal.ResourceKey(), refusal.State(), refusal.RetryAfter() == highway.UntilReleased)
	}
	fmt.Println(err)
	// Output:
	// search OPEN true
	// highway: call to "search" refused: circuit is isolated until released
}

// For streams and middleware a call is acquired first, and settled when it is over.
func ExampleCircuitProtector_Acquire() {
	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{}))

	read := func(ctx context.Context) error {
		permit, err := protector.Acquire(ctx)
		if err != nil {
			return err // refused
		}
		defer permit.Failure() // in case of a panic; what is settled stays so

		err = readToTheEnd(ctx)
		permit.Settle(err)
		return err
	}

	_ = read(context.Background())
	fmt.Println(protector.ExecutionLog())
	// Output: 1 of 1 failed
}

func readToTheEnd(context.Context) error { return errors.New("stream broke off") }

// Protect is Call for a protector, and keeps the closure off the heap.
func ExampleProtect() {
	amount := 42
	receipt, err := highway.Protect(context.Background(), payments, func(ctx context.Context) (Receipt, error) {
		return gateway.Charge(ctx, amount)
	})
	fmt.Println(receipt.Amount, err)
	// Output: 42 <nil>
}

// A refusal, a retry that gave up, and an error of the call itself are told apart with
// errors.As.
func ExampleRetryLimitReachedError() {
	explain := func(err error) string {
		var refusal *highway.ProtectedCallError
		var limit *highway.RetryLimitReachedError
		switch {
		case err == nil:
			return "done"
		case errors.As(err, &refusal):
			return fmt.Sprintf("not sent: %s is %v", refusal.ResourceKey(), refusal.State())
		case errors.As(err, &limit) && errors.Is(limit.EndedBy, highway.ErrProtectedCall):
			return fmt.Sprintf("sent, failed (%v), and then refused", limit.Last)
		case errors.As(err, &limit):
			return fmt.Sprintf("failed %d times, last with: %v", limit.Attempts, limit.Last)
		}
		return "failed: " + err.Error()
	}

	search := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey:  "search",
		FailureLimit: highway.Fraction(3, 3),
	}))
	net := highway.Must(highway.NewSafetyNet(
		highway.RetryWithBackoffPolicy{MaxRetries: 1, Backoff: highway.FixedDelay{}},
		search,
	))
	for range 3 {
		err := net.Do(context.Background(), func(context.Context) error { return errors.New("down") })
		fmt.Println(explain(err))
	}
	// Output:
	// failed 2 times, last with: down
	// sent, failed (down), and then refused
	// not sent: search is OPEN
}

// Timeout is a policy of one's own: a breaker hears of a hang when the call ends.
type Timeout time.Duration

func (t Timeout) Do(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(t))
	defer cancel()
	return call(ctx)
}

// Any type with a method Do is a policy.
func ExamplePolicy() {
	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(1, 1),
	}))
	net := highway.Must(highway.NewSafetyNet(protector, Timeout(time.Millisecond)))

	err := net.Do(context.Background(), func(ctx context.Context) error {
		<-ctx.Done() // hangs
		return ctx.Err()
	})
	fmt.Println(err, protector.Status())
	// Output: context deadline exceeded OPEN
}

// Busy is an error that says when to come back, as an answer with Retry-After does.
type Busy struct{ After time.Duration }

func (b Busy) Error() string             { return "busy" }
func (b Busy) RetryAfter() time.Duration { return b.After }

// An error with a method RetryAfter is obeyed when there is time.
func ExampleRetryWithBackoffPolicy_retryAfter() {
	retry := highway.RetryWithBackoffPolicy{TotalTime: 10 * time.Second}
	err := retry.Do(context.Background(), func(context.Context) error { return Busy{After: time.Minute} })
	fmt.Println(errors.Is(err, highway.ErrRetryAfter))
	fmt.Println(err)
	// Output:
	// true
	// highway: gave up after 1 attempt: busy (ended by: highway: asked to wait longer than the retry may take: highway: total time of the retry is used up)
}

// A snapshot is all figures of one instant.
func ExampleCircuitProtector_Snapshot() {
	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey:  "search",
		FailureLimit: highway.Fraction(3, 10),
		CountCalls:   true,
	}))
	for i := range 12 {
		_ = protector.Do(context.Background(), func(context.Context) error {
			if i%6 == 5 {
				return errors.New("down")
			}
			return nil
		})
	}
	s := protector.Snapshot()
	fmt.Println(s.ResourceKey, s.State, s.Log, s.Totals.Successes, s.Totals.Failures)
	// Output: search CLOSED 2 of 10 failed 10 2
}

// Whoever is on call can take over.
func ExampleCircuitProtector_Isolate() {
	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		OnStatusChange: func(c highway.StatusChange) { fmt.Println(c.From, "->", c.To, "because", c.Reason) },
	}))
	_ = protector.Isolate(context.Background()) // nothing goes through until it is released
	fmt.Println(protector.Snapshot().Hold)
	_ = protector.Release(context.Background()) // and then it probes
	// Output:
	// CLOSED -> OPEN because commanded
	// isolated
	// OPEN -> HALF_OPEN because commanded
}

// The first policy is outermost: a retry around a protector asks it for each attempt.
func ExampleNewSafetyNet_order() {
	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(10, 10),
	}))
	retry := highway.RetryWithBackoffPolicy{MaxRetries: 2, Backoff: highway.FixedDelay{}}
	broken := func(context.Context) error { return errors.New("down") }

	_ = highway.Must(highway.NewSafetyNet(retry, protector)).Do(context.Background(), broken)
	fmt.Println("retry, protector:", protector.ExecutionLog())

	_ = protector.Close(context.Background())
	_ = highway.Must(highway.NewSafetyNet(protector, retry)).Do(context.Background(), broken)
	fmt.Println("protector, retry:", protector.ExecutionLog())
	// Output:
	// retry, protector: 3 of 3 failed
	// protector, retry: 1 of 1 failed
}

// All policies that hold a budget share it.
func ExampleNewRetryBudget() {
	budget := highway.Must(highway.NewRetryBudget(highway.Fraction(1, 10), 2)) // one retry for ten calls, two to begin with
	retry := highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{}, Budget: budget}

	attempts := 0
	for range 20 {
		_ = retry.Do(context.Background(), func(context.Context) error { attempts++; return errors.New("down") })
	}
	fmt.Println(attempts-20, "retries of 20 calls")
	// Output: 3 retries of 20 calls
}

// OnAttempt sees every attempt of a retry.
func ExampleRetryWithBackoffPolicy_onAttempt() {
	retry := highway.RetryWithBackoffPolicy{
		MaxRetries: 1,
		Backoff:    highway.FixedDelay{Delay: time.Millisecond},
		OnAttempt: func(_ context.Context, a highway.Attempt) {
			fmt.Printf("attempt %d: %v, again: %v, after %v\n", a.Number, a.Err, a.Again, a.Wait)
		},
	}
	err := retry.Do(context.Background(), func(context.Context) error { return errors.New("down") })
	fmt.Println(err)
	// Output:
	// attempt 1: down, again: true, after 1ms
	// attempt 2: down, again: false, after 0s
	// highway: gave up after 2 attempts: down
}

// Whoever is on call reads in the log when a circuit opened, and why.
func ExampleLogStatusChanges() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey:    "payments",
		FailureLimit:   highway.Fraction(1, 1),
		OnStatusChange: highway.LogStatusChanges(logger), // nil: the default logger
	}))
	_ = protector.Do(context.Background(), func(context.Context) error { return errors.New("down") })
	_ = protector.Close(context.Background())
	// Output:
	// level=WARN msg="highway: a circuit has changed its state" resource_key=payments from=CLOSED to=OPEN reason="failure limit reached"
	// level=INFO msg="highway: a circuit has changed its state" resource_key=payments from=OPEN to=CLOSED reason=commanded
}

// Attempts that another follows are logged at the level Debug.
func ExampleLogAttempts() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime, Level: slog.LevelDebug}))
	retry := highway.RetryWithBackoffPolicy{
		MaxRetries: 1,
		Backoff:    highway.FixedDelay{Delay: time.Millisecond},
		OnAttempt:  highway.LogAttempts(logger), // nil: the default logger
	}
	_ = retry.Do(context.Background(), func(context.Context) error { return errors.New("down") })
	// Output:
	// level=DEBUG msg="highway: an attempt has failed, another follows" attempt=1 error=down wait=1ms
	// level=WARN msg="highway: an attempt has failed, no other follows" attempt=2 error=down
}

// withoutTime makes a log the same each time.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// Protectors of one key on one storage are one breaker.
func ExampleNewInMemoryStorage() {
	storage := highway.NewInMemoryStorage() // all protectors in one process; others keep it in a database
	defer func() { _ = storage.Close(context.Background()) }()

	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "payments",
		Storage:     storage,
	}))
	another := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "payments",
		Storage:     storage,
	}))

	if err := protector.Isolate(context.Background()); err != nil {
		panic(err)
	}
	for another.Status() != highway.Open {
		time.Sleep(time.Millisecond)
	}
	fmt.Println(another.Snapshot().Hold)
	// Output: isolated
}
