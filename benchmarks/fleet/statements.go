package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/benchmarks/internal/markdown"
)

const (
	// watched is how long statements are counted: longer than any rhythm of an instance.
	watched = 11 * time.Second
	// loaded is how many calls are made meanwhile.
	loaded = 1_000_000
	// nothing is what shows as 0.000.
	nothing = 0.0005
)

// statements counts at the server what calls ask of the database: statements while calls
// are made, less those of as long a time without.
func statements(ctx context.Context) (findings, error) {
	d, err := startDatabase(ctx)
	if err != nil {
		return findings{}, err
	}
	defer d.close()
	sizes := []int{1, 100, 10_000}
	all := make([]counted, len(sizes))
	errs := make([]error, len(sizes))
	var wg sync.WaitGroup
	for i, keys := range sizes {
		own, err := d.another(ctx)
		if err != nil {
			return findings{}, err
		}
		wg.Go(func() { all[i], errs[i] = own.count(ctx, keys) })
	}
	wg.Wait()
	table := &markdown.Table{Head: []string{"keys", "state", "at rest, per second", "under load, per second", "calls", "statements per call"}, Text: map[int]bool{1: true}}
	var found findings
	for i, keys := range sizes {
		if errs[i] != nil {
			return findings{}, errs[i]
		}
		for _, c := range []struct {
			state string
			load
		}{{"CLOSED", all[i].closed}, {"OPEN", all[i].open}} {
			perCall := fmt.Sprintf("%.3f", max(c.perCall(), 0))
			table.Add(fmt.Sprint(keys), c.state, three(c.rest), three(c.busy), fmt.Sprint(c.calls), perCall)
			found.targets = append(found.targets, target{
				what:     fmt.Sprintf("Statements per call, %s, %d keys", c.state, keys),
				required: "0.000",
				measured: perCall,
				met:      math.Abs(c.perCall()) < nothing,
			})
		}
	}
	found.text = fmt.Sprintf("Counted by the server (`pg_stat_statements`), for one instance: %v at rest, then %v in which it makes "+
		"calls at all keys in turn. What a call costs is the difference divided by the calls. At rest an instance says every three "+
		"seconds that it lives and looks every second where something goes on; keys that are not closed it reads each time, in "+
		"batches of 500. Not among them are the empty statements by which the pool sees whether a connection that was idle for a second is there.\n\n%s", watched, watched, table)
	return found, nil
}

// counted are the statements in both states.
type counted struct{ closed, open load }

// A load is what was counted at rest and under load, per second, over as long a time.
type load struct {
	rest, busy float64
	calls      int
}

func (l load) perCall() float64 {
	return (l.busy - l.rest) * watched.Seconds() / float64(l.calls)
}

// count counts the statements of one instance.
func (d *database) count(ctx context.Context, keys int) (c counted, err error) {
	fleet, err := d.gather(ctx, 1, keys, func(int) highway.CircuitProtectorPolicy {
		return highway.CircuitProtectorPolicy{Cooldown: time.Hour}
	})
	if err != nil {
		return c, err
	}
	defer runtime.KeepAlive(fleet)
	all := fleet[0]
	makeCalls(ctx, all, loaded/10, 0)
	if err := pause(ctx, 3*time.Second); err != nil {
		return c, err
	}
	if c.closed, err = d.load(ctx, all); err != nil {
		return c, err
	}
	// All at once, as a program that knows but the table would do it.
	if _, err := d.control.Exec(ctx, "UPDATE hw_circuit_breakers SET state = 'OPEN'"); err != nil {
		return c, err
	}
	if err := await(ctx, time.Minute, "that every key opens", func() bool { return inState(all, highway.Open) }); err != nil {
		return c, err
	}
	if err := pause(ctx, 3*time.Second); err != nil {
		return c, err
	}
	c.open, err = d.load(ctx, all)
	return c, err
}

func inState(all []*highway.CircuitProtector, state highway.CircuitState) bool {
	for _, p := range all {
		if p.Status() != state {
			return false
		}
	}
	return true
}

func (d *database) load(ctx context.Context, all []*highway.CircuitProtector) (l load, err error) {
	if l.rest, err = d.rate(ctx, func() {}); err != nil {
		return l, err
	}
	l.busy, err = d.rate(ctx, func() { l.calls = makeCalls(ctx, all, loaded, watched) })
	return l, err
}

// rate is how many statements there are per second, while something is done.
func (d *database) rate(ctx context.Context, while func()) (float64, error) {
	before, err := d.statements(ctx)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	while()
	if err := pause(ctx, watched-time.Since(start)); err != nil {
		return 0, err
	}
	after, err := d.statements(ctx)
	return float64(after-before) / time.Since(start).Seconds(), err
}

// makeCalls makes n calls that succeed, at all keys in turn and spread over some time.
func makeCalls(ctx context.Context, all []*highway.CircuitProtector, n int, over time.Duration) int {
	const portions = 1000
	start := time.Now()
	next := 0
	for portion := range portions {
		for range n / portions {
			_ = all[next%len(all)].Do(ctx, func(context.Context) error { return nil })
			next++
		}
		time.Sleep(time.Until(start.Add(over * time.Duration(portion) / portions)))
	}
	return next
}
