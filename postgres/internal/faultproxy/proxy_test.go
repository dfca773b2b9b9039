package faultproxy_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/highway-engine/highway/postgres/internal/faultproxy"
	"github.com/highway-engine/highway/postgres/postgrestest"
)

var server *postgrestest.Server

func TestMain(m *testing.M) {
	var err error
	if server, err = postgrestest.Start(context.Background(), postgrestest.Options{Private: true}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	result := m.Run()
	if err := server.Close(); err != nil {
		fmt.Println(err)
		result = 1
	}
	os.Exit(result)
}

// rig is a database with a table, behind a proxy.
type rig struct {
	*testing.T
	proxy   *faultproxy.Proxy
	dsn     string    // through the proxy
	beside  *pgx.Conn // without it
	timeout time.Duration
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dsn := server.Database(t)
	proxy := faultproxy.New(t, fmt.Sprintf("127.0.0.1:%d", server.Port()))
	r := &rig{T: t, proxy: proxy, dsn: proxy.Through(dsn), timeout: time.Minute}
	r.beside = r.connect(dsn)
	r.do(r.beside, "CREATE TABLE kept (x int)")
	return r
}

func (r *rig) open(dsn string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(r.Context(), r.timeout)
	defer cancel()
	connection, err := pgx.Connect(ctx, dsn)
	if err == nil {
		r.Cleanup(func() { connection.Close(context.Background()) })
	}
	return connection, err
}

func (r *rig) connect(dsn string) *pgx.Conn {
	r.Helper()
	connection, err := r.open(dsn)
	if err != nil {
		r.Fatal(err)
	}
	return connection
}

func (r *rig) do(connection *pgx.Conn, statement string, arguments ...any) {
	r.Helper()
	if _, err := connection.Exec(r.Context(), statement, arguments...); err != nil {
		r.Fatalf("%s: %v", statement, err)
	}
}

// fails does what must not be answered.
func (r *rig) fails(connection *pgx.Conn, statement string, arguments ...any) {
	r.Helper()
	if _, err := connection.Exec(r.Context(), statement, arguments...); err == nil || !connection.IsClosed() {
		r.Fatalf("%s is answered: %v", statement, err)
	}
}

// kept wants so many rows in the table.
func (r *rig) kept(want int) {
	r.Helper()
	var got int
	if err := r.beside.QueryRow(r.Context(), "SELECT count(*) FROM kept").Scan(&got); err != nil {
		r.Fatal(err)
	}
	if got != want {
		r.Errorf("%d rows, want %d", got, want)
	}
}

// counted wants so many faults of a kind.
func (r *rig) counted(name string, want int) {
	r.Helper()
	if got := r.proxy.Counts()[name]; got != want {
		r.Errorf("%d %s, want %d", got, name, want)
	}
}

func TestStatementsAreCounted(t *testing.T) {
	r := newRig(t)
	connection := r.connect(r.dsn)
	if n := r.proxy.Statements(); n != 0 {
		t.Errorf("%d statements to connect", n)
	}
	r.do(connection, "INSERT INTO kept VALUES ($1)", 1) // prepares, executes
	r.do(connection, "INSERT INTO kept VALUES ($1)", 2) // executes
	r.do(connection, "SELECT 1", pgx.QueryExecModeSimpleProtocol)
	if n := r.proxy.Statements(); n != 3 {
		t.Errorf("%d statements, want 3", n)
	}
	var batch pgx.Batch
	for range 5 {
		batch.Queue("INSERT INTO kept VALUES ($1)", 3)
	}
	if err := connection.SendBatch(t.Context(), &batch).Close(); err != nil {
		t.Fatal(err)
	}
	if n := r.proxy.Statements(); n != 8 {
		t.Errorf("%d statements, want 8", n)
	}
	r.kept(7)
	if len(r.proxy.Counts()) != 0 {
		t.Errorf("faults: %v", r.proxy.Counts())
	}
}

func TestWhoPrefersTLSIsToldThereIsNone(t *testing.T) {
	r := newRig(t)
	r.do(r.connect(strings.Replace(r.dsn, "disable", "prefer", 1)), "SELECT 1")
}

func TestRefuse(t *testing.T) {
	r := newRig(t)
	old := r.connect(r.dsn)
	r.proxy.Refuse(true)
	for range 2 {
		// It may be reset before it is known to be made.
		connection, err := net.Dial("tcp", r.proxy.Addr())
		if err != nil {
			continue
		}
		if _, err := connection.Read(make([]byte, 1)); err == nil {
			t.Error("a connection is answered")
		}
		connection.Close()
	}
	r.counted(faultproxy.Refused, 2)
	if _, err := r.open(r.dsn); err == nil {
		t.Error("a connection is made")
	}
	r.do(old, "SELECT 1")
	r.proxy.Refuse(false)
	r.do(r.connect(r.dsn), "SELECT 1")
}

func TestCut(t *testing.T) {
	r := newRig(t)
	one, two := r.connect(r.dsn), r.connect(r.dsn)
	r.proxy.Cut()
	r.fails(one, "SELECT 1")
	r.fails(two, "SELECT 1")
	r.counted(faultproxy.Cut, 2)
	r.do(r.connect(r.dsn), "SELECT 1")
}

func TestDelay(t *testing.T) {
	const delay = 30 * time.Millisecond
	for name, set := range map[string]struct{ up, down time.Duration }{"up": {delay, 0}, "down": {0, delay}, "both": {delay, delay}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			connection := r.connect(r.dsn)
			// A hundred messages come close together, and are late once.
			const many = "SELECT generate_series(1, 100)"
			r.do(connection, many)
			r.proxy.Delay(set.up, set.down)
			began := time.Now()
			r.do(connection, many)
			if took := time.Since(began); took < set.up+set.down || took > 50*delay {
				t.Errorf("took %v", took)
			}
			if r.proxy.Counts()[faultproxy.Delayed] == 0 {
				t.Error("none is counted")
			}
			r.proxy.Delay(0, 0)
			before := r.proxy.Counts()[faultproxy.Delayed]
			r.do(connection, many)
			r.counted(faultproxy.Delayed, before)
		})
	}
}

func TestTrickle(t *testing.T) {
	r := newRig(t)
	connection := r.connect(r.dsn)
	r.do(connection, "SELECT 1")
	r.proxy.Trickle(8, time.Millisecond)
	began := time.Now()
	r.do(connection, "SELECT '"+strings.Repeat("x", 200)+"'", pgx.QueryExecModeSimpleProtocol)
	if took := time.Since(began); took < 50*time.Millisecond { // 200 bytes each way
		t.Errorf("took %v", took)
	}
	r.proxy.Trickle(0, 0)
	before := r.proxy.Counts()[faultproxy.Trickled]
	if before == 0 {
		t.Error("none is counted")
	}
	r.do(connection, "SELECT 1")
	r.counted(faultproxy.Trickled, before)
}

func TestFreeze(t *testing.T) {
	r := newRig(t)
	// pgx would not just give up: it would ask the server to cancel the statement.
	raw, err := r.connect(r.dsn).PgConn().Hijack()
	if err != nil {
		t.Fatal(err)
	}
	insert, err := (&pgproto3.Query{String: "INSERT INTO kept VALUES (1)"}).Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	r.proxy.Freeze(true)
	r.proxy.Freeze(true)
	if _, err := raw.Conn.Write(insert); err != nil {
		t.Fatal(err)
	}
	raw.Conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := raw.Conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a frozen proxy answers, or breaks: %v", err)
	}
	raw.Conn.Close()
	r.timeout = 50 * time.Millisecond
	if _, err := r.open(r.dsn); err == nil {
		t.Fatal("a frozen proxy makes connections")
	}
	other, err := net.Dial("tcp", r.proxy.Addr())
	if err != nil {
		t.Fatalf("a frozen proxy refuses: %v", err)
	}
	other.Close()
	r.kept(0)
	if r.proxy.Counts()[faultproxy.Frozen] < 2 {
		t.Errorf("counted %v", r.proxy.Counts())
	}
	r.proxy.Freeze(false)
	r.proxy.Freeze(false)
	r.timeout = time.Minute
	r.do(r.connect(r.dsn), "SELECT 1")
	// Its client has given up, and yet what it sent arrives.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		var rows int
		if err := r.beside.QueryRow(t.Context(), "SELECT count(*) FROM kept").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("what was kept has not arrived")
		}
	}
}

func TestAFrozenProxyCanBeCutAndClosed(t *testing.T) {
	r := newRig(t)
	connection := r.connect(r.dsn)
	r.proxy.Freeze(true)
	done := make(chan error, 1)
	go func() {
		_, err := connection.Exec(t.Context(), "SELECT 1")
		done <- err
	}()
	for r.proxy.Counts()[faultproxy.Frozen] == 0 {
		time.Sleep(time.Millisecond)
	}
	r.proxy.Cut()
	if <-done == nil {
		t.Error("answered")
	}
	r.proxy.Close()
	r.proxy.Close()
}

func TestTheServerIsDown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	proxy := faultproxy.New(t, listener.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := pgx.Connect(ctx, "postgres://x@"+proxy.Addr()+"/x?sslmode=disable"); err == nil || ctx.Err() != nil {
		t.Errorf("%v, %v", err, ctx.Err())
	}
}

func TestNewConnectionsLeadElsewhere(t *testing.T) {
	r := newRig(t)
	before := r.connect(r.dsn)
	r.proxy.Lead("127.0.0.1:1")
	if _, err := r.open(r.dsn); err == nil {
		t.Error("a connection leads where it did")
	}
	r.do(before, "SELECT 1")
	r.proxy.Lead(fmt.Sprintf("127.0.0.1:%d", server.Port()))
	r.connect(r.dsn)
}
