package schema_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

// server is the connection string of a superuser there.
func server(t *testing.T) string {
	t.Helper()
	return postgrestest.Shared(t).DSN()
}

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

// A database is a fresh one.
type database struct {
	*testing.T
	config *pgx.ConnConfig // as a superuser
}

var count atomic.Int64

// unique is a name that needs quotes, and that no other test has.
func unique(what string) string {
	return fmt.Sprintf(`hw "%s" $$ it's %d-%d`, what, os.Getpid(), count.Add(1))
}

// absent is a database that is not there; whatever makes it, it is dropped in the end.
func absent(t *testing.T) database {
	t.Helper()
	config, err := pgx.ParseConfig(server(t))
	if err != nil {
		t.Fatal(err)
	}
	admin := config.Copy()
	config.Database = unique("database")
	t.Cleanup(func() {
		execute(t, connect(t, admin), "DROP DATABASE IF EXISTS "+quote(config.Database)+" WITH (FORCE)")
	})
	return database{t, config}
}

func fresh(t *testing.T) database {
	t.Helper()
	db := absent(t)
	if err := schema.CreateDatabase(t.Context(), db.config); err != nil {
		t.Fatal(err)
	}
	return db
}

// as connects as a role.
func (db database) as(role string) *pgx.Conn {
	db.Helper()
	config := db.config.Copy()
	config.User = role
	return connect(db.T, config)
}

func (db database) connect() *pgx.Conn { db.Helper(); return connect(db.T, db.config) }

func (db database) install(s schema.Setup) {
	db.Helper()
	if err := s.Install(db.Context(), db.connect()); err != nil {
		db.Fatal(err)
	}
}

// plan is what there is to do.
func (db database) plan(s schema.Setup) []string {
	db.Helper()
	found, err := s.Inspect(db.Context(), db.connect())
	if err != nil {
		db.Fatal(err)
	}
	steps, err := s.Plan(found)
	if err != nil {
		db.Fatal(err)
	}
	return steps
}

// role makes a role without rights, which is dropped in the end.
func (db database) role(what string) string {
	db.Helper()
	name := unique(what)
	execute(db.T, db.connect(), "CREATE ROLE "+quote(name)+" LOGIN")
	db.admit(name)
	db.forget(name)
	return name
}

// admit gives a role the password of the superuser.
func (db database) admit(role string) {
	db.Helper()
	if password := db.config.Password; password != "" {
		execute(db.T, db.connect(), "ALTER ROLE "+quote(role)+" PASSWORD '"+strings.ReplaceAll(password, "'", "''")+"'")
	}
}

// forget drops a role in the end, before the database.
func (db database) forget(role string) {
	db.Cleanup(func() {
		conn := db.connect()
		execute(db.T, conn, "DROP OWNED BY "+quote(role)+" CASCADE")
		execute(db.T, conn, "DROP ROLE "+quote(role))
	})
}

func connect(t *testing.T, config *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%v in\n%s", err, sql)
	}
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
