package postgres_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/internal/faultproxy"
)

const nowhere = "postgres://nobody:hunter2@127.0.0.1:1/nothing"

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	for _, c := range []struct {
		dsn     string
		options []postgres.Option
		want    string
	}{
		{"postgres://nobody:hunter2@h:port/db", nil, "the DSN"},
		{"hunter2", nil, "the DSN"},
		{"postgres://nobody:abc@hunter2@localhost/db", nil, "%40"},
		{"postgres://nobody:1/hunter2@localhost/db", nil, "the DSN"},
		{"host=h password=hunter2 sslmode=perhaps", nil, "the DSN"},
		{nowhere, []postgres.Option{postgres.WithSchema("")}, "must not be empty"},
		{nowhere, []postgres.Option{postgres.WithSchema("pg_mine")}, `"pg_mine"`},
		{nowhere, []postgres.Option{postgres.WithSchema(strings.Repeat("s", 64))}, "at most 63 bytes"},
		{nowhere, []postgres.Option{postgres.WithNamespace("a:b")}, `"a:b"`},
		{nowhere, []postgres.Option{postgres.WithNamespace("a\x00b")}, "control"},
		{nowhere, []postgres.Option{postgres.WithNamespace(strings.Repeat("n", 64))}, "at most 63 bytes"},
		{nowhere, []postgres.Option{postgres.WithListener("postgres://u:hunter2@h:port/db")}, "the DSN"},
		{nowhere, []postgres.Option{postgres.WithListener(nowhere), postgres.WithPollOnly()}, "exclude each other"},
	} {
		storage, err := postgres.Open(t.Context(), c.dsn, c.options...)
		if err == nil {
			storage.Close(t.Context())
			t.Errorf("%q is taken, not refused for %q", c.dsn, c.want)
		} else if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %q and no password", err, c.want)
		}
	}
	if _, err := postgres.New(nil); err == nil {
		t.Error("a nil pool is taken")
	}
}

func TestThePasswordIsNeverPrinted(t *testing.T) {
	storage, err := postgres.Open(t.Context(), nowhere)
	if err != nil {
		t.Fatal(err)
	}
	defer storage.Close(t.Context())
	_, err = storage.Exchange(t.Context(), "a", nil)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, value := range []any{storage, storage.Status(), err, struct{ fmt.Stringer }{storage}} {
			if text := fmt.Sprintf(format, value); strings.Contains(text, "hunter2") {
				t.Errorf("%s of %T: %s", format, value, text)
			}
		}
	}
	if text := fmt.Sprint(storage); text != "postgres 127.0.0.1:1/nothing" {
		t.Errorf("it is %q", text)
	}
}

func TestTheListenerMayTakeAnotherWay(t *testing.T) {
	s := newStored(t)
	server := s.pool.Config().ConnConfig
	if strings.HasPrefix(server.Host, "/") {
		t.Skip("the server has no port that a proxy could lead to")
	}
	proxy := faultproxy.New(t, net.JoinHostPort(server.Host, strconv.Itoa(int(server.Port))))
	proxy.Refuse(true)
	other, err := postgres.Open(t.Context(), dsn(t), postgres.WithSchema(s.schema), postgres.WithListener(proxy.Through(dsn(t))))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	p := protector(t, other)
	defer runtime.KeepAlive(p) // who is gone needs no notifications
	waitFor(t, func() bool { return other.Status().Reachable && other.Status().Err != nil })
	if other.Status().Notified {
		t.Error("it is notified by a way that is closed")
	}
	proxy.Refuse(false)
	waitFor(t, func() bool { return other.Status().Notified && other.Status().Err == nil })
}

// TestTheIsolationLevelIsChecked: with another one, two who complete the evidence at once
// would not see each other.
func TestTheIsolationLevelIsChecked(t *testing.T) {
	s := newStored(t)
	config, err := pgxpool.ParseConfig(dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	other, err := postgres.New(pool, postgres.WithSchema(s.schema))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(t.Context())
	if _, err := other.Exchange(t.Context(), "a", nil); err == nil || !strings.Contains(err.Error(), "READ COMMITTED") {
		t.Errorf("%v", err)
	}
}
