package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

// A database is where a fleet meets, on a server of its own unless it is a further one.
type database struct {
	server *postgrestest.Server
	dsn    string
	// control is a connection to look at the database with.
	control  *pgx.Conn
	storages []*postgres.Storage
	more     []*database
}

// versions are those of the servers that were started.
var versions struct {
	sync.Mutex
	all []string
}

func servers() []string {
	versions.Lock()
	defer versions.Unlock()
	return slices.Clone(versions.all)
}

func started(version string) {
	versions.Lock()
	defer versions.Unlock()
	if !slices.Contains(versions.all, version) {
		versions.all = append(versions.all, version)
	}
}

// startDatabase starts a server that counts its statements.
func startDatabase(ctx context.Context) (*database, error) {
	server, err := postgrestest.Start(ctx, postgrestest.Options{Settings: map[string]string{
		"shared_preload_libraries": "pg_stat_statements",
		"max_connections":          "1000",
	}})
	if err != nil {
		return nil, err
	}
	d, err := prepare(ctx, server, server.DSN())
	if err != nil {
		_ = server.Close()
		return nil, err
	}
	var version string
	if err := d.control.QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		return nil, err
	}
	started("PostgreSQL " + version)
	return d, nil
}

// another makes a further database on the server.
func (d *database) another(ctx context.Context) (*database, error) {
	dsn, err := d.server.CreateDatabase(ctx)
	if err != nil {
		return nil, err
	}
	more, err := prepare(ctx, d.server, dsn)
	if err == nil {
		d.more = append(d.more, more)
	}
	return more, err
}

func prepare(ctx context.Context, server *postgrestest.Server, dsn string) (*database, error) {
	d := &database{server: server, dsn: dsn}
	var err error
	if d.control, err = pgx.Connect(ctx, dsn); err != nil {
		return nil, err
	}
	if err := schema.Install(ctx, d.control, schema.Default); err != nil {
		return nil, err
	}
	if _, err := d.control.Exec(ctx, "CREATE EXTENSION pg_stat_statements"); err != nil {
		return nil, fmt.Errorf("pg_stat_statements, which is among PostgreSQL's contrib modules: %w", err)
	}
	return d, nil
}

// open opens a storage, as a process of a fleet would.
func (d *database) open(ctx context.Context) (*postgres.Storage, error) {
	s, err := postgres.Open(ctx, d.dsn)
	if err == nil {
		d.storages = append(d.storages, s)
	}
	return s, err
}

// close ends the storages, and the server with its databases.
func (d *database) close() {
	d.disband()
	for _, more := range d.more {
		more.disband()
		_ = more.control.Close(context.Background())
	}
	_ = d.control.Close(context.Background())
	_ = d.server.Close()
}

// disband closes the storages, all at once.
func (d *database) disband() {
	var wg sync.WaitGroup
	for _, s := range d.storages {
		wg.Go(func() { _ = s.Close(context.Background()) })
	}
	wg.Wait()
	d.storages = nil
}

// statements is how many statements the server has been asked in this database, but for
// those that look.
func (d *database) statements(ctx context.Context) (n int64, err error) {
	err = d.control.QueryRow(ctx, `SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
		WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND query !~ 'pg_stat_statements|pg_current_wal_lsn|pg_backend_pid'`).Scan(&n)
	return n, err
}

// wal is how many bytes of its log the server has written.
func (d *database) wal(ctx context.Context) (bytes float64, err error) {
	err = d.control.QueryRow(ctx, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").Scan(&bytes)
	return bytes, err
}
