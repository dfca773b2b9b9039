package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

func TestTheExampleRuns(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err, out.String())
	}
	for _, line := range []string{
		"SQLSTATE 23514)\n  breaker: CLOSED\n",
		"from CLOSED to OPEN: failure limit reached\n",
		"refused = true\n",
		"from HALF_OPEN to CLOSED: success limit reached\n",
		"ann has 70, breaker: CLOSED\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the output lacks %q:\n%s", line, out.String())
		}
	}
}

// A bank is what both kinds of accounts are.
type bank interface {
	Balance(ctx context.Context, owner string) (int, error)
	Transfer(ctx context.Context, from, to string, amount int) error
}

// eachBank runs a test with pgx and with database/sql, each in a database of its own.
func eachBank(t *testing.T, test func(t *testing.T, b bank, g guard, pool *pgxpool.Pool)) {
	for _, way := range []string{"pgx", "database/sql"} {
		t.Run(way, func(t *testing.T) {
			dsn := postgrestest.Shared(t).Database(t)
			pool, err := pgxpool.New(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			if _, err := pool.Exec(t.Context(), tables); err != nil {
				t.Fatal(err)
			}
			g, err := newGuard(time.Minute, nil)
			if err != nil {
				t.Fatal(err)
			}
			if way == "pgx" {
				test(t, &Accounts{pool, g}, g, pool)
				return
			}
			db, err := sql.Open("pgx", dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			test(t, &SQLAccounts{db, g}, g, pool)
		})
	}
}

func TestWhatTheDataIsToBlameForDoesNotCount(t *testing.T) {
	eachBank(t, func(t *testing.T, b bank, g guard, _ *pgxpool.Pool) {
		for range 20 {
			if _, err := b.Balance(t.Context(), "nobody"); !errors.Is(err, sql.ErrNoRows) {
				t.Fatal(err)
			}
			var answer *pgconn.PgError
			if err := b.Transfer(t.Context(), "ann", "bob", 1000); !errors.As(err, &answer) || answer.Code != "23514" {
				t.Fatal(err)
			}
		}
		if s := g.breaker.Snapshot(); s.State != highway.Closed || s.Totals.Failures != 0 {
			t.Errorf("the breaker is %v after %d failures", s.State, s.Totals.Failures)
		}
	})
}

// TestADeadlockIsTriedAgain: both transfers want what the other has. The server rolls one
// back; the retry makes it good, and the breaker has counted it.
func TestADeadlockIsTriedAgain(t *testing.T) {
	eachBank(t, func(t *testing.T, b bank, g guard, pool *pgxpool.Pool) {
		// A transfer holds what it takes from while it waits a moment in a trigger.
		if _, err := pool.Exec(t.Context(), `CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END $$;
			CREATE TRIGGER dawdle AFTER UPDATE ON account FOR EACH ROW EXECUTE FUNCTION dawdle()`); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := b.Transfer(t.Context(), "ann", "bob", 10); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := b.Transfer(t.Context(), "bob", "ann", 30); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if failures := g.breaker.Snapshot().Totals.Failures; failures == 0 {
			t.Error("there was no deadlock")
		}
		if balance, err := b.Balance(t.Context(), "ann"); balance != 120 || err != nil {
			t.Errorf("ann has %d, not 120: %v", balance, err)
		}
	})
}

func TestWhatCountsAndWhatIsTriedAgain(t *testing.T) {
	server := postgrestest.New(t, postgrestest.Options{Private: true})
	conn := connect(t, server.DSN())
	_, err := conn.Exec(t.Context(), tables)
	if err != nil {
		t.Fatal(err)
	}
	failed := func(statement string) error {
		_, err := conn.Exec(t.Context(), statement)
		return err
	}
	hung, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, timeout := connect(t, server.DSN()).Exec(hung, "SELECT pg_sleep(10)")
	cases := []struct {
		name           string
		err            error
		counts, undone bool
	}{
		{"a mistake in the SQL", failed("SELEC 1"), false, false},
		{"a key that is there already", failed("INSERT INTO account VALUES ('ann', 1)"), false, false},
		{"a value that is too large", failed("UPDATE account SET balance = 99999999999"), false, false},
		{"no rows", pgx.ErrNoRows, false, false},
		{"a statement timeout", failed("SET statement_timeout = 20; SELECT pg_sleep(1)"), true, false},
		{"a deadline", timeout, true, false},
		{"a serialization failure", serializationFailure(t, server.DSN()), true, true},
		{"the session is ended", failed("SELECT pg_terminate_backend(pg_backend_pid())"), true, false},
		{"the connection is closed", failed("SELECT 1"), true, true},
	}
	if err := server.Stop(t.Context(), postgrestest.Fast); err != nil {
		t.Fatal(err)
	}
	_, err = pgx.Connect(t.Context(), server.DSN())
	cases = append(cases, struct {
		name           string
		err            error
		counts, undone bool
	}{"nobody listens", err, true, true})
	for _, c := range cases {
		if c.err == nil {
			t.Errorf("%s: no error", c.name)
		}
		if outage(c.err) != c.counts || undone(c.err) != c.undone {
			t.Errorf("%s (%v): counts = %v, undone = %v", c.name, c.err, outage(c.err), undone(c.err))
		}
	}
}

// serializationFailure is what the second of two transactions gets that have read the
// same and write it.
func serializationFailure(t *testing.T, dsn string) error {
	first, second := connect(t, dsn), connect(t, dsn)
	var err error
	for _, step := range []struct {
		conn *pgx.Conn
		sql  string
	}{
		{first, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM account"},
		{second, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM account"},
		{first, "UPDATE account SET balance = balance + 1; COMMIT"},
		{second, "UPDATE account SET balance = balance + 1"},
	} {
		_, err = step.conn.Exec(t.Context(), step.sql)
	}
	return err
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}
