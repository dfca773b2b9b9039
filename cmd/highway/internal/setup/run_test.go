package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

// server is the connection string of a superuser there.
func server(t *testing.T) string {
	t.Helper()
	return postgrestest.Shared(t).DSN()
}

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

var databases atomic.Int64

// absent is a database that is not there.
func absent(t *testing.T) *pgx.ConnConfig {
	t.Helper()
	clean(t)
	config, err := Target{DSN: server(t), Database: fmt.Sprintf("setup \"it's\" %d-%d", os.Getpid(), databases.Add(1))}.Config()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), server(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+pgx.Identifier{config.Database}.Sanitize()); err != nil {
			t.Error(err)
		}
	})
	return config
}

func missing(t *testing.T, config *pgx.ConnConfig) bool {
	t.Helper()
	conn, err := schema.Connect(t.Context(), config)
	if err == nil {
		conn.Close(t.Context())
	} else if !errors.Is(err, schema.ErrNoDatabase) {
		t.Fatal(err)
	}
	return err != nil
}

// answering is a console at which somebody says this.
func answering(out io.Writer, answer string) Console {
	return Console{Out: out, Line: func() (string, error) {
		if answer == "" {
			return "", io.EOF
		}
		return answer + "\n", nil
	}}
}

func TestNothingIsDoneUnlessSomebodyAgrees(t *testing.T) {
	config := absent(t)
	for _, answer := range []string{"", "n", "no", "yesterday", " "} {
		var out strings.Builder
		err := Run(t.Context(), answering(&out, answer), config, schema.Setup{}, false)
		if !errors.Is(err, ErrNotAgreed) {
			t.Errorf("%q: %v", answer, err)
		}
		if !strings.Contains(out.String(), "create the database") || !strings.HasSuffix(strings.TrimSpace(out.String()), "[y/N]") {
			t.Errorf("%q: it said %q", answer, out.String())
		}
	}
	if err := Run(t.Context(), Console{Out: io.Discard}, config, schema.Setup{}, false); !errors.Is(err, ErrNotAgreed) || !strings.Contains(err.Error(), "--yes") {
		t.Error(err)
	}
	if !missing(t, config) {
		t.Fatal("the database was created")
	}
	for _, answer := range []string{"Yes", "y"} {
		var out strings.Builder
		if err := Run(t.Context(), answering(&out, answer), config, schema.Setup{Schema: answer}, false); err != nil {
			t.Error(err)
		}
		if !strings.HasSuffix(out.String(), "Done.\n") {
			t.Errorf("%q: it said %q", answer, out.String())
		}
		out.Reset()
		if err := Run(t.Context(), Console{Out: &out}, config, schema.Setup{Schema: answer}, false); err != nil || !strings.HasSuffix(out.String(), "version 2, with 0 breakers. I am \""+config.User+"\" there.\nThere is nothing to do.\n") {
			t.Errorf("%q: %v, it said %q", answer, err, out.String())
		}
	}
}

func TestAQuestionEndsWithTheContext(t *testing.T) {
	config := absent(t)
	ctx, cancel := context.WithCancel(t.Context())
	asleep := make(chan struct{})
	t.Cleanup(func() { close(asleep) })
	restored := false
	console := Console{Out: io.Discard, restore: func() { restored = true }, Line: func() (string, error) {
		cancel()
		<-asleep
		return "y", nil
	}}
	if err := Run(ctx, console, config, schema.Setup{}, false); !errors.Is(err, ErrNotAgreed) || !restored {
		t.Errorf("%v, %v", err, restored)
	}
}

// guarded is a server that wants this password and, given that, says that it is full.
func guarded(t *testing.T, password string) *pgx.ConnConfig {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			guard(conn, password)
		}
	}()
	clean(t)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	config, err := Target{DSN: "sslmode=disable host=127.0.0.1 user=somebody dbname=there port=" + port}.Config()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func guard(conn net.Conn, password string) {
	defer conn.Close()
	backend := pgproto3.NewBackend(conn, conn)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	backend.Send(&pgproto3.AuthenticationCleartextPassword{})
	if backend.Flush() != nil || backend.SetAuthType(pgproto3.AuthTypeCleartextPassword) != nil {
		return
	}
	message, err := backend.Receive()
	if err != nil {
		return
	}
	refused := &pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: `password authentication failed for user "somebody"`}
	if given, ok := message.(*pgproto3.PasswordMessage); ok && given.Password == password {
		refused = &pgproto3.ErrorResponse{Severity: "FATAL", Code: "53300", Message: "sorry, too many clients already"}
	}
	backend.Send(refused)
	_ = backend.Flush()
}

func TestThePasswordIsAskedForIfTheServerWantsOne(t *testing.T) {
	config := guarded(t, "opensesame")
	try := func(c Console, said, want string, asks int) {
		t.Helper()
		var out strings.Builder
		asked := 0
		c.Out = &out
		if secret := c.Secret; secret != nil {
			c.Secret = func() (string, error) { asked++; return secret() }
		}
		config := config.Copy()
		config.Password = said
		err := Run(t.Context(), c, config, schema.Setup{}, true)
		if err == nil || !strings.Contains(err.Error(), want) || asked != asks {
			t.Errorf("%v, asked %d times; want %q, %d", err, asked, want, asks)
		}
		if all := out.String() + fmt.Sprint(err); strings.Contains(all, "sesame") {
			t.Errorf("the password is in %q", all)
		}
	}
	says := func(password string) Console {
		return Console{Secret: func() (string, error) { return password, nil }}
	}
	const wrong, right = "the password or the user is wrong: ", "the server has no connection left"
	try(says("opensesame"), "", right, 1)
	try(says("sesame"), "", wrong, 1)
	try(says("opensesame"), "sesame", wrong, 0) // what was said is not asked for
	try(Console{}, "sesame", wrong, 0)
	try(Console{}, "", "no password was given: HW_DB_PASSWORD, PGPASSWORD or --password", 0)
	try(Console{}, "", wrong, 0)
	try(Console{}, "opensesame", right, 0)
}

func TestAServerThatIsAwayIsCalledSo(t *testing.T) {
	clean(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	config, err := Target{Host: "127.0.0.1", Port: port, Password: "sesame"}.Config()
	if err != nil {
		t.Fatal(err)
	}
	err = Run(t.Context(), Console{Out: io.Discard}, config, schema.Setup{}, true)
	if err == nil || !strings.Contains(err.Error(), "the server cannot be reached; look at host and port") || strings.Contains(err.Error(), "sesame") {
		t.Error(err)
	}
}

func TestASchemaInWhichEverybodyCreatesIsWarnedOf(t *testing.T) {
	config := absent(t)
	if err := schema.CreateDatabase(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	for change, want := range map[string]bool{"GRANT": true, "REVOKE": false} {
		conn, err := schema.Connect(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Exec(t.Context(), change+" CREATE ON SCHEMA public "+map[string]string{"GRANT": "TO", "REVOKE": "FROM"}[change]+" PUBLIC")
		conn.Close(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := Run(t.Context(), Console{Out: &out}, config, schema.Setup{}, true); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), `Run REVOKE CREATE ON SCHEMA "public" FROM PUBLIC;`); got != want {
			t.Errorf("after %s: it said %q", change, out.String())
		}
	}
}
