package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/benchmarks/internal/markdown"
)

// sized is how long each figure is taken over: longer than the failures of a key are old
// at most when they are reported.
const sized = 13 * time.Second

// sizing measures what fleets of several sizes cost the database.
func sizing(ctx context.Context) (findings, error) {
	table := &markdown.Table{
		Head: []string{"instances", "keys", "fleet", "statements/s", "log written/s", "processor"},
		Text: map[int]bool{2: true},
	}
	for _, fleet := range []struct{ instances, keys int }{{5, 10}, {20, 100}, {100, 10}} {
		if err := costs(ctx, fleet.instances, fleet.keys, table); err != nil {
			return findings{}, err
		}
	}
	return findings{text: fmt.Sprintf("Over %v each: at rest, when all calls succeed, be there many or none; while calls fail at every key of every "+
		"instance, too few to trip, so that failure counts change all the time; and while every key is OPEN. The log is the server's write-ahead log. "+
		"The processor time is that of all processes of the server, in percent of one processor.\n\n%s", sized, table)}, nil
}

// costs adds the rows of one fleet.
func costs(ctx context.Context, instances, keys int, table *markdown.Table) error {
	d, err := startDatabase(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	members, err := d.gather(ctx, instances, keys, func(int) highway.CircuitProtectorPolicy {
		return highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(50, 50), Cooldown: time.Hour}
	})
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(members)
	if err := pause(ctx, grace); err != nil {
		return err
	}
	add := func(what string) error {
		c, err := d.cost(ctx)
		table.Add(strconv.Itoa(instances), strconv.Itoa(keys), what, three(c.statements), size(c.wal), c.processor)
		return err
	}
	if err := add("at rest"); err != nil {
		return err
	}
	end := failNowAndThen(members)
	err = add("calls fail at every key")
	end()
	if err != nil {
		return err
	}
	if _, err := d.control.Exec(ctx, "UPDATE hw_circuit_breakers SET state = 'OPEN'"); err != nil {
		return err
	}
	if err := await(ctx, time.Minute, "that every key opens", func() bool {
		for _, m := range members {
			if !inState(m, highway.Open) {
				return false
			}
		}
		return true
	}); err != nil {
		return err
	}
	return add("every key OPEN")
}

// failNowAndThen makes a call a second at every key of every instance, of which one in
// five fails, until it is ended.
func failNowAndThen(members [][]*highway.CircuitProtector) (end func()) {
	var over atomic.Bool
	var wg sync.WaitGroup
	for _, protectors := range members {
		wg.Go(func() {
			for !over.Load() {
				for _, p := range protectors {
					_ = p.Do(context.Background(), func(context.Context) error {
						if rand.IntN(5) == 0 {
							return errDown
						}
						return nil
					})
				}
				time.Sleep(time.Second)
			}
		})
	}
	return func() {
		over.Store(true)
		wg.Wait()
	}
}

// A cost is what the database does in a second.
type cost struct {
	statements, wal float64
	processor       string
}

func (d *database) cost(ctx context.Context) (c cost, err error) {
	statements, err := d.statements(ctx)
	if err != nil {
		return c, err
	}
	wal, err := d.wal(ctx)
	if err != nil {
		return c, err
	}
	busy, unknown := d.processor(ctx)
	start := time.Now()
	if err := pause(ctx, sized); err != nil {
		return c, err
	}
	seconds := time.Since(start).Seconds()
	after, err1 := d.statements(ctx)
	written, err2 := d.wal(ctx)
	c = cost{float64(after-statements) / seconds, (written - wal) / seconds, "–"}
	if unknown == nil {
		later, err := d.processor(ctx)
		if err != nil {
			return c, err
		}
		c.processor = three(100*(later-busy).Seconds()/seconds) + " %"
	}
	return c, errors.Join(err1, err2)
}
