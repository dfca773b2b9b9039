package schema_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/highway-engine/highway/postgres/schema"
)

// The document's SQL, word for word.
const document = `CREATE TABLE IF NOT EXISTS hw_circuit_breakers (
    resource_key VARCHAR(255) PRIMARY KEY,
    state VARCHAR(50) NOT NULL CHECK (state IN ('CLOSED', 'OPEN', 'HALF_OPEN')),
    failure_count INTEGER NOT NULL DEFAULT 0 CHECK (failure_count >= 0),
    open_until TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX idx_hw_circuit_breakers_state ON hw_circuit_breakers(state);
CREATE INDEX idx_hw_circuit_breakers_open_until ON hw_circuit_breakers(open_until) WHERE open_until IS NOT NULL;`

// Rows as programs on the Python library leave them.
const rows = `INSERT INTO hw_circuit_breakers (resource_key, state, failure_count, open_until, created_at, updated_at) VALUES
	('payment', 'OPEN', 5, NULL, '2020-01-01', '2020-01-02 03:04:05.678901'),
	('search', 'OPEN', 7, '2030-01-01 12:00', NULL, NULL),
	('mail', 'CLOSED', 3, NULL, '2020-01-01', '2020-01-02'),
	('slow "one"', 'HALF_OPEN', 0, '2020-01-01', '2020-01-01', '2020-01-02')`

const content = `SELECT string_agg((resource_key, state, failure_count, open_until, created_at, updated_at)::text, E'\n' ORDER BY resource_key)
	FROM hw_circuit_breakers`

// shape is all that there is in the schema public, in words.
func shape(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	return value[string](t, conn, `SELECT string_agg(thing, E'\n' ORDER BY thing COLLATE "C") FROM (
		SELECT 'relation ' || relkind::text || ' ' || relname || coalesce(reloptions::text, '') AS thing
			FROM pg_class WHERE relnamespace = 'public'::regnamespace
		UNION SELECT 'column ' || attrelid::regclass::text || '.' || attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull::text
				|| ' ' || attidentity::text || coalesce(pg_get_expr(adbin, adrelid), '')
			FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid AND relkind = 'r' LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
			WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
		UNION SELECT 'index ' || pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
		UNION SELECT 'constraint ' || conrelid::regclass::text || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION SELECT pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
		UNION SELECT 'setup ' || (version, time_zone, history_age, history_rows)::text FROM hw_schema) things`)
}

func value[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) (v T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%v in\n%s", err, sql)
	}
	return v
}

func TestAFreshDatabaseHasAllThatThePlanSays(t *testing.T) {
	db := fresh(t)
	steps := db.plan(schema.Setup{})
	db.install(schema.Setup{})
	if left := db.plan(schema.Setup{}); left != nil {
		t.Errorf("there is still to do: %q", left)
	}
	// And the plan forgets nothing that is there.
	conn := db.connect()
	names := value[[]string](t, conn, `SELECT array_agg(name) FROM (
		SELECT relname::text AS name FROM pg_class c WHERE relnamespace = 'public'::regnamespace
			AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)
			AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'i')
		UNION SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal) things`)
	if len(names) < 30 {
		t.Errorf("only %q", names)
	}
	words := strings.FieldsFunc(strings.Join(steps, "\n"), func(r rune) bool { return r == ' ' || r == ',' || r == '\n' })
	for _, name := range names {
		if !slices.Contains(words, name) {
			t.Errorf("%s is not in the plan\n%s", name, strings.Join(steps, "\n"))
		}
	}
}

func TestATableMadeByHandIsUpgradedWithItsRows(t *testing.T) {
	db := fresh(t)
	conn := db.connect()
	execute(t, conn, document+";"+rows)
	before := value[string](t, conn, content)
	steps := db.plan(schema.Setup{})
	if i := slices.IndexFunc(steps, func(s string) bool {
		return strings.HasPrefix(s, "add the columns namespace, ") && strings.Contains(s, "(4)")
	}); i < 0 {
		t.Errorf("no columns in %q", steps)
	}
	for range 2 {
		db.install(schema.Setup{})
		if after := value[string](t, conn, content); after != before || strings.Count(after, "\n") != 3 {
			t.Errorf("before\n%s\nafter\n%s", before, after)
		}
	}
	if left := db.plan(schema.Setup{}); left != nil {
		t.Errorf("there is still to do: %q", left)
	}
	if n := value[int](t, conn, "SELECT count(DISTINCT incarnation) FROM hw_circuit_breakers WHERE incarnation <> 0"); n != 4 {
		t.Errorf("%d incarnations, want 4", n)
	}
	other := fresh(t)
	other.install(schema.Setup{})
	if by, fresh := shape(t, conn), shape(t, other.connect()); by != fresh {
		t.Errorf("upgraded\n%s\nfresh\n%s", by, fresh)
	}
}

func TestManyAtOnceMakeOne(t *testing.T) {
	db := absent(t)
	var group sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		group.Go(func() {
			if errs[i] = schema.CreateDatabase(t.Context(), db.config); errs[i] != nil {
				return
			}
			conn, err := schema.Connect(t.Context(), db.config)
			if err != nil {
				errs[i] = err
				return
			}
			defer conn.Close(t.Context())
			errs[i] = schema.Setup{}.Install(t.Context(), conn)
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if left := db.plan(schema.Setup{}); left != nil {
		t.Errorf("there is still to do: %q", left)
	}
}

func TestTheScriptByHandMakesTheSame(t *testing.T) {
	by, hand := fresh(t), fresh(t)
	setup := schema.Setup{History: schema.History{Age: 36 * time.Hour, Rows: 7}}
	by.install(setup)
	for range 2 {
		execute(t, hand.connect(), setup.Script())
	}
	if a, b := shape(t, by.connect()), shape(t, hand.connect()); a != b {
		t.Errorf("by Install\n%s\nby hand\n%s", a, b)
	}
	if left := hand.plan(setup); left != nil {
		t.Errorf("there is still to do: %q", left)
	}
}

func TestASchemaOfAnyName(t *testing.T) {
	db := fresh(t)
	setup := schema.Setup{Schema: `Some "one" $$ it's; --`}
	if steps := db.plan(setup); !strings.HasPrefix(steps[0], "create the schema") {
		t.Errorf("%q", steps)
	}
	execute(t, db.connect(), setup.Script())
	if left := db.plan(setup); left != nil {
		t.Errorf("there is still to do: %q", left)
	}
	if steps := db.plan(schema.Setup{}); !strings.HasPrefix(steps[0], "create the tables hw_circuit_breakers, ") {
		t.Errorf("in the other schema: %q", steps)
	}
}

func TestWhatWasChangedIsRepaired(t *testing.T) {
	for damage, want := range map[string]string{
		"CREATE OR REPLACE FUNCTION hw_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'": "replace the function hw_now, different from version 2",
		"ALTER FUNCTION hw_record SECURITY INVOKER":                                              "replace the function hw_record, different from version 2",
		"ALTER FUNCTION hw_exchange RESET lock_timeout":                                          "replace the function hw_exchange, different from version 2",
		"ALTER FUNCTION hw_foreign RESET search_path":                                            "replace the function hw_foreign, different from version 2",
		"ALTER FUNCTION hw_row IMMUTABLE":                                                        "replace the function hw_row, different from version 2",
		"DROP FUNCTION hw_sweep":                                                                 "create the function hw_sweep",
		"ALTER TABLE hw_circuit_breakers DISABLE TRIGGER hw_foreign":                             "create the trigger hw_foreign on hw_circuit_breakers",
		"DROP TRIGGER hw_record_first ON hw_circuit_breakers":                                    "create the trigger hw_record_first on hw_circuit_breakers",
		"DROP INDEX hw_transitions_by_time":                                                      "create the index hw_transitions_by_time",
		"DROP TABLE hw_reports CASCADE":                                                          "create the table hw_reports\ncreate the index hw_reports_suspicions",
		"DROP SEQUENCE hw_lives":                                                                 "create the sequence hw_lives",
		"UPDATE hw_schema SET version = 0":                                                       "note that this is version 2 (it says 0)",
		"DELETE FROM hw_schema":                                                                  "note that this is version 2 (it says 0)",
	} {
		t.Run(damage, func(t *testing.T) {
			db := fresh(t)
			db.install(schema.Setup{})
			before := shape(t, db.connect())
			execute(t, db.connect(), damage)
			if steps := strings.Join(db.plan(schema.Setup{}), "\n"); steps != want {
				t.Errorf("got %q, want %q", steps, want)
			}
			db.install(schema.Setup{})
			if after := shape(t, db.connect()); after != before {
				t.Errorf("before\n%s\nafter\n%s", before, after)
			}
		})
	}
}

func TestTheHistoryIsKeptAsLongAsSaid(t *testing.T) {
	db := fresh(t)
	conn := db.connect()
	look := func() string {
		return value[string](t, conn, "SELECT history_age || ' ' || history_rows FROM hw_schema")
	}
	db.install(schema.Setup{})
	if got := look(); got != "90 days 1000" {
		t.Error(got)
	}
	setup := schema.Setup{History: schema.History{Age: 30 * 24 * time.Hour}}
	if got, want := db.plan(setup), []string{"keep transitions for 30 days (until now 90 days)"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	db.install(setup)
	db.install(schema.Setup{History: schema.History{Rows: 5}})
	db.install(schema.Setup{}) // says nothing of it
	if got := look(); got != "30 days 5" {
		t.Error(got)
	}
	if left := db.plan(schema.Setup{History: schema.History{Age: 30 * 24 * time.Hour, Rows: 5}}); left != nil {
		t.Errorf("there is still to do: %q", left)
	}
}

func TestWhatCannotBeSetUpSaysWhy(t *testing.T) {
	good := strings.NewReplacer("IF NOT EXISTS ", "").Replace(document[:strings.Index(document, ";")])
	for _, test := range []struct{ sql, want string }{
		{"CREATE TABLE hw_circuit_breakers (resource_key text PRIMARY KEY, state text)", "without the column failure_count"},
		{strings.Replace(good, "open_until TIMESTAMP", "open_until TIMESTAMPTZ", 1), "column open_until of the table hw_circuit_breakers is timestamp with time zone"},
		{strings.Replace(good, " PRIMARY KEY", "", 1), "no unique index on resource_key alone"},
		{good + "; ALTER TABLE hw_circuit_breakers ADD namespace integer", "a column namespace of its own, of the type integer"},
		{"CREATE VIEW hw_circuit_breakers AS SELECT 1 AS one", "no ordinary table"},
		{good + " PARTITION BY HASH (resource_key)", "no ordinary table"},
		{schema.Setup{}.Script() + "UPDATE hw_schema SET version = 3", "version 3 is there, and this program knows 2"},
	} {
		t.Run(test.want, func(t *testing.T) {
			db := fresh(t)
			execute(t, db.connect(), test.sql)
			err := schema.Install(t.Context(), db.connect(), schema.Default)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestMissingRightsAreSaidBeforeAnythingIsDone(t *testing.T) {
	db := fresh(t)
	role := db.role("nobody")
	admin := db.connect()
	execute(t, admin, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	try := func(s schema.Setup, want string) {
		t.Helper()
		if err := s.Install(t.Context(), db.as(role)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	try(schema.Setup{}, `may not create anything in the schema "public"`)
	try(schema.Setup{Schema: "other"}, `may not create the schema "other"`)
	execute(t, admin, document)
	try(schema.Setup{}, `belongs to "`+db.config.User+`", and only that role or a superuser`)

	// With the rights that they ask for it goes on, in a schema that is there.
	execute(t, admin, "GRANT CREATE ON SCHEMA public TO "+quote(role)+"; ALTER TABLE hw_circuit_breakers OWNER TO "+quote(role))
	if err := schema.Install(t.Context(), db.as(role), schema.Default); err != nil {
		t.Error(err)
	}

	config := absent(t).config
	config.User = role
	if err := schema.CreateDatabase(t.Context(), config); err == nil || !strings.Contains(err.Error(), "no right to create a database") {
		t.Error(err)
	}
	if _, err := schema.Connect(t.Context(), config); !errors.Is(err, schema.ErrNoDatabase) {
		t.Error(err)
	}
}

func TestABusyTableIsLeftAlone(t *testing.T) {
	db := fresh(t)
	execute(t, db.connect(), document+";"+rows)
	busy := db.connect()
	execute(t, busy, "BEGIN; SELECT FROM hw_circuit_breakers")
	setup := schema.Setup{LockTimeout: 50 * time.Millisecond}
	err := setup.Install(t.Context(), db.connect())
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "55P03" {
		t.Fatalf("got %v, want that the table is locked", err)
	}
	if said := fmt.Sprint(schema.Explain(err)); !strings.Contains(said, "somebody holds the table locked, so nothing was changed") {
		t.Error(said)
	}
	// It tries again.
	done := make(chan error)
	go func() { done <- setup.Install(t.Context(), db.connect()) }()
	watch := db.connect()
	for value[int](t, watch, "SELECT count(*) FROM pg_locks WHERE relation = 'hw_circuit_breakers'::regclass AND NOT granted") == 0 {
		time.Sleep(time.Millisecond)
	}
	for value[int](t, watch, "SELECT count(*) FROM pg_locks WHERE relation = 'hw_circuit_breakers'::regclass AND NOT granted") > 0 {
		time.Sleep(time.Millisecond)
	}
	execute(t, busy, "COMMIT")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNothingToDoTakesNoLock(t *testing.T) {
	db := fresh(t)
	db.install(schema.Setup{})
	busy := db.connect()
	execute(t, busy, "BEGIN; LOCK TABLE hw_circuit_breakers IN EXCLUSIVE MODE")
	db.install(schema.Setup{LockTimeout: 50 * time.Millisecond})
}
