package modelcheck

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"go.uber.org/goleak"

	"github.com/highway-engine/highway"
)

// TestNothingIsLeftOfADroppedProtector: an open circuit with an hour to go is
// collected as soon as nobody holds it, and none has a goroutine.
func TestNothingIsLeftOfADroppedProtector(t *testing.T) {
	defer goleak.VerifyNone(t)
	var dropped []weak.Pointer[highway.CircuitProtector]
	for range 100 {
		p, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
			FailureLimit:   highway.Fraction(1, 1),
			Cooldown:       time.Hour,
			OnStatusChange: func(highway.StatusChange) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = p.Do(context.Background(), func(context.Context) error { return errors.New("down") })
		if p.Status() != highway.Open {
			t.Fatal("not open")
		}
		dropped = append(dropped, weak.Make(p))
	}
	goleak.VerifyNone(t)
	for range 5 {
		runtime.GC()
	}
	for _, p := range dropped {
		if p.Value() != nil {
			t.Fatal("a protector that nobody holds is still there")
		}
	}
}

// TestAProtectorMayBeUsedInsideAndOutsideOfABubble, as one in a package variable is: no
// timer of the one is touched in the other.
func TestAProtectorMayBeUsedInsideAndOutsideOfABubble(t *testing.T) {
	p, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{})
	if err != nil {
		t.Fatal(err)
	}
	open := func() {
		if err := p.Open(context.Background(), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	open()
	_ = p.Close(context.Background())
	synctest.Test(t, func(t *testing.T) {
		open()
		time.Sleep(time.Minute)
		if s := p.Status(); s != highway.HalfOpen {
			t.Errorf("status is %v", s)
		}
		open()
		_ = p.Close(context.Background())
	})
	open()
	_ = p.Close(context.Background())
}

// TestAProtectorOutlivedByItsBubble: one made in a synctest bubble, whose timers nobody
// outside may touch, is collected without harm.
func TestAProtectorOutlivedByItsBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Open(context.Background(), time.Hour); err != nil {
			t.Fatal(err)
		}
	})
	for range 3 {
		runtime.GC()
		time.Sleep(time.Millisecond) // cleanups run on a goroutine of the runtime
	}
}
