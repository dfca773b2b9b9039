package postgres_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/postgrestest"
)

// TestTLS tries the modes of TLS on a server with a certificate for localhost, signed by
// an authority of its own.
func TestTLS(t *testing.T) {
	server := postgrestest.New(t, postgrestest.Options{TLS: true})
	stranger := filepath.Join(t.TempDir(), "stranger.pem")
	other := postgrestest.New(t, postgrestest.Options{TLS: true})
	certificate, err := os.ReadFile(other.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stranger, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, host, mode, ca string
		works                bool
	}{
		{"no TLS, which the server wants", "localhost", "disable", "", false},
		{"whoever answers", "localhost", "require", "", true},
		{"by the authority", "localhost", "verify-ca", server.CAFile(), true},
		{"by the authority, under another name", "db.example", "verify-ca", server.CAFile(), true},
		{"by another authority", "localhost", "verify-ca", stranger, false},
		{"under its name", "localhost", "verify-full", server.CAFile(), true},
		{"under its address", "127.0.0.1", "verify-full", server.CAFile(), true},
		{"under another name", "db.example", "verify-full", server.CAFile(), false},
		{"by an authority that the system does not know", "localhost", "verify-full", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dsn, err := url.Parse(server.DSN())
			if err != nil {
				t.Fatal(err)
			}
			query := dsn.Query()
			query.Set("sslmode", c.mode)
			query.Del("sslrootcert")
			if c.ca != "" {
				query.Set("sslrootcert", c.ca)
			}
			dsn.Host, dsn.RawQuery = c.host+":"+dsn.Port(), query.Encode()
			config, err := pgxpool.ParseConfig(dsn.String())
			if err != nil {
				t.Fatal(err)
			}
			config.ConnConfig.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
			pool, err := pgxpool.NewWithConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			storage, err := postgres.New(pool)
			if err != nil {
				t.Fatal(err)
			}
			defer storage.Close(t.Context())
			_, err = storage.Exchange(t.Context(), "a", nil)
			// The tables are not there, which only who is connected hears.
			if connected := err != nil && strings.Contains(err.Error(), "highway setup"); connected != c.works {
				t.Errorf("%v", err)
			}
			password, _ := dsn.User.Password()
			if err != nil && strings.Contains(err.Error(), password) {
				t.Error("the error has the password")
			}
		})
	}
}
