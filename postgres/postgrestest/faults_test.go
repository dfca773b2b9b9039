package postgrestest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/postgrestest"
)

func TestStoppedServersStartAgainWithTheirData(t *testing.T) {
	s := postgrestest.New(t, private)
	first := connect(t, s.DSN())
	run(t, first, "CREATE TABLE kept (x int)")
	stops := []struct {
		name string
		stop func() error
	}{
		{"fast", func() error { return s.Stop(t.Context(), postgrestest.Fast) }},
		{"immediate", func() error { return s.Stop(t.Context(), postgrestest.Immediate) }},
		{"killed", s.Kill},
		{"killed when paused", func() error {
			if err := s.Pause(); err != nil {
				return err
			}
			return s.Kill()
		}},
		{"smart", func() error { return s.Stop(t.Context(), postgrestest.Smart) }},
	}
	for i, stop := range stops {
		connection, err := pgx.Connect(t.Context(), s.DSN())
		must(t, err)
		run(t, connection, "INSERT INTO kept VALUES (1)")
		port := s.Port()
		if stop.name == "smart" {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if s.Stop(ctx, postgrestest.Smart) == nil {
				t.Error("a smart stop does not wait for clients")
			}
			cancel()
			must(t, connection.Close(t.Context()))
		}
		must(t, stop.stop())
		if connection.Ping(t.Context()) == nil {
			t.Errorf("%s: the connection lives", stop.name)
		}
		refused(t, s.DSN())
		if s.Stop(t.Context(), postgrestest.Fast) == nil || s.Kill() == nil {
			t.Errorf("%s: stopped twice", stop.name)
		}
		must(t, s.StartAgain(t.Context()))
		if s.StartAgain(t.Context()) == nil {
			t.Errorf("%s: started twice", stop.name)
		}
		again := connect(t, s.DSN())
		if rows := ask[int](t, again, "SELECT count(*) FROM kept"); rows != i+1 || s.Port() != port {
			t.Errorf("%s: %d rows, want %d; port %d after %d", stop.name, rows, i+1, s.Port(), port)
		}
		again.Close(t.Context())
	}
	began := ask[time.Time](t, connect(t, s.DSN()), "SELECT pg_postmaster_start_time()")
	must(t, s.Restart(t.Context()))
	if again := ask[time.Time](t, connect(t, s.DSN()), "SELECT pg_postmaster_start_time()"); !again.After(began) {
		t.Error("not started again")
	}
}

func TestAPausedServerAnswersLater(t *testing.T) {
	s := postgrestest.New(t, private)
	if s.Resume() == nil {
		t.Error("resumed what was not paused")
	}
	connection := connect(t, s.DSN())
	must(t, s.Pause())
	if s.Pause() == nil || s.Stop(t.Context(), postgrestest.Fast) == nil {
		t.Error("paused twice, or stopped when paused")
	}
	answers := make(chan error, 2)
	go func() { answers <- connection.Ping(t.Context()) }()
	go func() {
		other, err := pgx.Connect(t.Context(), s.DSN())
		if err == nil {
			other.Close(t.Context())
		}
		answers <- err
	}()
	select {
	case err := <-answers:
		t.Fatalf("a paused server answers: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	must(t, s.Resume())
	must(t, <-answers)
	must(t, <-answers)
}

func TestAPausedOrKilledServerCloses(t *testing.T) {
	for _, fault := range []func(*postgrestest.Server) error{(*postgrestest.Server).Pause, (*postgrestest.Server).Kill} {
		s, err := postgrestest.Start(t.Context(), private)
		must(t, err)
		dir := s.SocketDir()
		must(t, fault(s))
		must(t, s.Close())
		gone(t, dir)
		refused(t, s.DSN())
	}
}

// In a process of its own, a server starts and the process waits to be killed.
const orphan = "HW_TEST_ORPHAN"

func TestMain(m *testing.M) {
	if os.Getenv(orphan) == "" {
		os.Exit(m.Run())
	}
	s, err := postgrestest.Start(context.Background(), private)
	if err == nil && os.Getenv(orphan) == "paused" {
		err = s.Pause()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.DSN())
	fmt.Println(s.SocketDir())
	select {}
}

func TestAServerDoesNotOutliveItsProcess(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps a server whose process was killed")
	}
	for _, state := range []string{"running", "paused"} {
		t.Run(state, func(t *testing.T) {
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), orphan+"="+state)
			output, err := child.StdoutPipe()
			must(t, err)
			must(t, child.Start())
			lines := bufio.NewScanner(output)
			lines.Scan()
			dsn := lines.Text()
			lines.Scan()
			dir := lines.Text()
			must(t, child.Process.Kill())
			child.Wait()
			if !strings.HasPrefix(dsn, "postgres://") {
				t.Fatal(dsn)
			}
			// A paused one is given some seconds by PostgreSQL.
			for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); os.IsNotExist(err) {
					break
				}
				if time.Now().After(end) {
					t.Fatal("the server is still there")
				}
			}
			refused(t, dsn)
			must(t, os.RemoveAll(dir))
		})
	}
}
