package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/logtest"
	"github.com/highway-engine/highway/internal/pooler"
	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/internal/faultproxy"
	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

// A patient is one instance behind a proxy, and what it says about itself.
type patient struct {
	*testing.T
	dsn       string // of its database, without the proxy
	proxy     *faultproxy.Proxy
	storage   *postgres.Storage
	protector *highway.CircuitProtector
	log       logged
	told      chan postgres.Status
}

// newPatient makes one on a database of its own, with faults that are there from the
// beginning.
func newPatient(t *testing.T, before func(p *patient), options ...postgres.Option) *patient {
	t.Helper()
	server := postgrestest.Shared(t)
	dsn := server.Database(t)
	return newPatientOf(t, dsn, address(t, dsn), before, options...)
}

// newPatientOf makes one whose database, which has the tables, is found at an address.
func newPatientOf(t *testing.T, dsn, address string, before func(p *patient), options ...postgres.Option) *patient {
	t.Helper()
	p := &patient{T: t, dsn: dsn, proxy: faultproxy.New(t, address), log: logs(t), told: make(chan postgres.Status, 1000)}
	p.install()
	if before != nil {
		before(p)
	}
	var err error
	options = append(options, postgres.WithStatus(func(s postgres.Status) { p.told <- s }))
	if p.storage, err = postgres.Open(t.Context(), p.proxy.Through(dsn), options...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.storage.Close(context.Background()) })
	p.protector = protector(t, p.storage)
	return p
}

// address is the host and port of a DSN's server.
func address(t *testing.T, dsn string) string {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(config.Host, "/") {
		t.Skip("the server has no port that a proxy could lead to")
	}
	return net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
}

// do runs a statement, also when the test is over or nobody else may write.
func (p *patient) do(statement string) {
	p.Helper()
	ctx := context.Background()
	config, err := pgx.ParseConfig(p.dsn)
	if err != nil {
		p.Fatal(err)
	}
	config.RuntimeParams["default_transaction_read_only"] = "off"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		p.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		p.Fatal(err)
	}
}

func (p *patient) install() {
	p.Helper()
	conn, err := pgx.Connect(p.Context(), p.dsn)
	if err != nil {
		p.Fatal(err)
	}
	defer conn.Close(context.Background())
	var standby bool
	if err := conn.QueryRow(p.Context(), "SELECT pg_is_in_recovery()").Scan(&standby); err != nil {
		p.Fatal(err)
	}
	if standby {
		return
	}
	if err := schema.Install(p.Context(), conn, schema.Default); err != nil {
		p.Fatal(err)
	}
}

// row is what is stored.
func (p *patient) row() (state, hold string) {
	p.Helper()
	conn, err := pgx.Connect(p.Context(), p.dsn)
	if err != nil {
		p.Fatal(err)
	}
	defer conn.Close(context.Background())
	err = conn.QueryRow(p.Context(), "SELECT state, hold FROM hw_circuit_breakers").Scan(&state, &hold)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		p.Fatal(err)
	}
	return state, hold
}

// call makes calls, which must be as if there were no storage.
func (p *patient) call() {
	p.Helper()
	for i := range 20 {
		var want error
		if i%4 == 0 {
			want = errBroken
		}
		began := time.Now()
		if err := p.protector.Do(p.Context(), func(context.Context) error { return want }); err != want {
			p.Errorf("a call returns %v, not %v", err, want)
		}
		if took := time.Since(began); took > 200*time.Millisecond {
			p.Errorf("a call takes %v", took)
		}
	}
}

// sick waits until the storage is away, and looks at how that is said. Why is in what is
// said, unless empty.
func (p *patient) sick(why string) {
	p.Helper()
	waitFor(p.T, func() bool {
		p.call()
		s, f := p.storage.Status(), p.protector.Snapshot().Fleet
		return !f.Live && !s.Reachable && f.Err != nil && s.Err != nil && strings.Contains(s.Err.Error(), why)
	})
	p.call()
}

// well waits until it is back.
func (p *patient) well() {
	p.Helper()
	waitFor(p.T, func() bool {
		p.call()
		s, f := p.storage.Status(), p.protector.Snapshot().Fleet
		return f.Live && s.Reachable && s.Notified && f.Err == nil && s.Err == nil
	})
}

// says wants the log to have had so many lines with a text.
func (p *patient) says(text string, want int) {
	p.Helper()
	waitFor(p.T, func() bool { return p.log.count(text) >= want })
	if n := p.log.count(text); n != want {
		p.Errorf("the log says %q %d times, want %d:\n%s", text, n, want, p.log)
	}
}

const (
	saysAway = "the storage of the fleet is away"
	saysBack = "the storage of the fleet answers again"
)

// logged is what package slog's default logger was told.
type logged struct{ *logtest.Buffer }

func logs(t *testing.T) logged { return logged{logtest.Capture(t)} }

func (l logged) count(text string) int { return strings.Count(l.String(), text) }

func TestADatabaseThatIsAbsentAtTheStartMayCome(t *testing.T) {
	p := newPatient(t, func(p *patient) { p.proxy.Refuse(true) })
	p.sick("")
	p.says(saysAway, 1)
	p.proxy.Refuse(false)
	p.well()
	p.says(saysBack, 1)
}

// TestADatabaseThatIsLostComesBack: once more each time, and each time it is said once,
// to the log and to the callback.
func TestADatabaseThatIsLostComesBack(t *testing.T) {
	p := newPatient(t, nil)
	p.well()
	for i := range 3 {
		p.proxy.Refuse(true)
		p.proxy.Cut()
		p.sick("")
		time.Sleep(300 * time.Millisecond) // it is tried again, and nothing is said
		p.says(saysAway, i+1)
		p.proxy.Refuse(false)
		p.well()
		p.says(saysBack, i+1)
	}
	var said []bool
	for len(p.told) > 0 {
		// That it is notified may be told before that it is reachable.
		if s := <-p.told; len(said) == 0 && s.Reachable || len(said) > 0 && said[len(said)-1] != s.Reachable {
			said = append(said, s.Reachable)
		}
	}
	if want := []bool{true, false, true, false, true, false, true}; fmt.Sprint(said) != fmt.Sprint(want) {
		t.Errorf("the callback hears that it is reachable: %v, want %v", said, want)
	}
}

func TestASlowDatabaseIsAway(t *testing.T) {
	for name, make := range map[string]func(p *faultproxy.Proxy, on bool){
		"slow":   func(p *faultproxy.Proxy, on bool) { p.Delay(map[bool]time.Duration{true: 2 * time.Second}[on], 0) },
		"silent": func(p *faultproxy.Proxy, on bool) { p.Freeze(on) },
		"trickling": func(p *faultproxy.Proxy, on bool) {
			p.Trickle(map[bool]int{true: 1}[on], 100*time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t, nil)
			p.well()
			make(p.proxy, true)
			p.sick("")
			make(p.proxy, false)
			p.well()
			p.says(saysAway, 1)
		})
	}
}

func TestAReadOnlyDatabaseIsAway(t *testing.T) {
	p := newPatient(t, nil)
	p.well()
	u, err := url.Parse(p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := pgx.Identifier{strings.TrimPrefix(u.Path, "/")}.Sanitize()
	p.do("ALTER DATABASE " + name + " SET default_transaction_read_only = on")
	p.proxy.Cut()
	p.sick("takes no writes")
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if s, f := p.storage.Status(), p.protector.Snapshot().Fleet; s.Reachable || f.Live {
			t.Fatalf("it is back, as it can be read: %+v, %+v", s, f)
		}
	}
	p.says(saysAway, 1)
	p.do("ALTER DATABASE " + name + " RESET default_transaction_read_only")
	p.proxy.Cut()
	p.well()
}

func TestAServerMayStartAgain(t *testing.T) {
	server := postgrestest.New(t, postgrestest.Options{Private: true})
	p := newPatientOf(t, server.DSN(), address(t, server.DSN()), nil)
	p.well()
	for name, stop := range map[string]func() error{
		"killed":  server.Kill,
		"stopped": func() error { return server.Stop(t.Context(), postgrestest.Immediate) },
	} {
		if err := stop(); err != nil {
			t.Fatal(name, err)
		}
		p.sick("")
		if err := server.StartAgain(t.Context()); err != nil {
			t.Fatal(name, err)
		}
		p.well()
	}
}

func TestWithoutAConnectionLeftTheDatabaseIsAway(t *testing.T) {
	server := postgrestest.New(t, postgrestest.Options{Settings: map[string]string{"max_connections": "12"}})
	p := newPatientOf(t, server.DSN(), address(t, server.DSN()), nil)
	p.well()
	p.proxy.Refuse(true)
	p.proxy.Cut()
	var taken []*pgx.Conn
	waitFor(t, func() bool {
		conn, err := pgx.Connect(t.Context(), p.dsn)
		if err == nil {
			taken = append(taken, conn)
		}
		return err != nil
	})
	p.proxy.Refuse(false)
	p.sick("has no connection left")
	for _, conn := range taken {
		conn.Close(t.Context())
	}
	p.well()
}

// TestACommandWhoseAnswerIsLostIsUnknown: it may be done or not, and nobody says that it
// is.
func TestACommandWhoseAnswerIsLostIsUnknown(t *testing.T) {
	for _, c := range []struct {
		name string
		lose func(p *faultproxy.Proxy, match func(string) bool)
		done bool
	}{
		{"answer", (*faultproxy.Proxy).LoseAnswer, true},
		{"question", (*faultproxy.Proxy).LoseAsked, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPatient(t, nil)
			p.well()
			c.lose(p.proxy, faultproxy.Containing("hw_change"))
			if err := p.protector.Isolate(t.Context()); !errors.Is(err, highway.ErrUnknown) {
				t.Errorf("it says %v", err)
			}
			if _, hold := p.row(); (hold == "isolated") != c.done {
				t.Errorf("the row is held %q", hold)
			}
			c.lose(p.proxy, nil)
			if err := p.protector.Isolate(t.Context()); err != nil {
				t.Errorf("then it says %v", err)
			}
			waitFor(t, func() bool { return p.protector.Status() == highway.Open })
			if err := p.protector.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestACommandThatIsNotHeardIsNotDone(t *testing.T) {
	p := newPatient(t, nil)
	p.well()
	p.proxy.Refuse(true)
	p.proxy.Cut()
	if err := p.protector.Isolate(t.Context()); !errors.Is(err, highway.ErrNotDone) {
		t.Errorf("it says %v", err)
	}
	if _, hold := p.row(); hold != "" {
		t.Errorf("the row is held %q", hold)
	}
	p.proxy.Refuse(false)
	p.proxy.Freeze(true)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := p.protector.Isolate(ctx); !errors.Is(err, highway.ErrNotDone) && !errors.Is(err, highway.ErrUnknown) {
		t.Errorf("of a silent database it says %v", err)
	}
	p.proxy.Freeze(false)
}

// TestBehindAPoolerNothingIsToldAndEverythingSeen: in transaction mode LISTEN succeeds,
// and delivers nothing.
func TestBehindAPoolerNothingIsToldAndEverythingSeen(t *testing.T) {
	server := postgrestest.Shared(t)
	dsn := server.Database(t)
	bouncer, err := pooler.Start(t.Context(), dsn, address(t, dsn))
	if errors.Is(err, pooler.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bouncer.Close() })
	p := newPatientOf(t, dsn, bouncer.Addr(), nil)
	waitFor(t, func() bool {
		p.call()
		s := p.storage.Status()
		return s.Reachable && !s.Notified && s.Err != nil && strings.Contains(s.Err.Error(), "notifications do not come")
	})
	p.says("notifications do not come", 1)
	if f := p.protector.Snapshot().Fleet; !f.Live {
		t.Errorf("it is not live: %v", f.Err)
	}
	other := newPatientOf(t, dsn, address(t, dsn), nil)
	other.well()
	began := time.Now()
	if err := other.protector.Isolate(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return p.protector.Status() == highway.Open })
	if took := time.Since(began); took > 2500*time.Millisecond {
		t.Errorf("it has seen a command after %v", took)
	}
	// Its own commands and changes work as everybody's.
	if err := p.protector.Close(t.Context()); err != nil {
		t.Error(err)
	}
	waitFor(t, func() bool { return other.protector.Status() == highway.Closed })
}

func TestAStandbyIsAway(t *testing.T) {
	primary := postgrestest.New(t, postgrestest.Options{Private: true})
	first := newPatientOf(t, primary.DSN(), address(t, primary.DSN()), nil)
	first.well()
	standby, err := primary.Standby(t.Context())
	if errors.Is(err, postgrestest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := newPatientOf(t, standby.DSN(), address(t, standby.DSN()), nil)
	p.sick("takes no writes")
	if p.storage.Status().Notified {
		t.Error("a standby notifies")
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.well()
}

// TestNoFaultShowsThePassword lets everything fail that can, and looks for the password
// in all that is said.
func TestNoFaultShowsThePassword(t *testing.T) {
	const password = "hunter2 \\'"
	p := newPatient(t, nil)
	p.do("CREATE ROLE faulty LOGIN PASSWORD '" + strings.ReplaceAll(password, "'", "''") + "'")
	t.Cleanup(func() { p.do("DROP ROLE IF EXISTS faulty") })
	u, err := url.Parse(p.proxy.Through(p.dsn))
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	for _, fault := range []struct {
		name string
		user *url.Userinfo
		make func(on bool)
	}{
		{"no rights", url.UserPassword("faulty", password), func(bool) {}},
		{"wrong password", url.UserPassword("faulty", password+"!"), func(bool) {}},
		{"no such user", url.UserPassword("nobody", password), func(bool) {}},
		{"refused", url.UserPassword("faulty", password), p.proxy.Refuse},
		{"silent", url.UserPassword("faulty", password), p.proxy.Freeze},
	} {
		t.Run(fault.name, func(t *testing.T) {
			u.User, u.RawQuery = fault.user, query.Encode()
			fault.make(true)
			defer fault.make(false)
			var options []postgres.Option
			options = append(options, postgres.WithListener(u.String()), postgres.WithStatus(func(s postgres.Status) {
				slog.Info(fmt.Sprintf("%+v %#v", s, s))
			}))
			storage, err := postgres.Open(t.Context(), u.String(), options...)
			if err != nil {
				t.Fatal(err)
			}
			defer storage.Close(t.Context())
			instance := protector(t, storage)
			waitFor(t, func() bool { return instance.Snapshot().Fleet.Err != nil && storage.Status().Err != nil })
			command := instance.Isolate(t.Context())
			for _, value := range []any{storage, storage.Status(), storage.Status().Err, command, options, options[0], instance.Snapshot()} {
				for _, format := range []string{"%v", "%+v", "%#v", "%q"} {
					if text := fmt.Sprintf(format, value); strings.Contains(text, "hunter2") {
						t.Errorf("%s of %T: %s", format, value, text)
					}
				}
			}
			if text := p.log.String(); strings.Contains(text, "hunter2") {
				t.Errorf("the log: %s", text)
			}
		})
	}
}
