package registry_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
)

var errDown = errors.New("down")

func succeed(context.Context) error { return nil }
func fail(context.Context) error    { return errDown }

// newRegistry builds a registry of protectors that one failure opens.
func newRegistry(t testing.TB, c registry.Config) *registry.Registry {
	t.Helper()
	if c.Policy.FailureLimit == (highway.Limit{}) {
		c.Policy.FailureLimit = highway.Fraction(1, 1)
	}
	r, err := registry.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func get(t testing.TB, r *registry.Registry, key string) *highway.CircuitProtector {
	t.Helper()
	p, err := r.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func keys(r *registry.Registry) (all []string) {
	for p := range r.All() {
		all = append(all, p.ResourceKey())
	}
	return all
}

func wantKeys(t testing.TB, r *registry.Registry, want ...string) {
	t.Helper()
	if got := keys(r); !slices.Equal(got, want) || r.Len() != len(want) {
		t.Fatalf("the keys are %q (Len %d), want %q", got, r.Len(), want)
	}
}

func TestOneKeyOneProtector(t *testing.T) {
	r := newRegistry(t, registry.Config{})
	a, b := get(t, r, "a"), get(t, r, "b")
	if a == b || get(t, r, "a") != a || a.ResourceKey() != "a" || r.Find("a") != a {
		t.Error("the protectors are not one for each key")
	}
	if r.Find("c") != nil {
		t.Error("Find made one")
	}
	_ = a.Do(t.Context(), fail)
	if a.Status() != highway.Open || b.Status() != highway.Closed {
		t.Errorf("a is %v, b is %v", a.Status(), b.Status())
	}
}

func TestManyGetTheSameOneAtOnce(t *testing.T) {
	r := newRegistry(t, registry.Config{})
	const all, each = 8, 100
	got := make([][each]*highway.CircuitProtector, all)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			for k := range each {
				got[i][k], _ = r.Get(fmt.Sprint(k))
			}
		})
	}
	wg.Wait()
	for i := range got {
		if got[i] != got[0] {
			t.Fatal("two got different protectors")
		}
	}
	if r.Len() != each {
		t.Errorf("there are %d", r.Len())
	}
}

func TestAllIsInTheOrderOfKeys(t *testing.T) {
	r := newRegistry(t, registry.Config{})
	wantKeys(t, r)
	for _, key := range []string{"b", "c", "a"} {
		get(t, r, key)
	}
	all := r.All()
	for range 2 { // each range reads anew
		want := keys(r)
		if got := slices.Collect(all); len(got) != len(want) || !slices.IsSorted(want) {
			t.Errorf("got %d of %q", len(got), want)
		}
		get(t, r, "aa")
	}
	wantKeys(t, r, "a", "aa", "b", "c")
	for p := range all { // whoever ranges may do with the registry what he wants
		r.Remove(p.ResourceKey())
		get(t, r, p.ResourceKey()+"'")
	}
	wantKeys(t, r, "a'", "aa'", "b'", "c'")
	for range all {
		break
	}
}

// TestAKeyThatComesDuringARangeIsInTheNext.
func TestAKeyThatComesDuringARangeIsInTheNext(t *testing.T) {
	r := newRegistry(t, registry.Config{})
	for i := range 500 {
		get(t, r, fmt.Sprint("before ", i))
		var wg sync.WaitGroup
		wg.Go(func() { keys(r) }) // which has to sort
		for range i % 100 {
			runtime.Gosched()
		}
		get(t, r, fmt.Sprint("during ", i))
		wg.Wait()
		if n := len(keys(r)); n != 2*i+2 {
			t.Fatalf("there are %d keys, and %d in a range", 2*i+2, n)
		}
	}
}

func TestARemovedProtectorIsNotGotAgain(t *testing.T) {
	r := newRegistry(t, registry.Config{})
	r.Remove("a")
	old := get(t, r, "a")
	_ = old.Isolate(t.Context())
	r.Remove("a")
	wantKeys(t, r)
	if p := get(t, r, "a"); p == old || p.Status() != highway.Closed {
		t.Error("it is the old one")
	}
}

func TestAKeyHasBounds(t *testing.T) {
	r := newRegistry(t, registry.Config{})
	for _, key := range []string{"", strings.Repeat("x", 256)} {
		_, err := r.Get(key)
		var invalid *highway.InvalidPolicyError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "1 to 255 bytes") {
			t.Errorf("for %d bytes: %v", len(key), err)
		}
	}
	get(t, r, strings.Repeat("x", 255))
}

func TestAConfigWithoutSenseIsRefusedWhole(t *testing.T) {
	_, err := registry.New(registry.Config{
		Policy:    highway.CircuitProtectorPolicy{ResourceKey: "a", Cooldown: -1, Storage: highway.NewInMemoryStorage()},
		Limit:     -1,
		IdleAfter: -1,
	})
	for _, want := range []string{"Policy.ResourceKey is \"a\": it must be empty", "Cooldown", "Limit", "IdleAfter"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
