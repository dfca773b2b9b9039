package highway_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
)

// The README's test: time passes at once in a synctest bubble, and a protector made in
// it lives in its time.
func TestRecoversAfterTheCooldown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
			FailureLimit: highway.Fraction(1, 1),
			SuccessLimit: highway.Fraction(1, 1),
			Cooldown:     time.Hour,
		}))
		_ = protector.Do(t.Context(), func(context.Context) error { return errors.New("down") })
		time.Sleep(time.Hour) // takes no time
		if err := protector.Do(t.Context(), func(context.Context) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
}
