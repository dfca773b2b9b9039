package postgrestest_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/postgrestest"
)

// private is a server of the test's own.
var private = postgrestest.Options{Private: true}

func TestAServerStartsSoonAndItsDatabasesAreApart(t *testing.T) {
	began := time.Now()
	s := postgrestest.New(t, private)
	took := time.Since(began)
	t.Logf("ready in %v", took.Round(time.Millisecond))
	// A download is no matter of seconds.
	if took > 20*time.Second && !strings.Contains(s.From(), "download") {
		t.Errorf("ready in %v", took)
	}
	one, two := connect(t, s.Database(t)), connect(t, s.Database(t))
	for _, connection := range []*pgx.Conn{one, two, connect(t, s.DSN())} {
		run(t, connection, "CREATE TABLE same (x int)")
		if !ask[bool](t, connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") {
			t.Error("no superuser")
		}
	}
	dsn, err := s.CreateDatabase(t.Context())
	must(t, err)
	run(t, connect(t, dsn), "CREATE TABLE same (x int)")
	if port := ask[string](t, one, "SHOW port"); port != fmt.Sprint(s.Port()) {
		t.Errorf("port %s, not %d", port, s.Port())
	}
	if zone := ask[string](t, one, "SHOW timezone"); zone != "UTC" {
		t.Errorf("timezone %s", zone)
	}
	if !strings.Contains(s.Log(), "ready to accept connections") {
		t.Errorf("the log is %q", s.Log())
	}
	if s.From() == "" || s.CAFile() != "" {
		t.Errorf("from %q, authority %q", s.From(), s.CAFile())
	}
}

func TestADatabaseEndsWithItsTest(t *testing.T) {
	s := postgrestest.New(t)
	var dsn string
	t.Run("its test", func(t *testing.T) { dsn = s.Database(t) })
	if _, err := pgx.Connect(t.Context(), dsn); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("the database: %v", err)
	}
}

func TestThePasswordIsAskedForAndNeverLogged(t *testing.T) {
	s := postgrestest.New(t, postgrestest.Options{Settings: map[string]string{"log_statement": "all", "log_connections": "on"}})
	u, err := url.Parse(s.DSN())
	must(t, err)
	secret, _ := u.User.Password()
	if len(secret) < 20 {
		t.Errorf("a password of %d characters", len(secret))
	}
	s.Database(t)
	if log := s.Log(); strings.Contains(log, secret) || !strings.Contains(log, "CREATE DATABASE") {
		t.Error("the log has the password, or no statements")
	}
	u.User = url.UserPassword("postgres", "wrong")
	if _, err := pgx.Connect(t.Context(), u.String()); err == nil {
		t.Error("any password will do")
	}
	if s.SocketDir() == "" {
		t.Skip("the temporary folder's name is too long for a unix socket")
	}
	run(t, connect(t, fmt.Sprintf("host=%s port=%d user=postgres password=%s", s.SocketDir(), s.Port(), secret)), "SELECT 1")
}

func TestSettingsAndDurability(t *testing.T) {
	plain := connect(t, postgrestest.New(t, private).DSN())
	if fsync := ask[string](t, plain, "SHOW fsync"); fsync != "off" {
		t.Errorf("fsync is %s", fsync)
	}
	s := postgrestest.New(t, postgrestest.Options{Durable: true, Settings: map[string]string{
		"shared_preload_libraries": "pg_stat_statements",
		"cluster_name":             `it's a \ name`,
	}})
	connection := connect(t, s.DSN())
	if fsync := ask[string](t, connection, "SHOW fsync"); fsync != "on" {
		t.Errorf("fsync is %s", fsync)
	}
	if name := ask[string](t, connection, "SHOW cluster_name"); name != `it's a \ name` {
		t.Errorf("the name is %s", name)
	}
	run(t, connection, "CREATE EXTENSION pg_stat_statements")
	if ask[int](t, connection, "SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'CREATE EXTENSION%'") == 0 {
		t.Error("nothing is counted")
	}
}

func TestASettingThatIsWrongIsInTheError(t *testing.T) {
	_, err := postgrestest.Start(t.Context(), postgrestest.Options{Settings: map[string]string{"no_such": "1"}})
	if err == nil || !strings.Contains(err.Error(), "no_such") {
		t.Errorf("%v", err)
	}
}

func TestNoProgramsWhereTheyAreSaidToBe(t *testing.T) {
	_, err := postgrestest.Start(t.Context(), postgrestest.Options{Binaries: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("%v", err)
	}
}

func TestAServerOfTheEnvironment(t *testing.T) {
	s := postgrestest.New(t, private)
	t.Setenv("HW_TEST_DATABASE_URL", s.DSN())
	var dsns []string
	t.Run("uses it", func(t *testing.T) {
		one, two := postgrestest.New(t), postgrestest.New(t)
		if one.From() != "HW_TEST_DATABASE_URL" || one.Port() != s.Port() {
			t.Errorf("from %s, port %d", one.From(), one.Port())
		}
		created, err := one.CreateDatabase(t.Context())
		must(t, err)
		dsns = []string{one.DSN(), two.DSN(), one.Database(t), created}
		for _, dsn := range dsns {
			run(t, connect(t, dsn), "CREATE TABLE same (x int)")
		}
		for _, err := range []error{one.Stop(t.Context(), postgrestest.Fast), one.Kill(), one.StartAgain(t.Context()),
			one.Restart(t.Context())} {
			if err == nil {
				t.Error("it does something to a server that is not its own")
			}
		}
	})
	for _, dsn := range dsns {
		if _, err := pgx.Connect(t.Context(), dsn); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("a database: %v", err)
		}
	}
	if own := postgrestest.New(t, private); own.Port() == s.Port() {
		t.Error("a private server is the one of the environment")
	}

	t.Setenv("HW_TEST_DATABASE_URL", "secret words")
	if _, err := postgrestest.Start(t.Context(), postgrestest.Options{}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	s, err := postgrestest.Start(t.Context(), private)
	must(t, err)
	dir, dsn := s.SocketDir(), s.DSN()
	must(t, s.Close())
	must(t, s.Close())
	refused(t, dsn)
	if dir != "" {
		gone(t, dir)
	}
	if s.StartAgain(t.Context()) == nil {
		t.Error("it starts after it was closed")
	}
	if err := s.Stop(t.Context(), postgrestest.Fast); err == nil {
		t.Error("it stops after it was closed")
	}
}
