package registry_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
)

// TestWhereOneHasClosedOthersAreFoundAtOnce: a search in vain is not remembered any more.
func TestWhereOneHasClosedOthersAreFoundAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, closed = 300, 250
		r := newRegistry(t, registry.Config{Limit: limit})
		for i := range limit {
			_ = get(t, r, fmt.Sprint(i)).Isolate(t.Context())
		}
		if _, err := r.Get("one more"); err == nil {
			t.Fatal("there was place")
		}
		for i := range closed {
			_ = get(t, r, fmt.Sprint(i)).Close(t.Context())
		}
		for i := range closed { // the last are hard to find by chance
			_ = get(t, r, fmt.Sprint("new ", i)).Isolate(t.Context())
		}
	})
}

func TestAFullRegistryLetsTheLeastUsedGo(t *testing.T) {
	for _, limit := range []int{4, 1000} { // all are compared, or some
		synctest.Test(t, func(t *testing.T) {
			r := newRegistry(t, registry.Config{Limit: limit, IdleAfter: time.Hour})
			for i := range limit / 2 {
				get(t, r, fmt.Sprint("old ", i))
			}
			for i := range limit / 2 {
				get(t, r, fmt.Sprint("used ", i))
			}
			wait(time.Hour / 4)
			for i := range limit / 2 {
				get(t, r, fmt.Sprint("used ", i))
			}
			for i := range limit / 4 { // while the old ones are many none of the others goes
				get(t, r, fmt.Sprint("new ", i))
			}
			runtime.GC()
			for i := range limit / 2 {
				if r.Find(fmt.Sprint("used ", i)) == nil {
					t.Error("one in use went")
				}
			}
			if r.Len() != limit {
				t.Errorf("there are %d, the limit is %d", r.Len(), limit)
			}
		})
	}
}

func TestWhatIsHeldComesBackToAFullRegistry(t *testing.T) {
	r := newRegistry(t, registry.Config{Limit: 1})
	a := get(t, r, "a")
	b := get(t, r, "b") // lets a go
	for range 3 {
		if get(t, r, "a") != a || get(t, r, "b") != b {
			t.Fatal("there are two of a key")
		}
	}
	_ = get(t, r, "a").Isolate(t.Context()) // which is kept: b has no place, but is held
	if get(t, r, "b") != b || r.Len() != 2 {
		t.Error("there are two of a key")
	}
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
}

func TestARegistryGoesWithoutFailuresFirst(t *testing.T) {
	r := newRegistry(t, registry.Config{Limit: 3, Policy: highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(2, 4)}})
	_ = get(t, r, "failing").Do(t.Context(), fail)
	_ = get(t, r, "open").Isolate(t.Context())
	get(t, r, "clean")
	for i := range 5 {
		get(t, r, fmt.Sprint(i)) // the oldest is one with a failure, and stays
		runtime.GC()
		wantKeys(t, r, fmt.Sprint(i), "failing", "open")
	}
	_ = get(t, r, "4").Isolate(t.Context())
	get(t, r, "last") // now it has to go
	runtime.GC()
	wantKeys(t, r, "4", "last", "open")
}

func TestARegistryFullOfOpenCircuitsSaysSo(t *testing.T) {
	for _, limit := range []int{3, 300} {
		synctest.Test(t, func(t *testing.T) {
			r := newRegistry(t, registry.Config{Limit: limit})
			for i := range limit {
				_ = get(t, r, fmt.Sprint(i)).Do(t.Context(), fail)
			}
			for range 3 {
				_, err := r.Get("one more")
				var full *registry.FullError
				if !errors.As(err, &full) || full.Limit != limit || full.Key != "one more" || !strings.Contains(err.Error(), `"one more"`) {
					t.Fatalf("got %v", err)
				}
			}
			if r.Find("one more") != nil || r.Len() != limit {
				t.Error("it came in nevertheless")
			}
			_ = get(t, r, "1").Close(t.Context())
			time.Sleep(time.Duration(limit) * 10 * time.Microsecond) // not every Get looks at every one of many
			get(t, r, "one more")
			runtime.GC()
			if r.Find("1") != nil || r.Len() != limit {
				t.Errorf("there are %d", r.Len())
			}
		})
	}
}
