package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

// described makes the environment describe the database of config, or none.
func described(t *testing.T, config *pgx.ConnConfig) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "HW_DB_") {
			t.Setenv(name, "")
		}
	}
	t.Chdir(t.TempDir()) // where no .env is
	if config != nil {
		t.Setenv("HW_DB_HOST", config.Host)
		t.Setenv("HW_DB_PORT", fmt.Sprint(config.Port))
		t.Setenv("HW_DB_NAME", config.Database)
		t.Setenv("HW_DB_USER", config.User)
		t.Setenv("HW_DB_PASSWORD", config.Password)
	}
}

// inTheFleet says of a run on PostgreSQL whether its instances were one fleet.
func inTheFleet(f frame, _ Summary) error {
	for _, row := range f.rows {
		if !slices.ContainsFunc(row.history, func(c change) bool { return c.reason == highway.FleetDecided }) {
			return fmt.Errorf("%s was not in the fleet; its history: %v", row.name, row.history)
		}
	}
	return nil
}

func TestTheFleetMeetsInAServerOfTheDemo(t *testing.T) {
	defer goleak.VerifyNone(t)
	described(t, nil)
	config := Config{Instances: 4, Duration: 4 * time.Second, Outage: time.Second, Seed: 3, Storage: Postgres, Logf: t.Logf}
	var port int
	check(t, config, func(f frame, s Summary) error {
		if s.Storage != Postgres || s.StorageAt == nil || !strings.Contains(*s.StorageAt, "a server started for the demo") ||
			!strings.Contains(s.String(), *s.StorageAt) {
			t.Errorf("%+v", s)
		}
		_, err := fmt.Sscanf((*s.StorageAt)[strings.Index(*s.StorageAt, ":")+1:], "%d", &port)
		if err != nil {
			t.Errorf("%v in %q", err, *s.StorageAt)
		}
		return inTheFleet(f, s)
	})
	if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil && os.Getenv("HW_TEST_DATABASE_URL") == "" {
		conn.Close()
		t.Error("the server is still there")
	}
}

// TestTheDatabaseOfTheEnvironmentIsLeftAsItWas: with real breakers in it, one of them with
// the key of the demo's.
func TestTheDatabaseOfTheEnvironmentIsLeftAsItWas(t *testing.T) {
	server := postgrestest.New(t, postgrestest.Options{Private: true})
	conn, err := pgx.Connect(t.Context(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := schema.Install(t.Context(), conn, schema.Default); err != nil {
		t.Fatal(err)
	}
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("INSERT INTO hw_circuit_breakers (resource_key, state) VALUES ('demo server', 'OPEN')")
	look := func() (seen string) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), `SELECT concat(
			(SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%'),
			(SELECT string_agg(b::text, ' ') FROM hw_circuit_breakers b),
			(SELECT count(*) FROM hw_reports), (SELECT count(*) FROM hw_instances), (SELECT count(*) FROM hw_transitions))`,
		).Scan(&seen); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	before := look()
	config := conn.Config()
	described(t, config)

	check(t, Config{Instances: 4, Duration: 4 * time.Second, Outage: time.Second, Seed: 3, Storage: Postgres}, func(f frame, s Summary) error {
		for _, want := range []string{"schema highway_demo_", fmt.Sprintf(":%d", server.Port()), "the database " + config.Database} {
			if s.StorageAt == nil || !strings.Contains(*s.StorageAt, want) {
				t.Errorf("%q is not in %+v", want, s)
			}
		}
		return inTheFleet(f, s)
	})
	if after := look(); after != before {
		t.Errorf("there is\n%s\nand there was\n%s", after, before)
	}

	t.Run("says where before anything else", func(t *testing.T) {
		for name, show := range map[string]func(run *Run, out *bytes.Buffer) error{
			"plain": func(run *Run, out *bytes.Buffer) error { return Plain(run, out) },
			"live":  func(run *Run, out *bytes.Buffer) error { return Live(run, nil, out) },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			run, err := Start(ctx, Config{Instances: 2, Duration: time.Minute, Storage: Postgres})
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := show(run, &out); err != nil {
				t.Error(err)
			}
			cancel()
			lines := strings.SplitN(out.String(), "\n", 3)
			if len(lines) < 3 || !strings.Contains(lines[0]+lines[1], "schema highway_demo_") {
				t.Errorf("%s: it begins with %q", name, lines)
			}
		}
	})

	t.Run("what is missing is said", func(t *testing.T) {
		run := Config{Instances: 2, Duration: time.Second, Storage: Postgres}
		exec("CREATE ROLE visitor LOGIN PASSWORD 'sesame'")
		for _, c := range []struct {
			name   string
			change func(*Config)
			want   string
		}{
			{"the right to create", func(*Config) { t.Setenv("HW_DB_USER", "visitor"); t.Setenv("HW_DB_PASSWORD", "sesame") }, "may not create the schema"},
			{"the database", func(*Config) { t.Setenv("HW_DB_NAME", "nowhere") }, `no database "nowhere": "highway setup" creates it`},
			{"the password", func(*Config) { t.Setenv("HW_DB_PASSWORD", "") }, "HW_DB_PASSWORD is missing"},
			{"the server", func(*Config) { t.Setenv("HW_DB_PORT", "1") }, "cannot be reached"},
			{"connections", func(c *Config) { c.Instances = 100 }, "and 100 instances need 300"},
		} {
			described(t, config)
			bad := run
			c.change(&bad)
			run, err := Start(t.Context(), bad)
			if err == nil {
				run.Stop()
				_, _ = run.Wait()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), config.Password) {
				t.Errorf("without %s: got %v, want %q", c.name, err, c.want)
			}
		}
		if after := look(); after != before {
			t.Errorf("there is\n%s\nand there was\n%s", after, before)
		}
	})

	t.Run("a schema that cannot be removed is named", func(t *testing.T) {
		described(t, config)
		run, err := Start(t.Context(), Config{Instances: 1, Duration: time.Second, Storage: Postgres})
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		s, err := run.Wait()
		if err == nil || !strings.Contains(err.Error(), "DROP SCHEMA highway_demo_") {
			t.Errorf("got %v", err)
		}
		if s.Calls == 0 || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%+v, %v", s, err)
		}
	})
}
