package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/benchmarks/internal/markdown"
)

const (
	slower     = 1.1 // how much slower a shared protector may be
	pathRounds = 41
	pathTime   = 20 * time.Millisecond // of each side in each round
)

// callPath makes calls through a protector that is alone and through one of a fleet in
// turns, so that what slows the machine down slows both.
func callPath(ctx context.Context) (findings, error) {
	d, err := startDatabase(ctx)
	if err != nil {
		return findings{}, err
	}
	defer d.close()
	table := &markdown.Table{Head: []string{"calls", "goroutines", "alone ns", "shared ns", "shared ÷ alone"}, Text: map[int]bool{1: true}}
	var found findings
	for key, state := range []struct {
		name    string
		limit   highway.Limit
		opened  bool
		outcome func(i int) error
	}{
		{"healthy", highway.Fraction(5, 10), false, func(int) error { return nil }},
		{"one in ten fails", highway.Fraction(100, 100), false, everyTenth},
		{"open", highway.Fraction(5, 10), true, func(int) error { return nil }},
	} {
		policy := highway.CircuitProtectorPolicy{FailureLimit: state.limit, Cooldown: time.Hour}
		alone, err := highway.NewCircuitProtector(policy)
		if err != nil {
			return findings{}, err
		}
		// All keys live on, and this one's fleet is of two.
		policies := func(int) highway.CircuitProtectorPolicy { return policy }
		members, err := d.gather(ctx, 2, key+1, policies)
		if err != nil {
			return findings{}, err
		}
		shared := members[0][key]
		if state.opened {
			for _, p := range []*highway.CircuitProtector{alone, shared} {
				if err := p.Open(ctx, time.Hour); err != nil {
					return findings{}, err
				}
			}
		}
		for _, goroutines := range []int{1, runtime.GOMAXPROCS(0)} {
			a, s := race(ctx, alone, shared, state.outcome, goroutines)
			ratios := make([]float64, len(a))
			for i := range a {
				ratios[i] = s[i] / a[i]
			}
			table.Add(state.name, fmt.Sprint(goroutines), three(median(a)), three(median(s)), ranged(ratios))
			found.targets = append(found.targets, target{
				what:     fmt.Sprintf("Call on PostgreSQL, %s, %d at once", state.name, goroutines),
				required: fmt.Sprintf("≤ %g× the unshared one", slower),
				measured: ranged(ratios),
				met:      median(ratios) <= slower,
			})
		}
		runtime.KeepAlive(members)
		d.disband()
	}
	found.text = fmt.Sprintf("A protector on PostgreSQL, in a fleet of two, beside one that is alone: %d rounds in which both take turns. "+
		"Times are medians, ratios are taken within each round and shown as median (5th–95th percentile).\n\n%s", pathRounds, table)
	return found, nil
}

// race lets both make calls in turns, and gives the nanoseconds per call of each round.
func race(ctx context.Context, alone, shared *highway.CircuitProtector, outcome func(i int) error, goroutines int) (a, s []float64) {
	n := 1000
	for n < 1<<30 {
		if took := timed(ctx, alone, outcome, n, goroutines); took >= pathTime {
			break
		}
		n *= 2
	}
	timed(ctx, shared, outcome, n, goroutines)
	perCall := func(p *highway.CircuitProtector) float64 {
		return float64(timed(ctx, p, outcome, n, goroutines)) / float64(n)
	}
	for round := range pathRounds {
		if round%2 == 0 {
			a = append(a, perCall(alone))
			s = append(s, perCall(shared))
		} else {
			s = append(s, perCall(shared))
			a = append(a, perCall(alone))
		}
	}
	return a, s
}

// timed is how long n calls take on so many goroutines.
func timed(ctx context.Context, p *highway.CircuitProtector, outcome func(i int) error, n, goroutines int) time.Duration {
	start := time.Now()
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range n / goroutines {
				_ = p.Do(ctx, func(context.Context) error { return outcome(i) })
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

func everyTenth(i int) error {
	if i%10 == 0 {
		return errDown
	}
	return nil
}
