package modelcheck

import (
	"context"
	"errors"
	"runtime"
	"testing"
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
