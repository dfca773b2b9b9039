package highway_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/logtest"
)

func describe(c highway.StatusChange) string {
	return fmt.Sprintf("%v->%v: %v", c.From, c.To, c.Reason)
}

func TestListenersHearOfEveryChangeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var heard []string
		var p *highway.CircuitProtector
		p = newProtector(t, highway.CircuitProtectorPolicy{OnStatusChange: func(c highway.StatusChange) {
			if c.Protector != p {
				t.Error("the change names another protector")
			}
			heard = append(heard, fmt.Sprintf("%v %s", c.At.Sub(start), describe(c)))
		}})
		play(t, p, "xxxx")
		time.Sleep(time.Minute)
		synctest.Wait()
		play(t, p, "xx")
		time.Sleep(time.Minute)
		synctest.Wait()
		play(t, p, "..")
		_ = p.Isolate(context.Background())
		_ = p.Disable(context.Background())
		_ = p.Disable(context.Background()) // nothing changes
		_ = p.Release(context.Background())
		want := []string{
			"0s CLOSED->OPEN: failure limit reached",
			"1m0s OPEN->HALF_OPEN: cooldown over",
			"1m0s HALF_OPEN->OPEN: probes failed",
			"2m0s OPEN->HALF_OPEN: cooldown over",
			"2m0s HALF_OPEN->CLOSED: success limit reached",
			"2m0s CLOSED->OPEN: commanded",
			"2m0s OPEN->CLOSED: commanded",
			"2m0s CLOSED->HALF_OPEN: commanded",
		}
		if !slices.Equal(heard, want) {
			t.Errorf("heard\n%s\nwant\n%s", strings.Join(heard, "\n"), strings.Join(want, "\n"))
		}
		if n := p.Snapshot().Totals.StatusChanges; n != uint64(len(want)) {
			t.Errorf("%d changes counted", n)
		}
	})
}

// TestAChangeHasTheContextOfItsCause: of the call or command, if there was one.
func TestAChangeHasTheContextOfItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []string
		p := newProtector(t, highway.CircuitProtectorPolicy{OnStatusChange: func(c highway.StatusChange) {
			heard = append(heard, fmt.Sprintf("%v %v", c.To, c.Context.Value(traceKey{})))
		}})
		play(t, p, "..x")
		_ = p.Do(traced("call"), fail)
		time.Sleep(time.Minute)
		synctest.Wait()
		permits := []*highway.Permit{acquire(t, p, traced("first")), acquire(t, p, traced("second"))}
		permits[0].Success()
		permits[1].Success()
		_ = p.Isolate(traced("command"))
		//lint:ignore SA1012 a command without a context is done
		_ = p.Release(nil)
		want := []string{"OPEN call", "HALF_OPEN <nil>", "CLOSED second", "OPEN command", "HALF_OPEN <nil>"}
		if !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	})
}

// TestAnIdleCircuitTellsOfTheEndOfItsCooldown: nobody has to call or ask.
func TestAnIdleCircuitTellsOfTheEndOfItsCooldown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var heard []time.Duration
		p := newProtector(t, highway.CircuitProtectorPolicy{OnStatusChange: func(c highway.StatusChange) {
			heard = append(heard, c.At.Sub(start))
		}})
		if err := p.Open(context.Background(), time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []time.Duration{0, time.Minute}; !slices.Equal(heard, want) {
			t.Errorf("heard at %v, want %v", heard, want)
		}
	})
}

// TestACommandAfterTheCooldownFollowsHalfOpen, even if nobody noticed its end before.
func TestACommandAfterTheCooldownFollowsHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []string
		p := newProtector(t, highway.CircuitProtectorPolicy{
			Cooldown:       time.Second,
			OnStatusChange: func(c highway.StatusChange) { heard = append(heard, describe(c)) },
		})
		play(t, p, "xxxx")
		time.Sleep(time.Second) // the alarm is due, and may or may not have run
		_ = p.Close(context.Background())
		synctest.Wait()
		want := []string{
			"CLOSED->OPEN: failure limit reached",
			"OPEN->HALF_OPEN: cooldown over",
			"HALF_OPEN->CLOSED: commanded",
		}
		if !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	})
}

// TestACallerDoesNotDeliverForEver: others' changes go to a goroutine in the end.
func TestACallerDoesNotDeliverForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard, returned := 0, make(chan struct{})
		var p *highway.CircuitProtector
		p = newProtector(t, highway.CircuitProtectorPolicy{OnStatusChange: func(c highway.StatusChange) {
			if heard++; heard > 100 {
				<-returned // on the caller's goroutine this would be for ever
			}
			if heard < 1000 {
				if c.To == highway.Open {
					_ = p.Close(context.Background())
				} else {
					_ = p.Isolate(context.Background())
				}
			}
		}})
		_ = p.Isolate(context.Background())
		close(returned)
		synctest.Wait()
		if heard != 1000 {
			t.Errorf("heard of %d changes", heard)
		}
	})
}

func TestAListenerHasHeardWhenTheCallReturns(t *testing.T) {
	heard := 0
	p := newProtector(t, highway.CircuitProtectorPolicy{OnStatusChange: func(highway.StatusChange) { heard++ }})
	play(t, p, "xxxx")
	if heard != 1 {
		t.Errorf("heard of %d changes", heard)
	}
}

// TestAListenerMayUseTheProtector: no lock is held, and what it causes it hears of
// after it has returned.
func TestAListenerMayUseTheProtector(t *testing.T) {
	var heard []string
	var p *highway.CircuitProtector
	p = newProtector(t, highway.CircuitProtectorPolicy{OnStatusChange: func(c highway.StatusChange) {
		heard = append(heard, "begin "+describe(c))
		_ = p.Status()
		_ = p.Snapshot()
		_ = p.ExecutionLog()
		_ = p.Do(context.Background(), succeed)
		if len(heard) == 1 {
			_ = p.HalfOpen(context.Background())
		}
		heard = append(heard, "end")
	}})
	play(t, p, "xxxx")
	want := []string{
		"begin CLOSED->OPEN: failure limit reached", "end",
		"begin OPEN->HALF_OPEN: commanded", "end",
	}
	if !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}

func TestAListenersPanicIsLogged(t *testing.T) {
	log := logtest.Capture(t)
	heard := 0
	p := newProtector(t, highway.CircuitProtectorPolicy{OnStatusChange: func(highway.StatusChange) {
		heard++
		panic("clumsy")
	}})
	play(t, p, "xxxx")
	_ = p.Close(context.Background())
	if heard != 2 || strings.Count(log.String(), "clumsy") != 2 || !strings.Contains(log.String(), "OnStatusChange") {
		t.Errorf("heard %d changes, and logged %q", heard, log.String())
	}
}

// TestAListenerThatEndsItsGoroutine loses neither later changes nor the probe that
// was being admitted.
func TestAListenerThatEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var heard []string
		p := newProtector(t, highway.CircuitProtectorPolicy{
			Cooldown:     time.Millisecond,
			SuccessLimit: highway.Fraction(1, 1),
			OnStatusChange: func(c highway.StatusChange) {
				mu.Lock()
				heard = append(heard, describe(c))
				mu.Unlock()
				runtime.Goexit()
			},
		})
		go play(t, p, "xxxx")
		synctest.Wait()
		time.Sleep(time.Millisecond)
		go play(t, p, ".")
		synctest.Wait()
		if n := p.Snapshot().ProbesInFlight; n != 0 {
			t.Errorf("%d probes in flight", n)
		}
		go p.Close(context.Background())
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(heard) != 3 {
			t.Errorf("heard %q", heard)
		}
	})
}

// TestAChangeOutlivesTheGoroutineThatWasToTellOfIt: the listener causes one and ends
// its goroutine.
func TestAChangeOutlivesTheGoroutineThatWasToTellOfIt(t *testing.T) {
	heard := make(chan string, 2)
	var p *highway.CircuitProtector
	p = newProtector(t, highway.CircuitProtectorPolicy{OnStatusChange: func(c highway.StatusChange) {
		heard <- describe(c)
		if c.To == highway.Open {
			_ = p.HalfOpen(context.Background())
		}
		runtime.Goexit()
	}})
	go p.Isolate(context.Background())
	if first, second := <-heard, <-heard; first != "CLOSED->OPEN: commanded" || second != "OPEN->HALF_OPEN: commanded" {
		t.Errorf("heard %q, %q", first, second)
	}
}

// TestAStatusMayBeReadUnderALockOfTheListener: reading one runs no listener.
func TestAStatusMayBeReadUnderALockOfTheListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		changes := 0
		p := newProtector(t, highway.CircuitProtectorPolicy{OnStatusChange: func(highway.StatusChange) {
			mu.Lock()
			defer mu.Unlock()
			changes++
		}})
		play(t, p, "xxxx")
		mu.Lock()
		time.Sleep(time.Minute)
		_ = p.Status()
		_ = p.Snapshot()
		mu.Unlock()
		synctest.Wait()
		if changes != 2 {
			t.Errorf("heard of %d changes", changes)
		}
	})
}

func TestChangesStayInOrderUnderConcurrency(t *testing.T) {
	var last highway.CircuitState
	broken := 0
	p := newProtector(t, highway.CircuitProtectorPolicy{OnStatusChange: func(c highway.StatusChange) {
		if c.From != last { // and the race detector sees that one runs at a time
			broken++
		}
		last = c.To
	}})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 200 {
				switch i % 4 {
				case 0:
					_ = p.Open(context.Background(), 0)
				case 1:
					_ = p.Close(context.Background())
				case 2:
					_ = p.HalfOpen(context.Background())
				case 3:
					_ = p.Do(context.Background(), fail)
				}
			}
		})
	}
	wg.Wait()
	_ = p.Close(context.Background())
	if broken != 0 {
		t.Errorf("%d changes did not follow from the one before", broken)
	}
}
