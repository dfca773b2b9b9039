package highwayprometheus_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/highway-engine/highway"
	highwayprometheus "github.com/highway-engine/highway/prometheus"
	"github.com/prometheus/client_golang/prometheus"
)

// BenchmarkScrape gathers 10,000 protectors, under as many labels as there are by default
// and under one each.
func BenchmarkScrape(b *testing.B) {
	var all []*highway.CircuitProtector
	for i := range 10_000 {
		p := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
			ResourceKey: fmt.Sprintf("host-%d.example", i), CountCalls: true,
		}))
		play(p, ".x.......")
		all = append(all, p)
	}
	for _, keys := range []int{highwayprometheus.DefaultMaxKeys, len(all)} {
		b.Run(fmt.Sprintf("protectors=10000/keys=%d", keys), func(b *testing.B) {
			registry := prometheus.NewRegistry()
			registry.MustRegister(must(highwayprometheus.NewCollector(slices.Values(all), highwayprometheus.Config{MaxKeys: keys})))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := registry.Gather(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCall is a healthy call, while nobody looks and while somebody scrapes without a
// pause, thousands of times more often than anybody does.
func BenchmarkCall(b *testing.B) {
	for _, count := range []bool{false, true} {
		for _, scraped := range []bool{false, true} {
			b.Run(fmt.Sprintf("CountCalls=%v/scraped=%v", count, scraped), func(b *testing.B) {
				p := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "a", CountCalls: count}))
				play(p, "....................")
				done := make(chan struct{})
				var group sync.WaitGroup
				if scraped {
					registry := prometheus.NewRegistry()
					registry.MustRegister(must(highwayprometheus.NewCollector(
						slices.Values([]*highway.CircuitProtector{p}), highwayprometheus.Config{})))
					group.Go(func() {
						for {
							select {
							case <-done:
								return
							default:
								_, _ = registry.Gather()
							}
						}
					})
				}
				ctx := context.Background()
				call := func(context.Context) error { return nil }
				b.ReportAllocs()
				for b.Loop() {
					_ = p.Do(ctx, call)
				}
				close(done)
				group.Wait()
			})
		}
	}
}

// BenchmarkAttempt is a call that succeeds at once through a retry policy, counted and not.
func BenchmarkAttempt(b *testing.B) {
	collector := must(highwayprometheus.NewCollector(slices.Values([]*highway.CircuitProtector{}), highwayprometheus.Config{}))
	for _, counted := range []bool{false, true} {
		b.Run(fmt.Sprintf("counted=%v", counted), func(b *testing.B) {
			retry := highway.RetryWithBackoffPolicy{}
			if counted {
				retry.OnAttempt = collector.OnAttempt("a")
			}
			ctx := context.Background()
			call := func(context.Context) error { return nil }
			b.ReportAllocs()
			for b.Loop() {
				_ = retry.Do(ctx, call)
			}
		})
	}
}

// BenchmarkMemory is what a collector remembers of each protector.
func BenchmarkMemory(b *testing.B) {
	var all []*highway.CircuitProtector
	for i := range 10_000 {
		all = append(all, highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: fmt.Sprint(i)})))
	}
	var collectors []*highwayprometheus.Collector
	heap := func() float64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return float64(stats.HeapAlloc)
	}
	before := heap()
	for b.Loop() {
		c := must(highwayprometheus.NewCollector(slices.Values(all), highwayprometheus.Config{}))
		registry := prometheus.NewRegistry()
		registry.MustRegister(c)
		if _, err := registry.Gather(); err != nil {
			b.Fatal(err)
		}
		collectors = append(collectors, c)
	}
	b.ReportMetric((heap()-before)/float64(len(all)*len(collectors)), "B/protector")
	runtime.KeepAlive(collectors)
	runtime.KeepAlive(all)
}
