package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
)

// shared makes a protector of a fleet of two, on a storage that is closed in the end.
func shared(b *testing.B, key string, policy highway.CircuitProtectorPolicy) *highway.CircuitProtector {
	b.Helper()
	storage := highway.NewInMemoryStorage()
	b.Cleanup(func() { _ = storage.Close(context.Background()) })
	policy.ResourceKey, policy.Storage = key, storage
	p := protectorOf(policy)
	other := protectorOf(policy)
	b.Cleanup(func() { runtime.KeepAlive(other) })
	return p
}

// BenchmarkShared makes calls through a protector of a fleet, beside one that is alone:
// healthy, failing now and then, and open.
func BenchmarkShared(b *testing.B) {
	policy := highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(5, 10)}
	measure(b, none, []subject{
		do("alone/healthy", protectorOf(policy)),
		do("shared/healthy", shared(b, "healthy", policy)),
	})
	// Failures at a distance, so that the window never trips.
	failing := func(name string, p *highway.CircuitProtector) subject {
		return subject{name, func(n int) (failed int) {
			for i := range n {
				failed += count(p.Do(ctx, func(context.Context) error {
					if i%10 == 0 {
						return errDown
					}
					return nil
				}))
			}
			return failed
		}}
	}
	limit := highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(100, 100)}
	measure(b, tenth, []subject{
		failing("alone/failing", protectorOf(limit)),
		failing("shared/failing", shared(b, "failing", limit)),
	})
	open := func(p *highway.CircuitProtector) *highway.CircuitProtector {
		if err := p.Open(ctx, time.Hour); err != nil {
			b.Fatal(err)
		}
		return p
	}
	measure(b, all, []subject{
		do("alone/open", open(protectorOf(policy))),
		do("shared/open", open(shared(b, "open", policy))),
	})
}

// BenchmarkFleet measures what the members of a fleet do beside calls.
func BenchmarkFleet(b *testing.B) {
	b.Run("adoption/once", adoption)
	b.Run("100,000 protectors/once", manyKeys)
}

// adoption is from a command to one protector of a fleet until another refuses its calls.
func adoption(b *testing.B) {
	storage := highway.NewInMemoryStorage()
	defer func() { _ = storage.Close(context.Background()) }()
	policy := highway.CircuitProtectorPolicy{ResourceKey: "adoption", Storage: storage}
	p, q := protectorOf(policy), protectorOf(policy)
	for !p.Snapshot().Fleet.Live || !q.Snapshot().Fleet.Live {
		runtime.Gosched()
	}
	for b.Loop() {
		if err := p.Isolate(ctx); err != nil {
			b.Fatal(err)
		}
		for !errors.Is(q.Do(ctx, work), highway.ErrProtectedCall) {
			runtime.Gosched()
		}
		b.StopTimer()
		if err := p.Close(ctx); err != nil {
			b.Fatal(err)
		}
		for q.Status() != highway.Closed {
			runtime.Gosched()
		}
		b.StartTimer()
	}
}

// manyKeys is what 100,000 protectors on one storage occupy.
func manyKeys(b *testing.B) {
	const many = 100_000
	for b.Loop() {
		storage := &counting{Storage: highway.NewInMemoryStorage()}
		before, goroutines := heap(), runtime.NumGoroutine()
		all := make([]*highway.CircuitProtector, many)
		for i := range all {
			all[i] = protectorOf(highway.CircuitProtectorPolicy{
				ResourceKey: fmt.Sprint("key-", i), FailureLimit: highway.Fraction(5, 10), Storage: storage,
			})
		}
		time.Sleep(3 * time.Second) // all have asked once
		b.ReportMetric(float64(heap()-before)/many, "B/breaker")
		requests, start := storage.requests.Load(), time.Now()
		time.Sleep(3 * time.Second)
		b.ReportMetric(float64(storage.requests.Load()-requests)/time.Since(start).Seconds(), "requests/s")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines")
		runtime.KeepAlive(all)
		_ = highway.CloseStorage(context.Background(), storage)
	}
}

// counting counts what is asked of a storage.
type counting struct {
	highway.Storage
	requests atomic.Int64
}

func (c *counting) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	c.requests.Add(1)
	return c.Storage.Exchange(ctx, instance, reports)
}

func (c *counting) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	c.requests.Add(1)
	return c.Storage.Change(ctx, key, from, row)
}

func (c *counting) Sweep(ctx context.Context, after string, limit int) ([]string, error) {
	c.requests.Add(1)
	return c.Storage.Sweep(ctx, after, limit)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
