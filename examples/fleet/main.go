// Fleet runs three instances of a shop, each a process, whose breakers are one: they meet
// in a PostgreSQL server that the example starts. When the provider of payments fails, all
// of them stop calling it together.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

// provider makes this program an instance of the shop instead.
const provider = "EXAMPLE_PROVIDER"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if url := os.Getenv(provider); url != "" {
		err = serve(url, os.Stdin, os.Stdout)
	} else {
		err = run(ctx, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	database, err := startDatabase(ctx)
	if err != nil {
		return err
	}
	defer database.Close()

	var down atomic.Bool
	payments := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer payments.Close()

	var shops []*shop
	for range 3 {
		s, err := startShop(ctx, database.DSN(), payments.URL)
		if err != nil {
			return err
		}
		defer s.stop()
		shops = append(shops, s)
	}

	fmt.Fprintln(out, "Three instances take orders:")
	err = ordersUntil(ctx, shops, "CLOSED", 30)
	show(ctx, out, shops)

	down.Store(true)
	fmt.Fprintln(out, "The provider of payments fails:")
	err = errors.Join(err, ordersUntil(ctx, shops, "OPEN", 0))
	show(ctx, out, shops)

	fmt.Fprintln(out, "An order to the first instance:")
	answer, e := shops[0].post(ctx)
	err = errors.Join(err, e)
	fmt.Fprintln(out, " ", answer)

	down.Store(false)
	fmt.Fprintln(out, "The provider is back:")
	err = errors.Join(err, ordersUntil(ctx, shops, "CLOSED", 0))
	show(ctx, out, shops)
	return err
}

// startDatabase starts a server and does what "highway setup" does.
func startDatabase(ctx context.Context) (*postgrestest.Server, error) {
	server, err := postgrestest.Start(ctx, postgrestest.Options{Private: true})
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, server.DSN())
	if err == nil {
		err = errors.Join(schema.Install(ctx, conn, schema.Default), conn.Close(ctx))
	}
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return server, nil
}

// ordersUntil orders from all instances in turn, a hundred times a second, at least so many
// times and until each is in the state.
func ordersUntil(ctx context.Context, shops []*shop, state string, atLeast int) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		if i >= atLeast && allIn(ctx, shops, state) {
			return nil
		}
		if _, err := shops[i%len(shops)].post(ctx); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func allIn(ctx context.Context, shops []*shop, state string) bool {
	for _, s := range shops {
		if s.state(ctx) != state {
			return false
		}
	}
	return true
}

func show(ctx context.Context, out io.Writer, shops []*shop) {
	for i, s := range shops {
		fmt.Fprintf(out, "  instance %d: %s\n", i+1, s.state(ctx))
	}
}

// A shop is an instance of the service, in a process of its own.
type shop struct {
	process *exec.Cmd
	stdin   io.Closer
	url     string
}

func startShop(ctx context.Context, dsn, payments string) (*shop, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &shop{process: exec.CommandContext(ctx, self)}
	s.process.Env = append(os.Environ(), "HW_DB_DSN="+dsn, provider+"="+payments)
	s.process.Stderr = os.Stderr
	stdin, err := s.process.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.stdin = stdin
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	s.url = strings.TrimSpace(line)
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("the instance says no address: %w", err)
	}
	return s, nil
}

// stop ends the process: the end of its input does.
func (s *shop) stop() {
	_ = s.stdin.Close()
	_ = s.process.Wait()
}

func (s *shop) post(ctx context.Context) (string, error) { return s.ask(ctx, "POST", "/order") }

func (s *shop) state(ctx context.Context) string {
	state, err := s.ask(ctx, "GET", "/state")
	if err != nil {
		return err.Error()
	}
	return strings.TrimPrefix(state, "200 OK: ")
}

// ask returns the status of the answer, and its text or when to ask again.
func (s *shop) ask(ctx context.Context, method, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if after := response.Header.Get("Retry-After"); after != "" {
		return fmt.Sprintf("%s, Retry-After: %s", response.Status, after), err
	}
	return fmt.Sprintf("%s: %s", response.Status, strings.TrimSpace(string(text))), err
}
