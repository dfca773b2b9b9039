package benchmarks

import (
	"context"
	"errors"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/sony/gobreaker/v2"

	"github.com/highway-engine/highway"
)

// Breakers trip when half of the last calls have failed, or at what comes nearest to
// that in the library, and then stay open for longer than anything here takes.

func protector(window int) *highway.CircuitProtector {
	return protectorOf(highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(window/2, window)})
}

func protectorOf(policy highway.CircuitProtectorPolicy) *highway.CircuitProtector {
	policy.Cooldown = time.Hour
	return highway.Must(highway.NewCircuitProtector(policy))
}

func gobreakerOf(failures uint32) *gobreaker.CircuitBreaker[int] {
	return gobreaker.NewCircuitBreaker[int](gobreaker.Settings{
		Timeout:     time.Hour,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures > failures },
	})
}

func failsafeOf(failures, window uint) circuitbreaker.CircuitBreaker[int] {
	return circuitbreaker.NewBuilder[int]().
		WithFailureThresholdRatio(failures, window).WithDelay(time.Hour).Build()
}

var (
	ctx     = context.Background()
	errDown = errors.New("down")
)

// What is called. None is inlined, so that a library does not gain from being small
// enough to be inlined itself with the call in it.

//go:noinline
func work(context.Context) error { return nil }

//go:noinline
func value(context.Context) (int, error) { return 1, nil }

//go:noinline
func bareWork() error { return nil }

//go:noinline
func bareValue() (int, error) { return 1, nil }

//go:noinline
func square(_ context.Context, n int) (int, error) { return n * n, nil }

// outcome is call i's when one in ten fails.
func outcome(i int) error {
	if i%10 == 0 {
		return errDown
	}
	return nil
}
