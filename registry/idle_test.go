package registry_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
)

// wait lets time pass and collects what nobody holds.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
	runtime.GC()
}

func TestWhatNobodyUsesIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(t, registry.Config{IdleAfter: time.Minute})
		get(t, r, "used")
		get(t, r, "looked at")
		get(t, r, "unused")
		for range 6 {
			wait(20 * time.Second)
			get(t, r, "used")
			r.Find("looked at")
		}
		wantKeys(t, r, "used")
		get(t, r, "unused")
		wantKeys(t, r, "unused", "used")
		wait(time.Minute)
		wantKeys(t, r, "unused", "used") // not before it is idle
		wait(time.Minute / 4)
		wantKeys(t, r)
	})
}

// TestWhatIsHeldIsTheOneProtectorOfItsKey: it may have its state, and calls under way.
func TestWhatIsHeldIsTheOneProtectorOfItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(t, registry.Config{IdleAfter: time.Minute})
		held := get(t, r, "held")
		permit, err := get(t, r, "under way").Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // it can be let go and come back as often as one likes
			wait(time.Hour)
			wantKeys(t, r, "held", "under way")
			if r.Find("held") != held || get(t, r, "held") != held {
				t.Fatal("there are two protectors of a key")
			}
		}
		permit.Failure()
		if p := get(t, r, "under way"); p.Status() != highway.Open {
			t.Errorf("the failure was told to another protector, this is %v", p.Status())
		}
		runtime.KeepAlive(held)
	})
}

// TestWhatIsGotAgainIsKeptAgain, for another IdleAfter.
func TestWhatIsGotAgainIsKeptAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(t, registry.Config{IdleAfter: time.Minute})
		func() {
			held := get(t, r, "a")
			wait(time.Hour)
			if get(t, r, "a") != held {
				t.Error("there are two protectors of a key")
			}
		}()
		wait(time.Minute)
		wantKeys(t, r, "a")
		wait(time.Minute)
		wantKeys(t, r)
	})
}

func TestWhatIsNotPlainlyClosedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told int
		r := newRegistry(t, registry.Config{
			IdleAfter: time.Minute,
			Policy: highway.CircuitProtectorPolicy{
				FailureLimit:   highway.Fraction(2, 4),
				Cooldown:       3 * time.Minute,
				OnStatusChange: func(highway.StatusChange) { told++ },
			},
		})
		// Functions, so that nothing here holds a protector.
		for key, do := range map[string]func(*highway.CircuitProtector) error{
			"closed":    func(p *highway.CircuitProtector) error { return p.Do(t.Context(), succeed) },
			"disabled":  func(p *highway.CircuitProtector) error { return p.Disable(t.Context()) },
			"failing":   func(p *highway.CircuitProtector) error { _ = p.Do(t.Context(), fail); return nil },
			"half-open": func(p *highway.CircuitProtector) error { return p.HalfOpen(t.Context()) },
			"isolated":  func(p *highway.CircuitProtector) error { return p.Isolate(t.Context()) },
			"open":      func(p *highway.CircuitProtector) error { return p.Open(t.Context(), 0) },
		} {
			if err := do(get(t, r, key)); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			wait(time.Minute)
		}
		wantKeys(t, r, "disabled", "failing", "half-open", "isolated", "open")
		if status := r.Find("open").Status(); status != highway.HalfOpen || told != 4 {
			t.Errorf("what was open is %v, %d changes were told", status, told)
		}
		for p := range r.All() { // and once they have recovered they go
			if err := p.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		wait(2 * time.Minute)
		wantKeys(t, r)
	})
}

// TestARegistryThatNobodyHoldsIsCollected, though its timer runs and somebody holds a
// protector of it.
func TestARegistryThatNobodyHoldsIsCollected(t *testing.T) {
	collected := make(chan struct{}, 2)
	held := func() *highway.CircuitProtector {
		r := newRegistry(t, registry.Config{})
		runtime.AddCleanup(r, func(int) { collected <- struct{}{} }, 0)
		runtime.AddCleanup(get(t, r, "a"), func(int) { collected <- struct{}{} }, 0)
		return get(t, r, "held")
	}()
	for range 2 {
		runtime.GC()
		<-collected
	}
	if err := held.Do(context.Background(), succeed); err != nil {
		t.Error(err)
	}
}

func TestARegistryHasNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		r := newRegistry(t, registry.Config{})
		for _, key := range []string{"a", "b"} {
			get(t, r, key)
		}
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("there are %d goroutines more", n-before)
		}
		wait(24 * time.Hour) // sweeps end by themselves, or this would take long
		wantKeys(t, r)
	})
}
