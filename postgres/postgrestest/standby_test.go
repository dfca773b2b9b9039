package postgrestest_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/postgrestest"
)

func TestAStandbyTakesOver(t *testing.T) {
	for name, options := range map[string]postgrestest.Options{"plain": private, "TLS": {TLS: true}} {
		t.Run(name, func(t *testing.T) {
			s := postgrestest.New(t, options)
			standby, err := s.Standby(t.Context())
			lacking(t, s, err)
			connection := connect(t, s.DSN())
			run(t, connection, "CREATE TABLE kept AS SELECT 1 AS x")
			there := connect(t, standby.DSN())
			follows(t, there)
			if _, err := there.Exec(t.Context(), "INSERT INTO kept VALUES (2)"); err == nil {
				t.Error("a standby takes writes")
			}
			must(t, s.Kill())
			must(t, standby.Promote(t.Context()))
			run(t, there, "INSERT INTO kept VALUES (2)")
			if rows := ask[int](t, connect(t, standby.DSN()), "SELECT count(*) FROM kept"); rows != 2 {
				t.Errorf("%d rows", rows)
			}
			run(t, connect(t, standby.Database(t)), "SELECT 1")
		})
	}
}

// follows waits until a standby has the table.
func follows(t *testing.T, standby *pgx.Conn) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if ask[bool](t, standby, "SELECT to_regclass('kept') IS NOT NULL") {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the standby does not follow")
		}
	}
}
