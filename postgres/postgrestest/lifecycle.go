package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Mode is how a server is stopped.
type Mode int

const (
	Fast      Mode = iota // ends connections, and then in order
	Smart                 // waits until every client has left
	Immediate             // as a crash does, but tells the clients
)

var (
	errRunning = errors.New("postgrestest: the server is running")
	errStopped = errors.New("postgrestest: the server is not running")
	errPaused  = errors.New("postgrestest: the server is paused")
)

// StartAgain starts a server that was stopped or killed, on its port and with its data,
// and returns when it answers.
func (s *Server) StartAgain(ctx context.Context) error {
	if s.dir == "" {
		return errExternal
	}
	if s.process != nil && !s.process.over() {
		return errRunning
	}
	if s.closed {
		return errStopped
	}
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	environment := s.environment()
	if s.options.Clock {
		environment = append(environment, s.fakeTime()...)
	}
	s.process, err = launch(command{
		path: s.binaries.program("postgres"),
		arguments: []string{
			"-D", s.data(),
			"-c", fmt.Sprintf("port=%d", s.port),
			"-c", "listen_addresses=127.0.0.1",
			"-c", "unix_socket_directories=" + s.SocketDir(),
		},
		environment: environment,
		dir:         s.dir,
		output:      log,
		attributes:  s.account.attributes(),
	})
	if err != nil {
		return fmt.Errorf("postgrestest: starting PostgreSQL from %s: %w", s.from, err)
	}
	return s.ready(ctx)
}

// ready waits until the server answers.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		var answer *pgconn.PgError
		if errors.As(err, &answer) && answer.Code != startingUp {
			return fmt.Errorf("postgrestest: %w", err)
		}
		select {
		case <-s.process.ended:
			s.process = nil
			return fmt.Errorf("postgrestest: PostgreSQL from %s ended at once:\n%s", s.from, s.Log())
		case <-ctx.Done():
			return fmt.Errorf("postgrestest: PostgreSQL does not answer: %w\n%s", err, s.Log())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// startingUp is the code of a server that does not take connections yet.
const startingUp = "57P03"

func (s *Server) ping(ctx context.Context) error {
	connection, err := pgx.Connect(ctx, s.dsn(s.maintenance))
	if err != nil {
		return err
	}
	return connection.Close(ctx)
}

// answers says whether the server is believed to.
func (s *Server) answers() bool {
	return s.dir == "" || s.process != nil && !s.process.over() && !s.paused
}

// Stop stops the server and returns when it has ended, or with an error when ctx has
// or a minute has passed. [Server.StartAgain] starts it again.
func (s *Server) Stop(ctx context.Context, mode Mode) error {
	if err := s.running(); err != nil {
		return err
	}
	if s.paused {
		return errPaused
	}
	if err := s.signal(mode); err != nil {
		return fmt.Errorf("postgrestest: stopping the server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-s.process.ended:
		s.process = nil
		return nil
	case <-ctx.Done():
		return fmt.Errorf("postgrestest: the server has not stopped: %w", ctx.Err())
	}
}

// Restart is a fast [Server.Stop] and [Server.StartAgain].
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(ctx, Fast); err != nil {
		return err
	}
	return s.StartAgain(ctx)
}

// running says that the server is, and ours.
func (s *Server) running() error {
	switch {
	case s.dir == "":
		return errExternal
	case s.process == nil || s.process.over():
		return errStopped
	}
	return nil
}

// sweep lets the server start once more and end in order when it was killed: only the
// server itself finds the shared memory that it left to the system.
func (s *Server) sweep() {
	if _, err := os.Stat(filepath.Join(s.data(), "postmaster.pid")); errors.Is(err, fs.ErrNotExist) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.closed = false
	defer func() { s.closed = true }()
	if s.StartAgain(ctx) != nil || s.Stop(ctx, Fast) != nil {
		if s.running() == nil {
			s.Kill()
		}
	}
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// Log is the end of what the server has logged.
func (s *Server) Log() string {
	if s.dir == "" {
		return ""
	}
	const much = 8 << 10
	file, err := os.Open(s.logFile())
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > much {
		file.Seek(-much, io.SeekEnd)
	}
	text, _ := io.ReadAll(file)
	return string(text)
}
