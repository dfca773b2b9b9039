package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

const (
	// MaxPostgres is how many instances may meet in PostgreSQL, where each has
	// connections of its own as if it were a process of its own.
	MaxPostgres = 100

	// connections is how many of them an instance has: one listens, and of its pool it
	// uses two, as it makes one request at a time and a late one may still be there.
	connections = 3

	// patience is how long the end of a run waits for the database.
	patience = 10 * time.Second
)

// inPostgres is a schema in a database, made for the run. Real breakers in the same
// database are in another one, and hear nothing of it.
type inPostgres struct {
	config *pgxpool.Config
	schema string               // empty: not made yet
	where  string               // for people
	server *postgrestest.Server // a private one, which goes with all that is in it

	mu       sync.Mutex
	storages []*postgres.Storage
}

// meetInPostgres uses the database that the environment describes or, if it describes
// none, a server of its own.
func meetInPostgres(ctx context.Context, config Config) (meeting, error) {
	environment, err := postgres.FromEnvironment()
	if err != nil {
		return nil, err
	}
	p := &inPostgres{}
	if environment.Set() {
		if p.config, err = environment.Config(); err != nil {
			return nil, err
		}
	} else if err := p.startServer(ctx, config); err != nil {
		return nil, fmt.Errorf("HW_DB_* names no database, and no server could be started: %w", err)
	}
	if err := p.prepare(ctx, config.Instances); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *inPostgres) startServer(ctx context.Context, config Config) error {
	options := postgrestest.Options{Logf: config.Logf}
	if needed := connections*config.Instances + 20; needed > 100 { // that is the server's default
		options.Settings = map[string]string{"max_connections": strconv.Itoa(needed)}
	}
	server, err := postgrestest.Start(ctx, options)
	if err != nil {
		return err
	}
	if p.config, err = pgxpool.ParseConfig(server.DSN()); err != nil {
		return errors.Join(err, server.Close())
	}
	p.server = server
	return nil
}

// prepare makes the schema.
func (p *inPostgres) prepare(ctx context.Context, instances int) error {
	database := p.config.ConnConfig
	conn, err := schema.Connect(ctx, database)
	if errors.Is(err, schema.ErrNoDatabase) {
		return fmt.Errorf("the server has no database %q: \"highway setup\" creates it", database.Database)
	}
	if err != nil {
		return err
	}
	defer hangUp(conn)
	var version string
	var free int
	if err := conn.QueryRow(ctx, `SELECT split_part(current_setting('server_version'), ' ', 1), current_setting('max_connections')::integer
		- current_setting('superuser_reserved_connections')::integer - (SELECT count(*)::integer FROM pg_stat_activity WHERE datid IS NOT NULL)`,
	).Scan(&version, &free); err != nil {
		return schema.Explain(err)
	}
	if free < connections*instances {
		return fmt.Errorf("the server has %d connections left, and %d instances need %d: --instances %d would do",
			free, instances, connections*instances, max(1, free/connections))
	}
	name := "highway_demo_" + strings.ToLower(rand.Text()[:10])
	if err := schema.Install(ctx, conn, name); err != nil {
		return fmt.Errorf("the demo makes a schema of its own in the database, which it removes at the end: %w", schema.Explain(err))
	}
	p.schema = name
	p.where = fmt.Sprintf("PostgreSQL %s at %s, schema %s of the database %s", version, address(database), name, database.Database)
	if p.server != nil {
		p.where = fmt.Sprintf("PostgreSQL %s at %s, a server started for the demo (%s)", version, address(database), p.server.From())
	}
	return nil
}

// address is where the server is.
func address(config *pgx.ConnConfig) string {
	if strings.HasPrefix(config.Host, "/") {
		return config.Host
	}
	return net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
}

// storage has connections of its own, as that of another process would.
func (p *inPostgres) storage(ctx context.Context) (highway.Storage, error) {
	s, err := postgres.Open(ctx, p.config.ConnString(), postgres.WithSchema(p.schema))
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.storages = append(p.storages, s)
	return s, nil
}

func (p *inPostgres) place() string { return p.where }

func (p *inPostgres) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	failures := make([]error, len(p.storages)+1)
	var closing sync.WaitGroup
	for i, s := range p.storages {
		closing.Go(func() { failures[i] = s.Close(ctx) })
	}
	closing.Wait()
	last := &failures[len(p.storages)]
	if p.server != nil {
		*last = p.server.Close()
	} else if p.schema != "" {
		*last = p.remove(ctx)
	}
	return errors.Join(failures...)
}

// remove removes the schema.
func (p *inPostgres) remove(ctx context.Context) error {
	conn, err := schema.Connect(ctx, p.config.ConnConfig)
	if err == nil {
		defer hangUp(conn)
		_, err = conn.Exec(ctx, "DROP SCHEMA "+p.schema+" CASCADE", pgx.QueryExecModeSimpleProtocol)
	}
	if err != nil {
		return fmt.Errorf("the schema %s is still in the database, DROP SCHEMA %s CASCADE removes it: %w", p.schema, p.schema, schema.Explain(err))
	}
	return nil
}

func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
