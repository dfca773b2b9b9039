package benchmarks

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	eapache "github.com/eapache/go-resiliency/breaker"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/sony/gobreaker/v2"

	"github.com/highway-engine/highway"
)

// BenchmarkMemory states what a breaker occupies on the heap: freshly made, used for
// two windows of calls, and open. gobreaker and eapache keep counts and no window.
// The calls go through failsafe-go's permits, which leave behind what its executor
// does; the executor is not part of the figure.
func BenchmarkMemory(b *testing.B) {
	for _, window := range []int{10, 100, 1000} {
		occupy(b, 1000, highwayMemory(window))
		occupy(b, 1000, failsafeMemory(window))
	}
	occupy(b, 1000, gobreakerMemory())
	occupy(b, 1000, eapacheMemory())

	const many = 100_000
	occupy(b, many, highwayMemory(10))
	occupy(b, many, failsafeMemory(10))
	occupy(b, many, gobreakerMemory())
}

// A kind of breaker, and how it comes into the states that are measured.
type kind[B any] struct {
	name  string
	build func() B
	use   func(B)
	open  func(B) // nil: not measured
}

func highwayMemory(window int) kind[*highway.CircuitProtector] {
	return kind[*highway.CircuitProtector]{
		name:  fmt.Sprintf("highway/window=%d", window),
		build: func() *highway.CircuitProtector { return protector(window) },
		use: func(p *highway.CircuitProtector) {
			for range 2 * window {
				_ = p.Do(ctx, work)
			}
		},
		open: func(p *highway.CircuitProtector) { _ = p.Open(ctx, time.Hour) },
	}
}

func failsafeMemory(window int) kind[circuitbreaker.CircuitBreaker[int]] {
	return kind[circuitbreaker.CircuitBreaker[int]]{
		name: fmt.Sprintf("failsafe/window=%d", window),
		build: func() circuitbreaker.CircuitBreaker[int] {
			return failsafeOf(uint(window/2), uint(window))
		},
		use: func(f circuitbreaker.CircuitBreaker[int]) {
			for range 2 * window {
				if f.TryAcquirePermit() {
					f.RecordSuccess()
				}
			}
		},
		open: func(f circuitbreaker.CircuitBreaker[int]) { f.Open() },
	}
}

func gobreakerMemory() kind[*gobreaker.CircuitBreaker[int]] {
	return kind[*gobreaker.CircuitBreaker[int]]{
		name:  "gobreaker",
		build: func() *gobreaker.CircuitBreaker[int] { return gobreakerOf(5) },
		use: func(g *gobreaker.CircuitBreaker[int]) {
			for range 20 {
				_, _ = g.Execute(bareValue)
			}
		},
		open: func(g *gobreaker.CircuitBreaker[int]) {
			for range 6 {
				_, _ = g.Execute(func() (int, error) { return 0, errDown })
			}
		},
	}
}

// eapacheMemory has no open state to measure: each open breaker has a goroutine that
// sleeps until the timeout, so a thousand would outlive the measurement.
func eapacheMemory() kind[*eapache.Breaker] {
	return kind[*eapache.Breaker]{
		name:  "eapache",
		build: func() *eapache.Breaker { return eapache.New(5, 1, time.Hour) },
		use: func(e *eapache.Breaker) {
			for range 20 {
				_ = e.Run(bareWork)
			}
		},
	}
}

// occupy reports the heap bytes per breaker of n breakers, and the goroutines that
// they all add.
func occupy[B any](b *testing.B, n int, k kind[B]) {
	states := []struct {
		name  string
		reach func(B)
	}{{"fresh", func(B) {}}, {"used", k.use}, {"open", k.open}}
	for _, s := range states {
		if s.reach == nil {
			continue
		}
		// Once: testing calls a benchmark again and again until it has lasted.
		grown := sync.OnceValue(func() growth {
			breakers := make([]B, n)
			before := now()
			for i := range breakers {
				breakers[i] = k.build()
				s.reach(breakers[i])
			}
			after := now()
			runtime.KeepAlive(breakers)
			return growth{after.bytes - before.bytes, after.goroutines - before.goroutines}
		})
		b.Run(fmt.Sprintf("%s/breakers=%d/%s", k.name, n, s.name), func(b *testing.B) {
			b.ReportMetric(0, "ns/op") // which hides it: the time says nothing here
			b.ReportMetric(float64(grown().bytes)/float64(n), "B/breaker")
			b.ReportMetric(float64(grown().goroutines), "goroutines")
		})
	}
}

type growth struct{ bytes, goroutines int }

// now is what the process has at this moment, garbage taken away.
func now() growth {
	// Twice, since the first collection runs what keeps some objects for the second.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return growth{int(m.HeapAlloc), runtime.NumGoroutine()}
}
