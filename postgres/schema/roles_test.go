package schema_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/schema"
)

// granted is a database with roles.
func granted(t *testing.T, s schema.Setup) (database, schema.Roles) {
	t.Helper()
	db := fresh(t)
	roles := schema.Roles{Owner: unique("owner"), Runtime: unique("runtime"), Monitor: unique("monitor")}
	db.install(s)
	for _, name := range []string{roles.Monitor, roles.Runtime, roles.Owner} {
		defer db.forget(name)
	}
	for range 2 {
		execute(t, db.connect(), s.Grants(db.config.Database, roles))
	}
	for _, name := range []string{roles.Monitor, roles.Runtime, roles.Owner} {
		db.admit(name)
	}
	return db, roles
}

// denied says that the server must refuse each statement for want of rights.
func denied(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		_, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("%s: got %v, want that the rights are missing", sql, err)
		}
	}
}

func (db database) open(role, schemaName string) *postgres.Storage {
	db.Helper()
	config, err := pgxpool.ParseConfig(server(db.T))
	if err != nil {
		db.Fatal(err)
	}
	config.ConnConfig.User, config.ConnConfig.Database = role, db.config.Database
	pool, err := pgxpool.NewWithConfig(db.Context(), config)
	if err != nil {
		db.Fatal(err)
	}
	db.Cleanup(pool.Close)
	s, err := postgres.New(pool, postgres.WithSchema(schemaName))
	if err != nil {
		db.Fatal(err)
	}
	db.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func TestProgramsNeedNoMoreThanTheRuntimeRoleHas(t *testing.T) {
	for _, name := range []string{"public", `odd "schema"`} {
		t.Run(name, func(t *testing.T) {
			db, roles := granted(t, schema.Setup{Schema: name})
			s := db.open(roles.Runtime, name)
			report := fleet.Report{Instance: "a", Number: 1, Active: true, Suspicion: 1, Failures: 3}
			view, err := s.Exchange(t.Context(), "a", map[string]fleet.Report{"payment": report})
			if err != nil {
				t.Fatal(err)
			}
			open := fleet.Row{State: fleet.Open, Reason: fleet.Testified, Remaining: time.Hour}
			open.Identity = view["payment"].Row.Identity
			open.Epoch++
			open.Nonce = 7
			if got, err := s.Change(t.Context(), "payment", view["payment"].Row.Identity, open); err != nil || got.State != fleet.Open {
				t.Fatalf("%v, %v", got, err)
			}
			if keys, err := s.Sweep(t.Context(), "", 10); err != nil || len(keys) != 1 {
				t.Errorf("%v, %v", keys, err)
			}
			conn := db.as(roles.Runtime)
			execute(t, conn, "SET search_path = "+quote(name))
			execute(t, conn, "SELECT hw_prune(hw_now())") // one exchange in a hundred does
			if n := value[int](t, db.as(roles.Monitor), "SELECT count(*) FROM "+quote(name)+".hw_transitions"); n != 1 {
				t.Errorf("%d transitions, want 1", n)
			}
			denied(t, conn,
				"CREATE TABLE "+quote(name)+".mine (one integer)",
				"CREATE SCHEMA mine",
				"ALTER TABLE hw_circuit_breakers ADD COLUMN mine integer",
				"ALTER TABLE hw_circuit_breakers DISABLE TRIGGER ALL",
				"DROP TABLE hw_circuit_breakers",
				"DROP FUNCTION hw_exchange",
				"CREATE OR REPLACE FUNCTION hw_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
				"TRUNCATE hw_circuit_breakers",
				"UPDATE hw_schema SET history_rows = 1",
				"UPDATE hw_transitions SET decided_by = 'nobody'",
				"SELECT setval('hw_lives', 1)",
			)
		})
	}
}

func TestTheMonitorReadsAndNoMore(t *testing.T) {
	db, roles := granted(t, schema.Setup{})
	execute(t, db.as(roles.Runtime), "SELECT hw_exchange('', 'a', '[]'); "+
		"INSERT INTO hw_circuit_breakers (resource_key, state) VALUES ('a', 'OPEN'), ('b', 'CLOSED')")
	conn := db.as(roles.Monitor)
	for query, want := range map[string]int{
		// The document's, word for word.
		`SELECT resource_key, state, failure_count, open_until, updated_at
FROM hw_circuit_breakers
ORDER BY updated_at DESC;`: 2,
		`SELECT resource_key, open_until
FROM hw_circuit_breakers
WHERE state = 'OPEN';`: 1,
		`SELECT resource_key, failure_count
FROM hw_circuit_breakers
WHERE state = 'CLOSED';`: 1,
		`SELECT * FROM hw_transitions`: 1,
		`SELECT * FROM hw_reports`:     0,
		`SELECT * FROM hw_instances`:   1,
		`SELECT * FROM hw_schema`:      1,
	} {
		rows, _ := conn.Query(t.Context(), query)
		got, err := pgx.CollectRows(rows, pgx.RowToMap)
		if err != nil || len(got) != want {
			t.Errorf("%s: %v, %v; want %d", query, got, err, want)
		}
	}
	denied(t, conn,
		"UPDATE hw_circuit_breakers SET state = 'CLOSED'",
		"DELETE FROM hw_circuit_breakers",
		"INSERT INTO hw_circuit_breakers (resource_key, state) VALUES ('c', 'CLOSED')",
		"SELECT * FROM hw_circuit_breakers FOR UPDATE",
		"DELETE FROM hw_transitions",
		"DELETE FROM hw_reports",
		"DELETE FROM hw_instances",
		"UPDATE hw_schema SET version = 2",
		"SELECT nextval('hw_lives')",
		"SELECT hw_exchange('', 'b', '[]')",
		"SELECT hw_prune(clock_timestamp())",
		"CREATE TABLE mine (one integer)",
	)
}

func TestTheOwnerSetsUpAgain(t *testing.T) {
	db, roles := granted(t, schema.Setup{})
	execute(t, db.connect(), "DROP FUNCTION hw_sweep; DROP INDEX hw_reports_suspicions")
	conn := db.as(roles.Owner)
	if err := schema.Install(t.Context(), conn, schema.Default); err != nil {
		t.Fatal(err)
	}
	// A monitor sees that there is nothing to do.
	if err := schema.Install(t.Context(), db.as(roles.Monitor), schema.Default); err != nil {
		t.Error(err)
	}
	if owners := value[[]string](t, conn, `SELECT array_agg(DISTINCT pg_get_userbyid(proowner)) FROM pg_proc WHERE proname LIKE 'hw\_%'`); len(owners) != 1 || owners[0] != roles.Owner {
		t.Errorf("the functions belong to %q", owners)
	}
	if super := value[bool](t, conn, "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"); super {
		t.Error("the owner may do too much")
	}
}

func TestProgramsOnThePythonLibraryNeedOnlyTheirTable(t *testing.T) {
	db, roles := granted(t, schema.Setup{})
	python := db.role("python")
	execute(t, db.connect(), "GRANT SELECT, INSERT, UPDATE ON public.hw_circuit_breakers TO "+quote(python))
	conn := db.as(python)
	for _, state := range []string{"CLOSED", "OPEN"} {
		err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SELECT state, failure_count, open_until FROM hw_circuit_breakers WHERE resource_key = $1 FOR UPDATE", "payment"); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), `INSERT INTO hw_circuit_breakers (resource_key, state, failure_count, open_until) VALUES ($1,$2,$3,$4)
      ON CONFLICT (resource_key) DO UPDATE SET state = EXCLUDED.state,
      failure_count = EXCLUDED.failure_count, open_until = EXCLUDED.open_until,
      updated_at = CURRENT_TIMESTAMP`, "payment", state, 5, nil)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	who := value[string](t, db.as(roles.Monitor), "SELECT decided_by FROM hw_transitions WHERE to_state = 'OPEN'")
	if who != python {
		t.Errorf("the change is %q's, want %q's", who, python)
	}
	denied(t, conn,
		"DELETE FROM hw_circuit_breakers",
		"SELECT * FROM hw_transitions",
		"SELECT hw_channel()",
		"SELECT hw_cooldown('payment')",
	)
}

func TestRolesOfOtherNames(t *testing.T) {
	good := schema.DefaultRoles
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"", "public", "none", "pg_monitor", "a\x00", "\xff", strings.Repeat("a", 64), good.Runtime} {
		bad := good
		bad.Owner = name
		if bad.Check() == nil {
			t.Errorf("%q is accepted", name)
		}
	}
	sql := schema.Setup{}.Grants("a\nDROP TABLE b", good)
	for _, line := range strings.Split(sql, "\n") {
		if strings.HasPrefix(line, "DROP") && !strings.Contains(line, `" TO `) {
			t.Errorf("a comment ends early: %q", line)
		}
	}
}
