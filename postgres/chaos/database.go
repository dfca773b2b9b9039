package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

// A database is the server that the fleet uses, another one after each failover.
type database struct {
	first *postgrestest.Server // closes the others too
	began time.Time
	dir   string // its own disk, or none

	mu      sync.Mutex
	now     *postgrestest.Server
	offsets []time.Duration // that its clock has had
}

func newDatabase(ctx context.Context, dir string, clock bool) (*database, error) {
	server, err := postgrestest.Start(ctx, postgrestest.Options{
		Private: true,
		Clock:   clock,
		Settings: map[string]string{
			"max_connections": "100",
			"min_wal_size":    "32MB", // the disk is small
			"max_wal_size":    "64MB",
			"wal_keep_size":   "32MB",
		},
	})
	if err != nil {
		return nil, err
	}
	d := &database{first: server, now: server, began: time.Now(), dir: dir, offsets: []time.Duration{0}}
	conn, err := d.connect(ctx)
	if err == nil {
		defer conn.Close(ctx)
		if err = schema.Install(ctx, conn, schema.Default); err == nil {
			err = d.do(ctx, keepDeadlines)
		}
	}
	if err != nil {
		server.Close()
		return nil, err
	}
	return d, nil
}

func (d *database) server() *postgrestest.Server {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *database) address() string { return fmt.Sprintf("127.0.0.1:%d", d.server().Port()) }

// connect gives a connection that no fault but that of the server itself is in the way of.
func (d *database) connect(ctx context.Context) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(d.server().DSN())
	if err != nil {
		return nil, err
	}
	config.ConnectTimeout = time.Second
	config.RuntimeParams["default_transaction_read_only"] = "off"
	return pgx.ConnectConfig(ctx, config)
}

// do runs statements, each on its own.
func (d *database) do(ctx context.Context, statements ...string) error {
	conn, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// setClock sets the server's clock. Offsets are longer than a run, so that trueTime knows
// them from each other.
func (d *database) setClock(offset time.Duration) error {
	d.mu.Lock()
	d.offsets = append(d.offsets, offset)
	d.mu.Unlock()
	return d.server().SetClock(offset)
}

// trueTime is an instant of the server's clock by the clock of this machine.
func (d *database) trueTime(t time.Time) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, offset := range d.offsets {
		if real := t.Add(-offset); real.After(d.began.Add(-time.Minute)) && real.Before(time.Now().Add(time.Minute)) {
			return real
		}
	}
	return t
}

// await waits until the server answers.
func (d *database) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := d.do(ctx, "SELECT")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// A row is what is stored of a key.
type row struct{ state, hold string }

func (d *database) rows(ctx context.Context) (map[string]row, error) {
	conn, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	answer, err := conn.Query(ctx, "SELECT resource_key, state, hold FROM hw_circuit_breakers")
	if err != nil {
		return nil, err
	}
	all := map[string]row{}
	var key string
	var r row
	_, err = pgx.ForEachRow(answer, []any{&key, &r.state, &r.hold}, func() error {
		all[key] = r
		return nil
	})
	return all, err
}

func (d *database) close() error {
	err := d.first.Close()
	if d.dir != "" {
		leaveDisk(d.dir)
		os.Remove(d.dir)
	}
	return err
}
