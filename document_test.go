package highway_test

// The examples of the document that this library was asked for in, in its order and
// in Go; those on PostgreSQL are in postgres/document_test.go. Where it draws random numbers these count, and
// where it waits for seconds they wait for milliseconds.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/highway-engine/highway"
)

// Basic circuit protector.
func ExampleNewCircuitProtector() {
	// Create a circuit protector that trips after 3 failures
	protector, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(3, 10), // 3 out of 10 failures
		Cooldown:     30 * time.Second,        // 30-second cooldown
	})
	if err != nil {
		panic(err)
	}

	calls := 0
	unreliableServiceCall := highway.DecorateFunc(protector, func(ctx context.Context) (string, error) {
		// Your potentially failing external service call
		if calls++; calls%10 < 7 {
			return "", errors.New("service temporarily unavailable")
		}
		return "Success!", nil
	})

	for range 10 {
		_, _ = unreliableServiceCall(context.Background())
	}
	_, err = unreliableServiceCall(context.Background())
	fmt.Println(errors.Is(err, highway.ErrProtectedCall), protector.Status())
	// Output: true OPEN
}

// Advanced retry with exponential backoff.
func ExampleRetryWithBackoffPolicy() {
	// Create an exponential backoff strategy
	backoff := highway.ExponentialDelay{
		MinDelay: time.Millisecond, // the document waits a second
		MaxDelay: 10 * time.Second,
		Factor:   2,
		Jitter:   0.1,
	}

	// Apply retry policy with backoff
	retryPolicy := highway.RetryWithBackoffPolicy{
		MaxRetries: 3,
		Backoff:    backoff,
	}

	attempts := 0
	unreliableDatabaseOperation := highway.DecorateFunc(retryPolicy, func(ctx context.Context) (string, error) {
		// Operation that might fail temporarily
		if attempts++; attempts < 3 {
			return "", errors.New("database temporarily unavailable")
		}
		return "Database operation completed", nil
	})

	result, err := unreliableDatabaseOperation(context.Background())
	fmt.Println(result, err, "after", attempts, "attempts")
	// Output: Database operation completed <nil> after 3 attempts
}

// Combining circuit protector and retry.
func ExampleNewSafetyNet() {
	// Combine both patterns: this will first retry, then circuit-protect if needed
	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(2, 5),
	}))
	safetyNet := highway.Must(highway.NewSafetyNet(
		highway.RetryWithBackoffPolicy{MaxRetries: 2},
		protector,
	))

	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status": "fine"}`)
	}))
	defer api.Close()

	resilientExternalAPICall := highway.Decorate(safetyNet, func(ctx context.Context, url string) (string, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return "", err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		if response.StatusCode >= 500 {
			return "", errors.New(response.Status)
		}
		body, err := io.ReadAll(response.Body)
		return string(body), err
	})

	fmt.Println(resilientExternalAPICall(context.Background(), api.URL))
	// Output: {"status": "fine"} <nil>
}

// Circuit protector customization.
func ExampleCircuitProtectorPolicy() {
	// Only handle specific errors
	customErrorHandler := func(err error) bool {
		var connection *net.OpError
		return errors.As(err, &connection) || errors.Is(err, context.DeadlineExceeded)
	}

	// Handle status transitions
	statusChangeHandler := func(change highway.StatusChange) {
		fmt.Printf("Circuit protector changed status: %v -> %v\n", change.From, change.To)
	}

	// Fully customized circuit protector
	customProtector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		Cooldown:       time.Minute,             // 1-minute cooldown
		FailureLimit:   highway.Fraction(3, 10), // Trip after 30% failure rate
		SuccessLimit:   highway.Fraction(5, 5),  // Close after 5 consecutive successes
		ShouldHandle:   customErrorHandler,      // Custom error filter
		OnStatusChange: statusChangeHandler,     // Status change listener
	}))

	err := error(errors.New("not found")) // does not count
	monitoredServiceCall := func(context.Context) error { return err }
	for range 10 {
		_ = customProtector.Do(context.Background(), monitoredServiceCall)
	}
	fmt.Println(customProtector.Status())

	err = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for range 3 {
		_ = customProtector.Do(context.Background(), monitoredServiceCall)
	}
	// Output:
	// CLOSED
	// Circuit protector changed status: CLOSED -> OPEN
}

// Complex retry scenarios.
func ExampleFixedDelay() {
	// Constant delay between retries
	constantBackoff := highway.FixedDelay{Delay: time.Millisecond} // the document waits 2 seconds

	errConnection := errors.New("connection reset")
	retryWithConstantBackoff := highway.RetryWithBackoffPolicy{
		MaxRetries:   5,
		Backoff:      constantBackoff,
		ShouldHandle: func(err error) bool { return errors.Is(err, errConnection) },
	}

	// This will retry up to 5 times
	attempts := 0
	err := retryWithConstantBackoff.Do(context.Background(), func(context.Context) error {
		attempts++
		return errConnection
	})

	var limit *highway.RetryLimitReachedError
	fmt.Println(errors.As(err, &limit), limit.Attempts, attempts)
	fmt.Println(err)
	// Output:
	// true 6 6
	// highway: gave up after 6 attempts: connection reset
}

// Accessing circuit protector status.
func ExampleCircuitProtector_Status() {
	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(2, 5),
	}))
	serviceCall := func(ctx context.Context) error { return nil }
	_ = protector.Do(context.Background(), serviceCall)

	// Check protector status and execution log
	fmt.Println("Current status:", protector.Status())
	fmt.Println("Execution log:", slices.Collect(protector.ExecutionLog().All()))

	// The execution log maintains the success/failure record
	if protector.Status() == highway.Open {
		fmt.Println("Circuit protector is currently open - requests are blocked")
	} else {
		_ = protector.Do(context.Background(), serviceCall) // Execute call if not in OPEN status
	}
	// Output:
	// Current status: CLOSED
	// Execution log: [true]
}

// In-memory storage.
func ExampleInMemoryStorage() {
	// Without a storage the state is in memory
	circuitBreaker := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "my_service",
	}))

	// Or explicitly specify in-memory storage
	explicit := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "my_service",
		Storage:     highway.NewInMemoryStorage(),
	}))

	fmt.Println(circuitBreaker.Status(), explicit.Status())
	// Output: CLOSED CLOSED
}
