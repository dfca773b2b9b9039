package postgrestest_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/postgrestest"
)

// connect opens a connection that ends with the test.
func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close(context.Background()) })
	return connection
}

// ask is the answer to a query.
func ask[T any](t testing.TB, connection *pgx.Conn, query string, arguments ...any) T {
	t.Helper()
	var answer T
	if err := connection.QueryRow(t.Context(), query, arguments...).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

// run runs a statement.
func run(t testing.TB, connection *pgx.Conn, statement string, arguments ...any) {
	t.Helper()
	if _, err := connection.Exec(t.Context(), statement, arguments...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// must ends the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lacking skips the test when the download lacks what it needs; an installation must not.
func lacking(t testing.TB, s *postgrestest.Server, err error) {
	t.Helper()
	if errors.Is(err, postgrestest.ErrMissing) && strings.Contains(s.From(), "download") {
		t.Skip(err)
	}
	must(t, err)
}

// refused says that a new connection is, soon.
func refused(t testing.TB, dsn string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	connection, err := pgx.Connect(ctx, dsn)
	if err == nil {
		connection.Close(ctx)
		t.Fatal("a stopped server takes connections")
	}
}

// gone says that what a server left is.
func gone(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", path, err)
	}
}
