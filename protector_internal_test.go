package highway

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestRefusalsReadTheClockOnlyNearTheEnd: the alarm rings early, so that a call which is
// due need not wait for a late timer.
func TestRefusalsReadTheClockOnlyNearTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Must(NewCircuitProtector(CircuitProtectorPolicy{}))
		if err := p.Open(context.Background(), time.Minute); err != nil {
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

// TestTheGateIsQuietWhenTheWindowIsFullOfSuccesses, and only then: it is what the speed
// of a healthy call comes from.
func TestTheGateIsQuietWhenTheWindowIsFullOfSuccesses(t *testing.T) {
	for _, counting := range []bool{false, true} {
		p := Must(NewCircuitProtector(CircuitProtectorPolicy{FailureLimit: Fraction(2, 2), CountCalls: counting}))
		quiet := uint32(gateQuiet)
		if counting {
			quiet = gateCounting
		}
		for i, want := range []bool{false, true, true, false, false, true} {
			_ = p.Do(context.Background(), func(context.Context) error {
				if i == 3 {
					return errors.New("down")
				}
				return nil
			})
			if gate := p.episode.Load().gate.Load(); (gate == quiet) != want {
				t.Errorf("after call %d, counting %v, the gate is %d", i, counting, gate)
			}
		}
	}
}

// TestTheEndOfACooldownIsToldByTheCallThatFindsIt, when the alarm is late: before the
// call is made, and without losing its probe if the listener ends the goroutine.
func TestTheEndOfACooldownIsToldByTheCallThatFindsIt(t *testing.T) {
	for _, exits := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var told []CircuitState
			p := Must(NewCircuitProtector(CircuitProtectorPolicy{OnStatusChange: func(c StatusChange) {
				if told = append(told, c.To); exits && c.To == HalfOpen {
					runtime.Goexit()
				}
			}}))
			p.machine.OpenFor(time.Minute, time.Now().Add(-time.Hour))
			p.episode.Store(p.newEpisode()) // without an alarm
			calls := 0
			go func() {
				_ = p.Do(context.Background(), func(context.Context) error {
					if !slices.Equal(told, []CircuitState{HalfOpen}) {
						t.Errorf("told of %v", told)
					}
					calls++
					return nil
				})
			}()
			synctest.Wait()
			if want := map[bool]int{false: 1, true: 0}[exits]; calls != want {
				t.Errorf("exits %v: %d calls were made", exits, calls)
			}
			if n := p.Snapshot().ProbesInFlight; n != 0 {
				t.Errorf("exits %v: %d probes in flight", exits, n)
			}
		})
	}
}
