package postgres_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
	"github.com/highway-engine/highway/storagetest"
)

func TestStorage(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) fleet.Storage { return newStored(t) })
}

func TestStorageInANamespace(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) fleet.Storage { return newStored(t, postgres.WithNamespace("other fleet")) })
}

// stored is a storage with what the suite needs to look further.
type stored struct {
	*postgres.Storage
	pool    *pgxpool.Pool
	schema  string
	prefix  string
	options []postgres.Option
}

var schemas atomic.Int64

// newStored returns a storage on a schema of its own.
func newStored(t *testing.T, options ...postgres.Option) *stored {
	t.Helper()
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := &stored{pool: pool, schema: fmt.Sprintf("suite %d \"%d\"", os.Getpid(), schemas.Add(1))}
	if len(options) > 0 {
		s.prefix = "other fleet:"
	}
	s.options = append([]postgres.Option{postgres.WithSchema(s.schema)}, options...)
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := schema.Install(ctx, conn, s.schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.exec("DROP SCHEMA @ CASCADE") })
	s.exec("CREATE TABLE @.clock (ahead interval); INSERT INTO @.clock VALUES ('0')")
	s.exec("CREATE OR REPLACE FUNCTION @.hw_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() + ahead FROM @.clock $$")
	if s.Storage, err = postgres.Open(ctx, dsn(t), s.options...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Storage.Close(context.Background()) })
	return s
}

// exec runs statements in which @ stands for the schema.
func (s *stored) exec(sql string, args ...any) {
	var quoted string
	for _, r := range sql {
		if r == '@' {
			quoted += pgx.Identifier{s.schema}.Sanitize()
		} else {
			quoted += string(r)
		}
	}
	if len(args) == 0 {
		args = append(args, pgx.QueryExecModeSimpleProtocol)
	}
	if _, err := s.pool.Exec(context.Background(), quoted, args...); err != nil {
		panic(err)
	}
}

func (s *stored) LongestKey() int { return fleet.LongestKey - len(s.prefix) }

func (s *stored) Advance(d time.Duration) {
	s.exec("UPDATE @.clock SET ahead = ahead + $1 * interval '1 microsecond'", d.Microseconds())
}

func (s *stored) Delete(key string) error {
	s.exec("DELETE FROM @.hw_circuit_breakers WHERE resource_key = $1", s.prefix+key)
	return nil
}

func (s *stored) Spoil(key string) error {
	s.exec("ALTER TABLE @.hw_circuit_breakers DROP CONSTRAINT hw_circuit_breakers_state_check, DISABLE TRIGGER USER")
	s.exec("UPDATE @.hw_circuit_breakers SET state = 'BROKEN', probes = '{}' WHERE resource_key = $1", s.prefix+key)
	s.exec("ALTER TABLE @.hw_circuit_breakers ENABLE TRIGGER USER")
	return nil
}

func (s *stored) Twin(t *testing.T) fleet.Storage {
	twin, err := postgres.Open(context.Background(), dsn(t), s.options...)
	if err != nil {
		t.Fatal(err)
	}
	return twin
}

// twin is a storage on the same data, in another namespace.
func (s *stored) twin(t *testing.T, namespace string) *postgres.Storage {
	twin, err := postgres.Open(t.Context(), dsn(t), postgres.WithSchema(s.schema), postgres.WithNamespace(namespace))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { twin.Close(context.Background()) })
	return twin
}

func (s *stored) Block(key string) (release func()) {
	ctx := context.Background()
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		panic(err)
	}
	table := pgx.Identifier{s.schema, "hw_circuit_breakers"}.Sanitize()
	if _, err := tx.Exec(ctx, "SELECT FROM "+table+" WHERE resource_key = $1 FOR UPDATE", s.prefix+key); err != nil {
		panic(err)
	}
	return func() { _ = tx.Rollback(ctx) }
}

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

// dsn leads to the shared server.
func dsn(t *testing.T) string {
	t.Helper()
	return postgrestest.Shared(t).DSN()
}
