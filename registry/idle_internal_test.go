package registry

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"weak"

	"github.com/highway-engine/highway"
)

func newRegistry(t testing.TB, c Config) *Registry {
	t.Helper()
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func get(t testing.TB, r *Registry, key string) *highway.CircuitProtector {
	t.Helper()
	p, err := r.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// age lets all that is unused become idle.
func age(r *Registry) {
	for range sweepsUntilIdle + 1 {
		r.sweep()
	}
}

// collect runs the garbage collector until what was retired has left no trace.
func collect(t testing.TB, r *Registry) {
	t.Helper()
	cleared := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.retired) == 0
	}
	for range 1000 {
		if runtime.GC(); cleared() {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("%d places of retired protectors are left", len(r.retired))
}

func TestWhatWasCollectedLeavesNoTrace(t *testing.T) {
	r := newRegistry(t, Config{})
	for i := range 1000 {
		get(t, r, fmt.Sprint(i))
	}
	age(r)
	collect(t, r)
	r.entries.Range(func(key, _ any) bool {
		t.Errorf("%v is left", key)
		return true
	})
	if len(r.kept) != 0 || r.Len() != 0 {
		t.Errorf("%d are kept, Len is %d", len(r.kept), r.Len())
	}
}

// TestALateCleanupSparesTheNextProtector of its key.
func TestALateCleanupSparesTheNextProtector(t *testing.T) {
	r := newRegistry(t, Config{})
	var late grave
	for _, retiredToo := range []bool{false, true} {
		func() {
			get(t, r, "a")
			age(r)
			late = grave{registry: late.registry, protector: r.find("a").weak, key: "a"}
		}()
		late.registry = weak.Make(r)
		collect(t, r)
		next := get(t, r, "a")
		if retiredToo {
			age(r)
		}
		late.clear()
		if r.Find("a") != next || get(t, r, "a") != next {
			t.Fatalf("retired too %v: the cleanup of one took the next", retiredToo)
		}
		r.Remove("a")
	}
}

// TestWhatIsReplacedBeforeItsCleanupLeavesNoTrace.
func TestWhatIsReplacedBeforeItsCleanupLeavesNoTrace(t *testing.T) {
	r := newRegistry(t, Config{})
	for range 100 {
		get(t, r, "a")
		age(r)
		runtime.GC() // the cleanup comes a moment later, mostly after the next Get
	}
	age(r)
	collect(t, r)
	if _, there := r.entries.Load("a"); there {
		t.Error("the last one is left")
	}
}

// TestAProtectorIsOneWhileItIsLetGoAndGot: the two race.
func TestAProtectorIsOneWhileItIsLetGoAndGot(t *testing.T) {
	r := newRegistry(t, Config{})
	const rounds = 300
	for range rounds {
		held := get(t, r, "a")
		var wg sync.WaitGroup
		wg.Go(func() { age(r) })
		wg.Go(runtime.GC)
		for range 2 {
			wg.Go(func() {
				for range 20 {
					if p, err := r.Get("a"); p != held || err != nil {
						t.Errorf("got another one, or %v", err)
					}
					if r.Find("a") != held {
						t.Error("found another one")
					}
				}
			})
		}
		wg.Wait()
		runtime.KeepAlive(held)
	}
}
