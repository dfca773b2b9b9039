package postgrestest_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/postgrestest"
)

func TestTLSOnly(t *testing.T) {
	s := postgrestest.New(t, postgrestest.Options{TLS: true})
	for _, dsn := range []string{s.DSN(), strings.Replace(s.Database(t), "127.0.0.1", "localhost", 1)} {
		if !ask[bool](t, connect(t, dsn), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") {
			t.Error("no TLS")
		}
	}
	if s.CAFile() == "" || !strings.Contains(s.DSN(), "sslmode=verify-full") {
		t.Error("nothing says that the certificate is to be checked")
	}
	plain := strings.Replace(s.DSN(), "verify-full", "disable", 1)
	if _, err := pgx.Connect(t.Context(), plain); err == nil {
		t.Error("it takes connections without TLS")
	}
	other := postgrestest.New(t, postgrestest.Options{TLS: true})
	config, err := pgx.ParseConfig(s.DSN())
	must(t, err)
	stranger, err := pgx.ParseConfig(other.DSN())
	must(t, err)
	config.TLSConfig = stranger.TLSConfig
	if _, err := pgx.ConnectConfig(t.Context(), config); err == nil {
		t.Error("another authority will do")
	}
}
