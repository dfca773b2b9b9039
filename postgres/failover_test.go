package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

// TestAPromotedServerHasRowsOfAnotherIncarnation (S11): the primary goes on for a while
// after the standby has seen the last of it, so that both decide on the same epoch.
func TestAPromotedServerHasRowsOfAnotherIncarnation(t *testing.T) {
	primary, standby := newPair(t)
	look := func(s *postgres.Storage, number uint64) (fleet.Row, error) {
		views, err := s.Exchange(t.Context(), "a", map[string]fleet.Report{"k": {Instance: "a", Number: number}})
		return views["k"].Row, err
	}
	on := func(server *postgrestest.Server) *postgres.Storage {
		s, err := postgres.Open(t.Context(), server.DSN())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close(context.Background()) })
		return s
	}
	before, after := on(primary), on(standby)
	first, err := look(before, 1)
	if err != nil {
		t.Fatal(err)
	}
	open := fleet.Row{Identity: fleet.Identity{Epoch: 1, Nonce: 7}, State: fleet.Open, Remaining: time.Hour}
	if open, err = before.Change(t.Context(), "k", first.Identity, open); err != nil || open.State != fleet.Open {
		t.Fatal(open, err)
	}
	waitFor(t, func() bool {
		var state string
		seen, err := pgx.Connect(t.Context(), standby.DSN())
		if err != nil {
			t.Fatal(err)
		}
		defer seen.Close(t.Context())
		err = seen.QueryRow(t.Context(), "SELECT state FROM hw_circuit_breakers WHERE resource_key = 'k'").Scan(&state)
		return err == nil && state == "OPEN"
	})
	if _, err := look(after, 1); err == nil {
		t.Error("a standby takes a report")
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	var row fleet.Row
	waitFor(t, func() bool { row, err = look(after, 2); return err == nil })
	if row.State != fleet.Open || row.Epoch != open.Epoch || row.Incarnation == open.Incarnation || row.Remaining < 59*time.Minute {
		t.Errorf("%+v of %+v", row, open)
	}
	// What was decided on the old one does not apply.
	is, err := after.Change(t.Context(), "k", open.Identity, fleet.Row{Identity: fleet.Identity{Epoch: 2, Nonce: 8}})
	if err != nil || is.Identity != row.Identity {
		t.Errorf("%+v, %v", is, err)
	}
	// And it stays as it is from now on.
	if again, err := look(after, 3); err != nil || again.Identity != row.Identity {
		t.Errorf("%+v, %v", again, err)
	}
}

// newPair starts a server with the schema, and a standby that follows it.
func newPair(t *testing.T) (primary, standby *postgrestest.Server) {
	t.Helper()
	primary = postgrestest.New(t, postgrestest.Options{Private: true})
	conn := connect(t, primary)
	if err := schema.Install(t.Context(), conn, schema.Default); err != nil {
		t.Fatal(err)
	}
	standby, err := primary.Standby(t.Context())
	if errors.Is(err, postgrestest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return primary, standby
}

func connect(t *testing.T, server *postgrestest.Server) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// TestAStorageFollowsAFailover (L1): the primary is still there, and only takes no writes
// any more.
func TestAStorageFollowsAFailover(t *testing.T) {
	primary, standby := newPair(t)
	both, err := url.Parse(primary.DSN())
	if err != nil {
		t.Fatal(err)
	}
	both.Host = fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d", primary.Port(), standby.Port())
	both.RawQuery = "target_session_attrs=read-write"
	s, err := postgres.Open(t.Context(), both.String())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	waitFor(t, func() bool { _, err := s.Exchange(t.Context(), "a", nil); return err == nil })
	for _, statement := range []string{"ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"} {
		if _, err := connect(t, primary).Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool { _, err := s.Exchange(t.Context(), "a", nil); return err != nil })
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { _, err := s.Exchange(t.Context(), "a", nil); return err == nil })
}
