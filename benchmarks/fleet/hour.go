package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/highway-engine/highway/benchmarks/internal/markdown"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/postgres"
)

const (
	hourInstances = 20
	hourKeys      = 100
	hourRounds    = 360 // of ten seconds
	hourFailing   = 10  // keys with failures in each round
	hourBeats     = 3   // signs of life in each round
)

// hour stores what a fleet says in an hour, as fast as the database takes it, and looks
// at what has become of the tables.
func hour(ctx context.Context) (findings, error) {
	d, err := startDatabase(ctx)
	if err != nil {
		return findings{}, err
	}
	defer d.close()
	storage, err := d.open(ctx)
	if err != nil {
		return findings{}, err
	}
	start := time.Now()
	if err := replay(ctx, storage); err != nil {
		return findings{}, err
	}
	took := time.Since(start)
	d.disband() // who leaves hands in what it has counted
	if err := pause(ctx, time.Second); err != nil {
		return findings{}, err
	}
	rows, err := d.control.Query(ctx, `SELECT relname::text, n_live_tup, n_dead_tup, n_tup_upd, n_tup_hot_upd,
		pg_total_relation_size(relid)::float8, autovacuum_count
		FROM pg_stat_user_tables WHERE relname LIKE 'hw\_%' AND relname <> 'hw_schema' ORDER BY relname`)
	if err != nil {
		return findings{}, err
	}
	defer rows.Close()
	table := &markdown.Table{Head: []string{"table", "rows", "dead rows", "updates", "HOT", "size with indexes", "autovacuums"}}
	for rows.Next() {
		var name string
		var live, dead, updates, hot, vacuums int64
		var bytes float64
		if err := rows.Scan(&name, &live, &dead, &updates, &hot, &bytes, &vacuums); err != nil {
			return findings{}, err
		}
		share := "–"
		if updates > 0 {
			share = fmt.Sprintf("%.1f %%", 100*float64(hot)/float64(updates))
		}
		table.Add(name, strconv.FormatInt(live, 10), strconv.FormatInt(dead, 10), strconv.FormatInt(updates, 10), share, size(bytes), strconv.FormatInt(vacuums, 10))
	}
	return findings{text: fmt.Sprintf("What %d instances say in an hour about %d keys, stored in %v: every ten seconds each reports the failures "+
		"at %d of them, and says %d times that it lives; each minute one key opens, probes and closes. The server vacuums by its own "+
		"settings, but had that much less time for it, so there are more dead rows than there would be.\n\n%s",
		hourInstances, hourKeys, took.Round(time.Second), hourFailing, hourBeats, table)}, rows.Err()
}

// replay stores what is said in an hour.
func replay(ctx context.Context, storage *postgres.Storage) error {
	for round := range hourRounds {
		errs := make([]error, hourInstances)
		places := make(chan struct{}, 2)
		var wg sync.WaitGroup
		for i := range hourInstances {
			places <- struct{}{}
			wg.Go(func() {
				defer func() { <-places }()
				errs[i] = say(ctx, storage, fmt.Sprint("host/", i), round)
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		if round%6 == 0 {
			if err := cycle(ctx, storage, fmt.Sprintf("key-%05d", round/6)); err != nil {
				return err
			}
		}
	}
	return nil
}

// say is what one instance says in ten seconds.
func say(ctx context.Context, storage *postgres.Storage, instance string, round int) error {
	reports := map[string]fleet.Report{}
	for range hourFailing {
		key := fmt.Sprintf("key-%05d", rand.IntN(hourKeys))
		reports[key] = fleet.Report{
			Number: uint64(round) + 1, Active: true, Failures: rand.IntN(10), Outcomes: 20,
			Settings: fleet.Settings{Failures: 10, Window: 20, Successes: 2, Probes: 3, Cooldown: 30 * time.Second},
		}
	}
	if _, err := storage.Exchange(ctx, instance, reports); err != nil {
		return err
	}
	for range hourBeats {
		if _, err := storage.Exchange(ctx, instance, nil); err != nil {
			return err
		}
	}
	return nil
}

// cycle opens a key, lets it probe and closes it again.
func cycle(ctx context.Context, storage *postgres.Storage, key string) error {
	views, err := storage.Exchange(ctx, "host/0", map[string]fleet.Report{key: {}})
	if err != nil {
		return err
	}
	row := views[key].Row
	probe := fleet.Probe{Holder: "host/0", Number: 1, Remaining: time.Minute}
	succeeded := probe
	succeeded.Result = fleet.Succeeded
	for _, to := range []fleet.Row{
		{State: fleet.Open, Reason: fleet.Testified, Remaining: 30 * time.Second},
		{State: fleet.HalfOpen, Reason: fleet.CooldownOver},
		{State: fleet.HalfOpen, Reason: fleet.CooldownOver, Probes: []fleet.Probe{probe}},
		{State: fleet.HalfOpen, Reason: fleet.CooldownOver, Probes: []fleet.Probe{succeeded}},
		{State: fleet.Closed, Reason: fleet.ProbesSucceeded},
	} {
		to.Identity = fleet.Identity{Incarnation: row.Incarnation, Epoch: row.Epoch, Nonce: rand.Uint64() >> 1}
		if len(to.Probes) == 0 {
			to.Epoch++
		}
		to.By = "host/0"
		if row, err = storage.Change(ctx, key, row.Identity, to); err != nil {
			return err
		}
		if row.Nonce != to.Nonce {
			return fmt.Errorf("%s did not change", key)
		}
	}
	return nil
}
