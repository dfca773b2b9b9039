package highway_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/highway-engine/highway"
)

// foreign is a policy from outside the package that makes the call as it is.
type foreign struct{ calls int }

func (f *foreign) Do(ctx context.Context, call func(context.Context) error) error {
	f.calls++
	return call(ctx)
}

// policyFunc makes a function a policy, by a type without an identity.
type policyFunc func(ctx context.Context, call func(context.Context) error) error

func (f policyFunc) Do(ctx context.Context, call func(context.Context) error) error {
	return f(ctx, call)
}

func TestCallReturnsTheValueAlsoBesideAnError(t *testing.T) {
	for name, p := range map[string]highway.Policy{
		"protector":       newProtector(t, highway.CircuitProtectorPolicy{}),
		"retry":           highway.RetryWithBackoffPolicy{MaxRetries: highway.NoRetries},
		"retry pointer":   &highway.RetryWithBackoffPolicy{MaxRetries: highway.NoRetries},
		"net":             highway.Must(highway.NewSafetyNet(newProtector(t, highway.CircuitProtectorPolicy{}))),
		"empty net":       highway.Must(highway.NewSafetyNet()),
		"foreign":         &foreign{},
		"net of foreign":  highway.Must(highway.NewSafetyNet(&foreign{})),
		"foreign in nets": highway.Must(highway.NewSafetyNet(highway.Must(highway.NewSafetyNet(&foreign{})))),
	} {
		v, err := highway.Call(context.Background(), p, func(context.Context) (string, error) { return "partial", errDown })
		if v != "partial" || !errors.Is(err, errDown) {
			t.Errorf("%s: got %q, %v", name, v, err)
		}
		v, err = highway.Call(context.Background(), p, func(context.Context) (string, error) { return "whole", nil })
		if v != "whole" || err != nil {
			t.Errorf("%s: got %q, %v", name, v, err)
		}
	}
}

func TestCallWithoutAResultIsAnError(t *testing.T) {
	lazy := policyFunc(func(context.Context, func(context.Context) error) error { return nil })
	if v, err := highway.Call(context.Background(), lazy, func(context.Context) (int, error) { return 7, nil }); v != 0 || err != highway.ErrNoResult {
		t.Errorf("a policy that makes no call: %d, %v", v, err)
	}
	recovering := policyFunc(func(ctx context.Context, call func(context.Context) error) error {
		defer func() { _ = recover() }()
		return call(ctx)
	})
	if v, err := highway.Call(context.Background(), recovering, func(context.Context) (int, error) { panic("down") }); v != 0 || err != highway.ErrNoResult {
		t.Errorf("a policy that swallows a panic: %d, %v", v, err)
	}
	refusing := policyFunc(func(context.Context, func(context.Context) error) error { return errDown })
	if v, err := highway.Call(context.Background(), refusing, func(context.Context) (int, error) { return 7, nil }); v != 0 || err != errDown {
		t.Errorf("a policy that refuses: %d, %v", v, err)
	}
}

// TestAPolicyMayMakeTheCallSeveralTimesAtOnce: values of the invocations do not mix,
// and one that is still running when the policy returns can do no harm.
func TestAPolicyMayMakeTheCallSeveralTimesAtOnce(t *testing.T) {
	late := make(chan struct{})
	var running sync.WaitGroup
	hedge := policyFunc(func(ctx context.Context, call func(context.Context) error) error {
		first := make(chan error, 3)
		for range 3 {
			running.Go(func() { first <- call(ctx) })
		}
		for range 2 {
			if err := <-first; err == nil {
				return nil
			}
		}
		return errDown
	})
	var mu sync.Mutex
	n := 0
	v, err := highway.Call(context.Background(), hedge, func(context.Context) (int, error) {
		mu.Lock()
		n++
		number := n
		mu.Unlock()
		switch number {
		case 1:
			return -1, errDown
		case 2:
			return 2, nil
		}
		<-late
		return 3, nil
	})
	if v != 2 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
	close(late)
	running.Wait()
}

// TestTheFirstSuccessIsTheValue: a policy that hedges drops what comes later.
func TestTheFirstSuccessIsTheValue(t *testing.T) {
	twice := policyFunc(func(ctx context.Context, call func(context.Context) error) error {
		return errors.Join(call(ctx), call(ctx))
	})
	n := 0
	v, err := highway.Call(context.Background(), twice, func(context.Context) (int, error) { n++; return n, nil })
	if v != 1 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
}

func TestAPolicyMayTurnAnErrorIntoASuccess(t *testing.T) {
	forgiving := policyFunc(func(ctx context.Context, call func(context.Context) error) error {
		_ = call(ctx)
		return nil
	})
	v, err := highway.Call(context.Background(), forgiving, func(context.Context) (int, error) { return 7, errDown })
	if v != 7 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
	strict := policyFunc(func(ctx context.Context, call func(context.Context) error) error {
		_ = call(ctx)
		return errDown
	})
	v, err = highway.Call(context.Background(), strict, func(context.Context) (int, error) { return 7, nil })
	if v != 7 || err != errDown {
		t.Errorf("got %d, %v", v, err)
	}
}

func TestDecoratedFunctions(t *testing.T) {
	for name, p := range map[string]highway.Policy{
		"protector": newProtector(t, highway.CircuitProtectorPolicy{}),
		"net":       highway.Must(highway.NewSafetyNet(newProtector(t, highway.CircuitProtectorPolicy{}))),
		"foreign":   &foreign{},
		"retry":     highway.RetryWithBackoffPolicy{},
	} {
		double := highway.Decorate(p, func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		seven := highway.DecorateFunc(p, func(context.Context) (int, error) { return 7, nil })
		if n, err := double(context.Background(), 4); n != 8 || err != nil {
			t.Errorf("%s: Decorate gave %d, %v", name, n, err)
		}
		if n, err := seven(context.Background()); n != 7 || err != nil {
			t.Errorf("%s: DecorateFunc gave %d, %v", name, n, err)
		}
	}
}

func TestACallThroughNoPolicyIsAnError(t *testing.T) {
	call := func(context.Context, int) (int, error) { t.Error("the call was made"); return 0, nil }
	if _, err := highway.Decorate(nil, call)(context.Background(), 1); err == nil || err.Error() != "highway: the policy is nil" {
		t.Errorf("got %v", err)
	}
	const unmade = "highway: a CircuitProtector must come from NewCircuitProtector"
	var p highway.CircuitProtector
	if _, err := highway.Decorate(&p, call)(context.Background(), 1); err == nil || err.Error() != unmade {
		t.Errorf("got %v", err)
	}
	if err := p.Do(context.Background(), func(context.Context) error { _, err := call(nil, 0); return err }); err == nil || err.Error() != unmade {
		t.Errorf("got %v", err)
	}
	if _, err := p.Acquire(context.Background()); err == nil || err.Error() != unmade {
		t.Errorf("got %v", err)
	}
}

// TestARefusalDoesNotTakeTheValueAway: the value is that of the last call made.
func TestARefusalDoesNotTakeTheValueAway(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(1, 1)})
	net := highway.Must(highway.NewSafetyNet(highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{}}, p))
	v, err := highway.Call(context.Background(), net, func(context.Context) (string, error) { return "partial", errDown })
	if v != "partial" || !errors.Is(err, highway.ErrProtectedCall) {
		t.Errorf("got %q, %v", v, err)
	}
}

func TestMustPanicsWithTheError(t *testing.T) {
	defer func() {
		if r := recover(); r != errDown {
			t.Errorf("recovered %v", r)
		}
	}()
	highway.Must(1, errDown)
}

// TestTheHotPathsDoNotAllocate holds the allocations that benchmarks/README.md states.
func TestTheHotPathsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	ctx := context.Background()
	healthy := newProtector(t, highway.CircuitProtectorPolicy{})
	failing := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(10, 10)})
	open := opened(t)
	counting := newProtector(t, highway.CircuitProtectorPolicy{CountCalls: true})
	told := 0
	telling := newProtector(t, highway.CircuitProtectorPolicy{
		CountCalls: true,
		OnRefusal:  func(context.Context, *highway.ProtectedCallError) { told++ },
	})
	_ = telling.Isolate(ctx)
	net := highway.Must(highway.NewSafetyNet(highway.RetryWithBackoffPolicy{}, healthy))
	decorated := highway.Decorate(net, func(_ context.Context, n int) (int, error) { return n, nil })
	n := 0
	for name, c := range map[string]struct {
		most float64
		call func()
	}{
		"Do": {0, func() { _ = healthy.Do(ctx, func(context.Context) error { n++; return nil }) }},
		"Protect": {0, func() {
			_, _ = highway.Protect(ctx, healthy, func(context.Context) (int, error) { n++; return n, nil })
		}},
		"Call":              {1, func() { _, _ = highway.Call(ctx, healthy, func(context.Context) (int, error) { n++; return n, nil }) }},
		"Acquire":           {1, func() { p, _ := healthy.Acquire(ctx); p.Success() }},
		"Decorate on a net": {0, func() { n++; _, _ = decorated(ctx, n) }},
		"Call on a net":     {0, func() { _, _ = highway.Call(ctx, net, func(context.Context) (int, error) { return 1, nil }) }},
		"refused":           {0, func() { _ = open.Do(ctx, succeed) }},
		"counted":           {0, func() { _ = counting.Do(ctx, succeed) }},
		"refused and told":  {0, func() { _ = telling.Do(ctx, succeed) }},
		"one in ten fails": {0, func() {
			n++
			_ = failing.Do(ctx, func(context.Context) error {
				if n%10 == 0 {
					return errDown
				}
				return nil
			})
		}},
	} {
		if got := testing.AllocsPerRun(1000, c.call); got > c.most {
			t.Errorf("%s: %v allocations, at most %v are promised", name, got, c.most)
		}
	}
}
