package highway_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/highway-engine/highway"
)

var errDown = errors.New("down")

func succeed(context.Context) error { return nil }
func fail(context.Context) error    { return errDown }

// newProtector builds a protector; what a test does not say is 2 of 4 failures, 2 of 3
// successes and a minute of cooldown.
func newProtector(t testing.TB, policy highway.CircuitProtectorPolicy) *highway.CircuitProtector {
	t.Helper()
	if policy.FailureLimit == (highway.Limit{}) {
		policy.FailureLimit = highway.Fraction(2, 4)
	}
	if policy.SuccessLimit == (highway.Limit{}) {
		policy.SuccessLimit = highway.Fraction(2, 3)
	}
	if policy.Cooldown == 0 {
		policy.Cooldown = time.Minute
	}
	p, err := highway.NewCircuitProtector(policy)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// traceKey is where traced puts a name.
type traceKey struct{}

func traced(name string) context.Context {
	return context.WithValue(context.Background(), traceKey{}, name)
}

// play makes calls through p: '.' one that succeeds, 'x' one that fails.
func play(t testing.TB, p highway.Policy, calls string) {
	t.Helper()
	for i, c := range calls {
		call, want := succeed, error(nil)
		if c == 'x' {
			call, want = fail, errDown
		}
		if err := p.Do(context.Background(), call); err != want {
			t.Errorf("call %d of %q returned %v", i, calls, err) // also on other goroutines
		}
	}
}

func wantStatus(t testing.TB, p *highway.CircuitProtector, want highway.CircuitState) {
	t.Helper()
	if got := p.Status(); got != want {
		t.Fatalf("status is %v, want %v", got, want)
	}
}

// wantLog compares the execution log with outcomes written as in play.
func wantLog(t testing.TB, p *highway.CircuitProtector, want string) {
	t.Helper()
	got := ""
	for ok := range p.ExecutionLog().All() {
		got += map[bool]string{true: ".", false: "x"}[ok]
	}
	if got != want {
		t.Fatalf("execution log is %q, want %q", got, want)
	}
}

func wantRefused(t testing.TB, p highway.Policy) *highway.ProtectedCallError {
	t.Helper()
	err := p.Do(context.Background(), func(context.Context) error {
		t.Error("the call was made")
		return nil
	})
	var refusal *highway.ProtectedCallError
	if !errors.As(err, &refusal) || !errors.Is(err, highway.ErrProtectedCall) {
		t.Fatalf("got %v, want a refusal", err)
	}
	return refusal
}

// wantInvalid checks that err names every field.
func wantInvalid(t testing.TB, err error, fields ...string) {
	t.Helper()
	var got []string
	var collect func(error)
	collect = func(err error) {
		switch err := err.(type) {
		case *highway.InvalidPolicyError:
			got = append(got, err.Field)
		case interface{ Unwrap() error }:
			collect(err.Unwrap())
		case interface{ Unwrap() []error }:
			for _, err := range err.Unwrap() {
				collect(err)
			}
		}
	}
	collect(err)
	if !slices.Equal(got, fields) {
		t.Fatalf("got %v, naming %q; want %q", err, got, fields)
	}
}
