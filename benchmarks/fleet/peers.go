package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway/benchmarks/internal/markdown"
)

const (
	peerInstances = 20
	peerOutages   = 5
	callTime      = time.Millisecond // of what is called
	healthyTime   = 3 * time.Second
	stoppedTime   = time.Second     // of the store
	afterwards    = 5 * time.Second // watched since it was stopped
	longestOutage = 15 * time.Second
)

// peers lets four kinds of breakers go through the same: healthy calls, a stop of the
// store, outages of what is called.
func peers(ctx context.Context) (findings, error) {
	table := &markdown.Table{Head: []string{
		"breakers", "healthy calls/s", "wasted calls", "until all refuse, ms",
		"store stopped: calls/s", "failed by it", "longest call, ms",
	}}
	var found findings
	for _, enter := range []struct {
		ours bool
		with func(context.Context, int) (*contestant, error)
	}{{true, highwayShared}, {false, gobreakerShared}, {false, highwayAlone}, {false, gobreakerAlone}} {
		c, err := enter.with(ctx, peerInstances)
		if err != nil {
			return findings{}, err
		}
		row, stopped, err := c.compete(ctx)
		c.close()
		if err != nil {
			return findings{}, fmt.Errorf("%s: %w", c.name, err)
		}
		table.Add(row...)
		if enter.ours {
			found.targets = append(found.targets, target{
				what:     "Calls that fail because the store is stopped, " + c.name,
				required: "0",
				measured: strconv.Itoa(stopped.failed),
				met:      stopped.failed == 0,
			})
		}
	}
	found.text = fmt.Sprintf("%d instances with a goroutine each; what they call takes a millisecond. Every breaker trips at %d failures in a row after "+
		"healthy calls. Healthy: each calls again as soon as it has its answer. In an outage a quarter of them make 50 calls a second and the "+
		"others 5; wasted are the calls made until every instance has refused one: the median of %d outages, with the lowest and highest. "+
		"An instance that makes 5 calls a second shows no sooner than in a fifth of a second, on average a tenth, that it refuses. Then, with healthy calls "+
		"as before, the store's server is stopped in order and started a second later; the figures are those of the %v since. Failed by it are "+
		"calls that came back with an error which is neither a refusal nor that of what was called.\n\n%s",
		peerInstances, tripsAt, peerOutages, afterwards, table)
	return found, nil
}

// compete gives a row of the table.
func (c *contestant) compete(ctx context.Context) (row []string, stopped tallied, err error) {
	if err := c.reset(ctx); err != nil {
		return nil, stopped, err
	}
	healthy := c.work(ctx, healthyTime, nil, false)
	row = []string{c.name, three(float64(healthy.good) / healthy.took.Seconds())}
	if err := pause(ctx, time.Until(c.ready)); err != nil {
		return nil, stopped, err
	}
	var wasted, times []float64
	unfinished := 0
	for range peerOutages {
		if err := c.reset(ctx); err != nil {
			return nil, stopped, err
		}
		c.work(ctx, 500*time.Millisecond, nil, false)
		outage := c.work(ctx, longestOutage, errDown, true)
		wasted = append(wasted, float64(outage.made))
		times = append(times, milliseconds(outage.took))
		if !outage.allRefused {
			unfinished++
		}
	}
	row = append(row, spread(wasted), spread(times))
	if unfinished > 0 {
		row[len(row)-1] += fmt.Sprintf(", %d of %d not within %v", unfinished, peerOutages, longestOutage)
	}
	if c.store == nil {
		return append(row, "–", "–", "–"), stopped, nil
	}
	if err := c.reset(ctx); err != nil {
		return nil, stopped, err
	}
	c.work(ctx, 500*time.Millisecond, nil, false)
	var faults error
	var wg sync.WaitGroup
	wg.Go(func() {
		faults = errors.Join(c.store.stop(ctx), pause(ctx, stoppedTime), c.store.start(ctx))
	})
	stopped = c.work(ctx, afterwards, nil, false)
	wg.Wait()
	return append(row, three(float64(stopped.good)/stopped.took.Seconds()), strconv.Itoa(stopped.failed),
		three(milliseconds(stopped.longest))), stopped, faults
}

// spread is the median with the lowest and the highest.
func spread(values []float64) string {
	return fmt.Sprintf("%s (%s–%s)", three(median(values)), three(slices.Min(values)), three(slices.Max(values)))
}

// A tallied is what has become of calls.
type tallied struct {
	good, made, failed int
	longest, took      time.Duration
	allRefused         bool
}

// rest is how long an instance waits between two calls in an outage.
func rest(instance int) time.Duration {
	if instance%4 == 0 {
		return time.Second / 50
	}
	return time.Second / 5
}

// work lets every instance make calls for some time, paced or one after the other. When they fail it ends as soon as
// every instance has refused one, and does not count what is made later.
func (c *contestant) work(ctx context.Context, most time.Duration, outcome error, paced bool) tallied {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	var refusing atomic.Int32
	all := make([]tallied, peerInstances)
	start := time.Now()
	var ended atomic.Int64
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			t := &all[i]
			if paced { // not all at the same instant
				_ = pause(ctx, rest(i)*time.Duration(i)/peerInstances)
			}
			for ctx.Err() == nil {
				made := false
				begun := time.Now()
				err := c.call(i, func() error {
					made = true
					time.Sleep(callTime)
					return outcome
				})
				t.longest = max(t.longest, time.Since(begun))
				if made {
					t.made++
				}
				switch {
				case err == nil:
					t.good++
				case c.refused(err):
					if !t.allRefused {
						t.allRefused = true
						if refusing.Add(1) == peerInstances && outcome != nil {
							ended.Store(int64(time.Since(start)))
							cancel()
						}
					}
					time.Sleep(callTime)
				case !errors.Is(err, errDown):
					t.failed++
				}
				if paced {
					_ = pause(ctx, rest(i)-time.Since(begun))
				}
			}
		})
	}
	wg.Wait()
	sum := tallied{took: time.Since(start), allRefused: refusing.Load() == peerInstances}
	if at := ended.Load(); at > 0 {
		sum.took = time.Duration(at)
	}
	for _, t := range all {
		sum.good += t.good
		sum.made += t.made
		sum.failed += t.failed
		sum.longest = max(sum.longest, t.longest)
	}
	return sum
}
