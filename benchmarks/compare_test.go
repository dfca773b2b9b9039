// Package benchmarks measures Highway beside its peers in one process. Run it with
// "make bench", which also makes the tables and the chart in README.md.
package benchmarks

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/afex/hystrix-go/hystrix"
	eapache "github.com/eapache/go-resiliency/breaker"
	"github.com/failsafe-go/failsafe-go"
	failsafebreaker "github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	rubyist "github.com/rubyist/circuitbreaker"
	"github.com/sony/gobreaker/v2"

	"github.com/highway-engine/highway"
)

// A loop makes n calls. The loop stands in the subject, not in the harness, so that
// nothing is measured but the calls.
type loop func(n int)

// subjects measures each loop alone and on all processors at once.
func subjects(b *testing.B, loops map[string]loop) {
	for name, run := range loops {
		run(10_000) // past the filling of every window
		b.Run(name+"/serial", func(b *testing.B) {
			b.ReportAllocs()
			run(b.N)
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			procs := runtime.GOMAXPROCS(0)
			var wg sync.WaitGroup
			for range procs {
				wg.Go(func() { run(b.N/procs + 1) })
			}
			wg.Wait()
		})
	}
}

var (
	ctx     = context.Background()
	errDown = errors.New("down")
)

func protector(window int) *highway.CircuitProtector {
	return highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(window/2, window),
	}))
}

func gobreakerOf[T any]() *gobreaker.CircuitBreaker[T] {
	return gobreaker.NewCircuitBreaker[T](gobreaker.Settings{
		Timeout:     time.Hour,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures > 5 },
	})
}

func failsafeBreaker() failsafebreaker.CircuitBreaker[int] {
	return failsafebreaker.NewBuilder[int]().WithFailureThresholdRatio(5, 10).WithDelay(time.Hour).Build()
}

func work(context.Context) error                   { return nil }
func value(context.Context) (int, error)           { return 1, nil }
func bareWork() error                              { return nil }
func bareValue() (int, error)                      { return 1, nil }
func square(_ context.Context, n int) (int, error) { return n * n, nil }

// BenchmarkEmpty is a call without any protection: what two processors make of
// nothing at all.
func BenchmarkEmpty(b *testing.B) {
	f := work
	subjects(b, map[string]loop{"call": func(n int) {
		for range n {
			_ = f(ctx)
		}
	}})
}

// BenchmarkHealthy makes calls that succeed through closed breakers.
func BenchmarkHealthy(b *testing.B) {
	loops := map[string]loop{}
	for _, window := range []int{10, 1000} {
		p, suffix := protector(window), "/window="+map[int]string{10: "10", 1000: "1000"}[window]
		decorated := highway.Decorate(p, square)
		loops["highway.Do"+suffix] = func(n int) {
			for range n {
				_ = p.Do(ctx, work)
			}
		}
		loops["highway.Call"+suffix] = func(n int) {
			for range n {
				_, _ = highway.Call(ctx, p, value)
			}
		}
		loops["highway.Do-closure"+suffix] = func(n int) {
			for i := range n {
				_ = p.Do(ctx, func(context.Context) error {
					if i < 0 {
						return errDown
					}
					return nil
				})
			}
		}
		loops["highway.Call-closure"+suffix] = func(n int) {
			for i := range n {
				_, _ = highway.Call(ctx, p, func(context.Context) (int, error) { return i, nil })
			}
		}
		loops["highway.Protect-closure"+suffix] = func(n int) {
			for i := range n {
				_, _ = highway.Protect(ctx, p, func(context.Context) (int, error) { return i, nil })
			}
		}
		loops["highway.Decorate"+suffix] = func(n int) {
			for i := range n {
				_, _ = decorated(ctx, i)
			}
		}
		loops["highway.Acquire"+suffix] = func(n int) {
			for range n {
				if permit, err := p.Acquire(ctx); err == nil {
					permit.Success()
				}
			}
		}
	}
	counting := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(5, 10), CountCalls: true,
	}))
	loops["highway.Do-CountCalls/window=10"] = func(n int) {
		for range n {
			_ = counting.Do(ctx, work)
		}
	}
	g := gobreakerOf[int]()
	loops["gobreaker"] = func(n int) {
		for range n {
			_, _ = g.Execute(bareValue)
		}
	}
	f := failsafe.With(failsafeBreaker())
	loops["failsafe"] = func(n int) {
		for range n {
			_, _ = f.Get(bareValue)
		}
	}
	e := eapache.New(5, 1, time.Hour)
	loops["eapache"] = func(n int) {
		for range n {
			_ = e.Run(bareWork)
		}
	}
	r := rubyist.NewRateBreaker(0.5, 10)
	loops["rubyist"] = func(n int) {
		for range n {
			_ = r.Call(bareWork, 0)
		}
	}
	hystrix.ConfigureCommand("healthy", hystrix.CommandConfig{MaxConcurrentRequests: 100})
	loops["hystrix"] = func(n int) {
		for range n {
			_ = hystrix.Do("healthy", bareWork, nil)
		}
	}
	subjects(b, loops)
}

// BenchmarkTenth makes calls of which one in ten fails, through breakers that stay
// closed.
func BenchmarkTenth(b *testing.B) {
	p := protector(10)
	q := protector(1000)
	outcome := func(i int) error {
		if i%10 == 0 {
			return errDown
		}
		return nil
	}
	through := func(p *highway.CircuitProtector) loop {
		return func(n int) {
			for i := range n {
				_ = p.Do(ctx, func(context.Context) error { return outcome(i) })
			}
		}
	}
	g := gobreakerOf[int]()
	permits := failsafeBreaker()
	f := failsafe.With(failsafeBreaker())
	subjects(b, map[string]loop{
		"highway.Do/window=10":   through(p),
		"highway.Do/window=1000": through(q),
		"gobreaker": func(n int) {
			for i := range n {
				_, _ = g.Execute(func() (int, error) { return i, outcome(i) })
			}
		},
		"failsafe": func(n int) {
			for i := range n {
				_, _ = f.Get(func() (int, error) { return i, outcome(i) })
			}
		},
		"failsafe-permit": func(n int) {
			for i := range n {
				if !permits.TryAcquirePermit() {
					b.Fatal("failsafe opened")
				}
				if outcome(i) != nil {
					permits.RecordFailure()
				} else {
					permits.RecordSuccess()
				}
			}
		},
	})
	for _, p := range []*highway.CircuitProtector{p, q} {
		if p.Status() != highway.Closed {
			b.Fatal("highway opened")
		}
	}
}

// BenchmarkRefused makes calls that open breakers refuse.
func BenchmarkRefused(b *testing.B) {
	p := protector(10)
	if err := p.Open(time.Hour); err != nil {
		b.Fatal(err)
	}
	counting := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{CountCalls: true}))
	if err := counting.Open(time.Hour); err != nil {
		b.Fatal(err)
	}
	g := gobreakerOf[int]()
	f := failsafeBreaker()
	f.Open()
	guarded := failsafe.With(f)
	e := eapache.New(1, 1, time.Hour)
	for range 10 {
		_, _ = g.Execute(func() (int, error) { return 0, errDown })
		_ = e.Run(func() error { return errDown })
	}
	r := rubyist.NewRateBreaker(0.5, 10)
	r.Break()
	subjects(b, map[string]loop{
		"highway.Do": func(n int) {
			for range n {
				_ = p.Do(ctx, work)
			}
		},
		"highway.Call": func(n int) {
			for range n {
				_, _ = highway.Call(ctx, p, value)
			}
		},
		"highway.Do-CountCalls": func(n int) {
			for range n {
				_ = counting.Do(ctx, work)
			}
		},
		"gobreaker": func(n int) {
			for range n {
				_, _ = g.Execute(bareValue)
			}
		},
		"failsafe": func(n int) {
			for range n {
				_, _ = guarded.Get(bareValue)
			}
		},
		"eapache": func(n int) {
			for range n {
				_ = e.Run(bareWork)
			}
		},
		"rubyist": func(n int) {
			for range n {
				_ = r.Call(bareWork, 0)
			}
		},
	})
}

// BenchmarkNet makes calls that succeed through a retry around a closed breaker.
func BenchmarkNet(b *testing.B) {
	net := highway.Must(highway.NewSafetyNet(highway.RetryWithBackoffPolicy{}, protector(10)))
	decorated := highway.Decorate(net, square)
	f := failsafe.With[int](retrypolicy.NewWithDefaults[int](), failsafeBreaker())
	subjects(b, map[string]loop{
		"highway.Do": func(n int) {
			for range n {
				_ = net.Do(ctx, work)
			}
		},
		"highway.Call": func(n int) {
			for range n {
				_, _ = highway.Call(ctx, net, value)
			}
		},
		"highway.Decorate": func(n int) {
			for i := range n {
				_, _ = decorated(ctx, i)
			}
		},
		"failsafe": func(n int) {
			for range n {
				_, _ = f.Get(bareValue)
			}
		},
	})
}
