package benchmarks

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/afex/hystrix-go/hystrix"
	eapache "github.com/eapache/go-resiliency/breaker"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	rubyist "github.com/rubyist/circuitbreaker"

	"github.com/highway-engine/highway"
)

// BenchmarkEmpty is a call without any protection: what the processors make of
// nothing at all.
func BenchmarkEmpty(b *testing.B) {
	measure(b, none, []subject{{"call", func(n int) (failed int) {
		for range n {
			failed += count(work(ctx))
		}
		return failed
	}}})
}

// BenchmarkHealthy makes calls that succeed through closed breakers.
func BenchmarkHealthy(b *testing.B) {
	g := gobreakerOf(5)
	f := failsafe.With(failsafeOf(5, 10))
	permits := failsafeOf(5, 10)
	e := eapache.New(5, 1, time.Hour)
	r := rubyist.NewRateBreaker(0.5, 10)
	// It hands tickets back a little after the call: with few of them it would refuse.
	hystrix.ConfigureCommand("healthy", hystrix.CommandConfig{
		MaxConcurrentRequests: 100_000, Timeout: 60_000, // ms
	})
	counting := protectorOf(highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(5, 10), CountCalls: true,
	})

	// The peers that Do is compared with come right after it, and the one that leaves
	// timers and goroutines behind comes last.
	subjects := []subject{
		do("highway.Do/window=10", protector(10)),
		{"eapache", func(n int) (failed int) {
			for range n {
				failed += count(e.Run(bareWork))
			}
			return failed
		}},
		{"gobreaker", func(n int) (failed int) {
			for range n {
				_, err := g.Execute(bareValue)
				failed += count(err)
			}
			return failed
		}},
		do("highway.Do/window=1000", protector(1000)),
		do("highway.Do-CountCalls/window=10", counting),
	}
	for _, window := range []int{10, 1000} {
		subjects = append(subjects, typed(fmt.Sprintf("/window=%d", window), protector(window))...)
	}
	measure(b, none, append(subjects, []subject{
		{"rubyist", func(n int) (failed int) {
			for range n {
				failed += count(r.Call(bareWork, 0))
			}
			return failed
		}},
		{"failsafe", func(n int) (failed int) {
			for range n {
				_, err := f.Get(bareValue)
				failed += count(err)
			}
			return failed
		}},
		{"failsafe-permit", func(n int) (failed int) {
			for range n {
				if !permits.TryAcquirePermit() {
					failed++
					continue
				}
				if _, err := bareValue(); err != nil {
					permits.RecordFailure()
				} else {
					permits.RecordSuccess()
				}
			}
			return failed
		}},
		{"hystrix", func(n int) (failed int) {
			for range n {
				failed += count(hystrix.Do("healthy", bareWork, nil))
			}
			return failed
		}},
	}...))
}

// do makes calls with Do through p.
func do(name string, p *highway.CircuitProtector) subject {
	return subject{name, func(n int) (failed int) {
		for range n {
			failed += count(p.Do(ctx, work))
		}
		return failed
	}}
}

// typed makes calls through p in all other ways.
func typed(suffix string, p *highway.CircuitProtector) []subject {
	decorated := highway.Decorate(p, square)
	return []subject{
		{"highway.Call" + suffix, func(n int) (failed int) {
			for range n {
				_, err := highway.Call(ctx, p, value)
				failed += count(err)
			}
			return failed
		}},
		{"highway.Protect" + suffix, func(n int) (failed int) {
			for range n {
				_, err := highway.Protect(ctx, p, value)
				failed += count(err)
			}
			return failed
		}},
		{"highway.Decorate" + suffix, func(n int) (failed int) {
			for i := range n {
				_, err := decorated(ctx, i)
				failed += count(err)
			}
			return failed
		}},
		{"highway.Do-closure" + suffix, func(n int) (failed int) {
			for i := range n {
				failed += count(p.Do(ctx, func(context.Context) error {
					if i < 0 {
						return errDown
					}
					return nil
				}))
			}
			return failed
		}},
		{"highway.Call-closure" + suffix, func(n int) (failed int) {
			for i := range n {
				_, err := highway.Call(ctx, p, func(context.Context) (int, error) { return i, nil })
				failed += count(err)
			}
			return failed
		}},
		{"highway.Protect-closure" + suffix, func(n int) (failed int) {
			for i := range n {
				_, err := highway.Protect(ctx, p, func(context.Context) (int, error) { return i, nil })
				failed += count(err)
			}
			return failed
		}},
		{"highway.Acquire" + suffix, func(n int) (failed int) {
			for range n {
				permit, err := p.Acquire(ctx)
				if err != nil {
					failed++
					continue
				}
				permit.Settle(work(ctx))
			}
			return failed
		}},
	}
}

// BenchmarkTenth makes calls of which one in ten fails, through breakers that stay
// closed: their limits are such that no order in which many processors come to them
// opens one.
func BenchmarkTenth(b *testing.B) {
	through := func(name string, window int) subject {
		p := protectorOf(highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(window, window)})
		return subject{name, func(n int) (failed int) {
			for i := range n {
				failed += count(p.Do(ctx, func(context.Context) error { return outcome(i) }))
			}
			return failed
		}}
	}
	g := gobreakerOf(1000)
	permits := failsafeOf(10, 10)
	f := failsafe.With(failsafeOf(10, 10))
	e := eapache.New(5, 1, time.Nanosecond) // it opens at 5 errors that are no further apart
	r := rubyist.NewRateBreaker(0.99, 1000)
	measure(b, tenth, []subject{
		through("highway.Do/window=10", 10),
		{"failsafe-permit", func(n int) (failed int) {
			for i := range n {
				if !permits.TryAcquirePermit() {
					return -1
				}
				if outcome(i) != nil {
					failed++
					permits.RecordFailure()
				} else {
					permits.RecordSuccess()
				}
			}
			return failed
		}},
		through("highway.Do/window=1000", 1000),
		{"eapache", func(n int) (failed int) {
			for i := range n {
				failed += count(e.Run(func() error { return outcome(i) }))
			}
			return failed
		}},
		{"gobreaker", func(n int) (failed int) {
			for i := range n {
				_, err := g.Execute(func() (int, error) { return i, outcome(i) })
				failed += count(err)
			}
			return failed
		}},
		{"rubyist", func(n int) (failed int) {
			for i := range n {
				failed += count(r.Call(func() error { return outcome(i) }, 0))
			}
			return failed
		}},
		{"failsafe", func(n int) (failed int) {
			for i := range n {
				_, err := f.Get(func() (int, error) { return i, outcome(i) })
				failed += count(err)
			}
			return failed
		}},
	})
}

// BenchmarkRefused makes calls that open breakers refuse.
func BenchmarkRefused(b *testing.B) {
	p := protector(10)
	counting := protectorOf(highway.CircuitProtectorPolicy{CountCalls: true})
	for _, p := range []*highway.CircuitProtector{p, counting} {
		if err := p.Open(ctx, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
	g := gobreakerOf(5)
	permits := failsafeOf(5, 10)
	permits.Open()
	f := failsafe.With(permits)
	e := eapache.New(1, 1, time.Hour)
	for range 10 {
		_, _ = g.Execute(func() (int, error) { return 0, errDown })
		_ = e.Run(func() error { return errDown })
	}
	r := rubyist.NewRateBreaker(0.5, 10)
	r.Break()
	measure(b, all, []subject{
		do("highway.Do", p),
		{"gobreaker", func(n int) (failed int) {
			for range n {
				_, err := g.Execute(bareValue)
				failed += count(err)
			}
			return failed
		}},
		{"highway.Call", func(n int) (failed int) {
			for range n {
				_, err := highway.Call(ctx, p, value)
				failed += count(err)
			}
			return failed
		}},
		do("highway.Do-CountCalls", counting),
		{"eapache", func(n int) (failed int) {
			for range n {
				failed += count(e.Run(bareWork))
			}
			return failed
		}},
		{"rubyist", func(n int) (failed int) {
			for range n {
				failed += count(r.Call(bareWork, 0))
			}
			return failed
		}},
		{"failsafe", func(n int) (failed int) {
			for range n {
				_, err := f.Get(bareValue)
				failed += count(err)
			}
			return failed
		}},
		{"failsafe-permit", func(n int) (failed int) {
			for range n {
				if !permits.TryAcquirePermit() {
					failed++
				}
			}
			return failed
		}},
	})
}

// BenchmarkNet makes calls that succeed through a retry around a closed breaker.
func BenchmarkNet(b *testing.B) {
	net := highway.Must(highway.NewSafetyNet(highway.RetryWithBackoffPolicy{}, protector(10)))
	decorated := highway.Decorate(net, square)
	f := failsafe.With[int](retrypolicy.NewWithDefaults[int](), failsafeOf(5, 10))
	measure(b, none, []subject{
		{"highway.Call", func(n int) (failed int) {
			for range n {
				_, err := highway.Call(ctx, net, value)
				failed += count(err)
			}
			return failed
		}},
		{"failsafe", func(n int) (failed int) {
			for range n {
				_, err := f.Get(bareValue)
				failed += count(err)
			}
			return failed
		}},
		{"highway.Do", func(n int) (failed int) {
			for range n {
				failed += count(net.Do(ctx, work))
			}
			return failed
		}},
		{"highway.Decorate", func(n int) (failed int) {
			for i := range n {
				_, err := decorated(ctx, i)
				failed += count(err)
			}
			return failed
		}},
	})
}
