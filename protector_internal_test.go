package highway

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestRefusalsReadTheClockOnlyNearTheEnd: the alarm rings early, so that a call which is
// due need not wait for a late timer.
func TestRefusalsReadTheClockOnlyNearTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Must(NewCircuitProtector(CircuitProtectorPolicy{}))
		if err := p.Open(time.Minute); err != nil {
			t.Fatal(err)
		}
		gate := func() uint32 {
			synctest.Wait()
			return p.episode.Load().gate.Load()
		}
		time.Sleep(time.Minute - alarmAhead - time.Nanosecond)
		if g := gate(); g != gateRefusing {
			t.Errorf("before the alarm the gate is %d", g)
		}
		time.Sleep(time.Nanosecond)
		if g := gate(); g != gateAsking {
			t.Errorf("after the alarm the gate is %d", g)
		}
	})
}
