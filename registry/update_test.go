package registry_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
)

func TestOverridesAreForTheirKeys(t *testing.T) {
	r := newRegistry(t, registry.Config{
		Policy:    highway.CircuitProtectorPolicy{Cooldown: time.Second, FailureLimit: highway.Fraction(3, 10)},
		Overrides: map[string]highway.Settings{"slow": {Cooldown: time.Hour, ProbeTimeout: time.Minute}},
	})
	want := highway.Settings{Cooldown: time.Second, FailureLimit: highway.Fraction(3, 10),
		SuccessLimit: highway.Fraction(2, 3), ProbeTimeout: highway.DefaultProbeTimeout}
	if got := get(t, r, "a").Settings(); got != want {
		t.Errorf("without an override: %+v", got)
	}
	want.Cooldown = time.Hour
	if got := get(t, r, "slow").Settings(); got != want {
		t.Errorf("with an override: %+v", got)
	}
}

func TestAnUpdateReachesEveryProtector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(t, registry.Config{
			IdleAfter: time.Minute,
			Policy:    highway.CircuitProtectorPolicy{ProbeTimeout: time.Hour},
			Overrides: map[string]highway.Settings{"retired": {Cooldown: time.Second}},
		})
		retired := get(t, r, "retired")
		wait(time.Hour)
		open := get(t, r, "open")
		_ = open.Do(t.Context(), fail)
		if err := r.Update(registry.Settings{
			Template:  highway.Settings{FailureLimit: highway.Fraction(1, 7)},
			Overrides: map[string]highway.Settings{"open": {SuccessLimit: highway.Fraction(1, 1)}, "later": {Cooldown: time.Minute}},
		}); err != nil {
			t.Fatal(err)
		}
		all := highway.Settings{Cooldown: highway.DefaultCooldown, FailureLimit: highway.Fraction(1, 7),
			SuccessLimit: highway.Fraction(2, 3), ProbeTimeout: time.Hour} // as the program says
		if got := retired.Settings(); got != all { // its override is over
			t.Errorf("the retired one has %+v", got)
		}
		one := all
		one.SuccessLimit = highway.Fraction(1, 1)
		if got := open.Settings(); got != one || open.Status() != highway.Open {
			t.Errorf("the open one is %v, and has %+v", open.Status(), got)
		}
		one = all
		one.Cooldown = time.Minute
		if got := get(t, r, "later").Settings(); got != one {
			t.Errorf("one that comes later has %+v", got)
		}
		if err := r.Update(r.Settings()); err != nil || retired.Settings() != all {
			t.Errorf("its own settings change it: %v", err)
		}
		if err := r.Update(registry.Settings{}); err != nil || retired.Settings().FailureLimit != highway.Fraction(1, 1) {
			t.Errorf("nothing said is not what the program says: %+v, %v", retired.Settings(), err)
		}
		runtime.KeepAlive(retired)
	})
}

func TestAnUpdateWithoutSenseChangesNothing(t *testing.T) {
	r := newRegistry(t, registry.Config{})
	p, before := get(t, r, "a"), r.Settings()
	was := p.Settings()
	err := r.Update(registry.Settings{
		Template:  highway.Settings{Cooldown: time.Hour},
		Overrides: map[string]highway.Settings{"payments": {FailureLimit: highway.Fraction(4, 3)}},
	})
	if err == nil || !strings.Contains(err.Error(), `overrides.payments.failure_limit is "4 of 3"`) {
		t.Errorf("got %v", err)
	}
	if p.Settings() != was || r.Settings().Template != before.Template || r.Settings().Overrides != nil {
		t.Errorf("it has changed: %+v", r.Settings())
	}
}

func TestSettingsAreCopies(t *testing.T) {
	mine := map[string]highway.Settings{"a": {Cooldown: time.Hour}}
	r := newRegistry(t, registry.Config{Overrides: mine})
	delete(mine, "a")
	delete(r.Settings().Overrides, "a")
	if err := r.Update(r.Settings()); err != nil || get(t, r, "a").Settings().Cooldown != time.Hour {
		t.Errorf("it was changed from outside: %v", err)
	}
}

// TestNoProtectorKeepsOldSettings, whenever it is made and whoever else updates.
func TestNoProtectorKeepsOldSettings(t *testing.T) {
	for round := range 50 {
		r := newRegistry(t, registry.Config{})
		var wg sync.WaitGroup
		for g := range 2 {
			wg.Go(func() {
				for i := range 20 {
					limit := highway.Fraction(1, 1+g*100+i)
					if err := r.Update(registry.Settings{Template: highway.Settings{FailureLimit: limit}}); err != nil {
						t.Error(err)
					}
				}
			})
			wg.Go(func() {
				for i := range 200 {
					get(t, r, fmt.Sprint(g*i))
				}
			})
		}
		wg.Wait()
		want := r.Settings().Template.FailureLimit
		for p := range r.All() {
			if got := p.Settings().FailureLimit; got != want {
				t.Fatalf("round %d: %q has %v, in force is %v", round, p.ResourceKey(), got, want)
			}
		}
	}
}

// TestOfTwoUpdatesOneIsInForceForAll, however they overtake each other.
func TestOfTwoUpdatesOneIsInForceForAll(t *testing.T) {
	r := newRegistry(t, registry.Config{})
	p := get(t, r, "a")
	updates := []registry.Settings{
		{Template: highway.Settings{Cooldown: time.Second}},
		{Template: highway.Settings{Cooldown: time.Minute}},
	}
	for round := range 20_000 {
		var ready atomic.Int32
		var wg sync.WaitGroup
		for _, s := range updates {
			wg.Go(func() {
				for ready.Add(1); ready.Load() < 2; { // both begin at the same instant
					runtime.Gosched()
				}
				if err := r.Update(s); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got, want := p.Settings().Cooldown, r.Settings().Template.Cooldown; got != want {
			t.Fatalf("round %d: the protector has %v, in force is %v", round, got, want)
		}
	}
}

// TestOnceUpdateReturnsNothingOldIsGot, not even for a moment.
func TestOnceUpdateReturnsNothingOldIsGot(t *testing.T) {
	r := newRegistry(t, registry.Config{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 2000 {
			get(t, r, fmt.Sprint(i))
		}
	})
	for i := range 20 {
		if err := r.Update(registry.Settings{Template: highway.Settings{FailureLimit: highway.Fraction(1, 1+i)}}); err != nil {
			t.Fatal(err)
		}
		for p := range r.All() {
			if got := p.Settings().FailureLimit; got != highway.Fraction(1, 1+i) {
				t.Fatalf("%q has %v after update %d", p.ResourceKey(), got, i)
			}
		}
	}
	wg.Wait()
}

// TestAListenerMayUseTheRegistry: no lock is held while it runs.
func TestAListenerMayUseTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *registry.Registry
		told := 0
		use := func(highway.StatusChange) {
			told++
			get(t, r, fmt.Sprint("from the listener ", told))
			r.Remove("x")
			if err := r.Update(registry.Settings{}); err != nil || r.Len() == 0 {
				t.Error(err)
			}
		}
		r = newRegistry(t, registry.Config{Policy: highway.CircuitProtectorPolicy{OnStatusChange: use}})
		p := get(t, r, "a")
		_ = p.HalfOpen(t.Context())
		_ = p.Do(t.Context(), succeed)
		if err := r.Update(registry.Settings{Template: highway.Settings{SuccessLimit: highway.Fraction(1, 1)}}); err != nil {
			t.Fatal(err)
		}
		if p.Status() != highway.Closed || told != 2 { // what the probe has shown is now enough
			t.Errorf("it is %v, %d changes were told", p.Status(), told)
		}
	})
}

// TestAStorageIsShared: a registry's protectors are members of fleets, one for each key.
func TestAStorageIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		defer func() {
			if err := storage.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		c := registry.Config{Policy: highway.CircuitProtectorPolicy{Storage: storage}}
		here, there := newRegistry(t, c), newRegistry(t, c)
		for _, r := range []*registry.Registry{here, there} {
			for _, key := range []string{"a", "b"} {
				get(t, r, key)
			}
		}
		time.Sleep(time.Second)
		if err := get(t, here, "a").Isolate(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if a, b := get(t, there, "a").Status(), get(t, there, "b").Status(); a != highway.Open || b != highway.Closed {
			t.Errorf("a is %v, b is %v", a, b)
		}
		// What the registry lets go of leaves the fleet.
		here.Remove("b")
		if signal := get(t, here, "b").Snapshot().Fleet; !signal.Shared {
			t.Errorf("the next one is not in the fleet: %+v", signal)
		}
	})
}
