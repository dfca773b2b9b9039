package registry_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
)

// many gives a registry of 100,000 protectors, and their keys.
func many(t testing.TB) (*registry.Registry, []string) {
	r := newRegistry(t, registry.Config{})
	all := make([]string, registry.DefaultLimit)
	for i := range all {
		all[i] = fmt.Sprintf("api-%d.example.com", i)
		get(t, r, all[i])
	}
	return r, all
}

func TestALookupAllocatesNothing(t *testing.T) {
	r, all := many(t)
	i := 0
	for name, look := range map[string]func(key string) *highway.CircuitProtector{
		"Get":  func(key string) *highway.CircuitProtector { return get(t, r, key) },
		"Find": r.Find,
	} {
		if n := testing.AllocsPerRun(10_000, func() {
			if i += 7919; look(all[i%len(all)]) == nil {
				t.Fatal("it is gone")
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	if r.Len() != len(all) {
		t.Errorf("there are %d", r.Len())
	}
}

// TestEverythingAtOnce is for the race detector; what must hold is that a key has one
// protector and that the order stands.
func TestEverythingAtOnce(t *testing.T) {
	r := newRegistry(t, registry.Config{Limit: 50})
	const rounds = 300
	key := func(i int) string { return fmt.Sprint("key ", i%100) }
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			for i := range rounds {
				p, err := r.Get(key(i * (g + 1)))
				if err != nil {
					continue // full
				}
				if again, err := r.Get(p.ResourceKey()); g == 0 && err == nil && again.ResourceKey() != p.ResourceKey() {
					t.Error("got another key")
				}
				_ = p.Do(t.Context(), succeed)
				if i%10 == 0 {
					_ = p.Do(t.Context(), fail)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range rounds {
			r.Find(key(i))
			if i%10 == 0 {
				r.Remove(key(i))
			}
		}
	})
	wg.Go(func() {
		for i := range rounds / 10 {
			if err := r.Update(registry.Settings{Template: highway.Settings{FailureLimit: highway.Fraction(1, 1+i)}}); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for range rounds / 10 {
			before := ""
			for p := range r.All() {
				if p.ResourceKey() <= before {
					t.Errorf("%q comes after %q", p.ResourceKey(), before)
				}
				before = p.ResourceKey()
			}
			r.Len()
			r.Settings()
		}
	})
	wg.Wait()
}

// BenchmarkGet looks up protectors among 100,000: always the same one, and all in turn,
// which is a matter of the processor's caches.
func BenchmarkGet(b *testing.B) {
	r, all := many(b)
	for name, step := range map[string]int{"one": 0, "each": 7919} {
		b.Run(name+"/serial", func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				if _, err := r.Get(all[i*step%len(all)]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, err := r.Get(all[i*step%len(all)]); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkAdd makes protectors, in a registry that has place and in one that is full.
func BenchmarkAdd(b *testing.B) {
	for name, limit := range map[string]int{"place": 1 << 30, "full": 1000} {
		b.Run(name, func(b *testing.B) {
			r := newRegistry(b, registry.Config{Limit: limit})
			b.ReportAllocs()
			for i := range b.N {
				get(b, r, fmt.Sprint(i))
			}
		})
	}
}

// BenchmarkAll ranges over 100,000 protectors: as they were, and with one more each time.
func BenchmarkAll(b *testing.B) {
	for name, grows := range map[string]bool{"same": false, "grown": true} {
		b.Run(name, func(b *testing.B) {
			r, _ := many(b)
			for i := range b.N {
				if grows {
					r.Remove("api-1.example.com")
					get(b, r, "api-1.example.com")
				}
				n := 0
				for range r.All() {
					n++
				}
				if n != registry.DefaultLimit {
					b.Fatalf("%d of them, round %d", n, i)
				}
			}
		})
	}
}
