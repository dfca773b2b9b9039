// Database protects PostgreSQL with a breaker and a retry: which errors count, which are
// tried again, and what happens when the server crashes. It starts a server of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/postgres/postgrestest"
)

const tables = `CREATE TABLE account (owner text PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0));
	INSERT INTO account VALUES ('ann', 100), ('bob', 100)`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	server, err := postgrestest.Start(ctx, postgrestest.Options{Private: true})
	if err != nil {
		return err
	}
	defer server.Close()
	pool, err := pgxpool.New(ctx, server.DSN())
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, tables); err != nil {
		return err
	}
	guard, err := newGuard(time.Second, func(c highway.StatusChange) {
		fmt.Fprintf(out, "  the breaker goes from %v to %v: %v\n", c.From, c.To, c.Reason)
	})
	if err != nil {
		return err
	}
	accounts := &Accounts{pool, guard}

	fmt.Fprintln(out, "A transfer:")
	fmt.Fprintln(out, "  error:", accounts.Transfer(ctx, "ann", "bob", 30))

	fmt.Fprintln(out, "Twenty transfers of money that ann does not have: a constraint says no, the database is well.")
	for range 20 {
		err = accounts.Transfer(ctx, "ann", "bob", 1000)
	}
	fmt.Fprintf(out, "  error: %v\n  breaker: %v\n", err, guard.breaker.Status())

	fmt.Fprintln(out, "The server crashes:")
	if err := server.Kill(); err != nil {
		return err
	}
	calls := 0
	for guard.breaker.Status() != highway.Open && ctx.Err() == nil {
		_, _ = accounts.Balance(ctx, "ann") // fails, or the breaker would not open
		calls++
	}
	_, err = accounts.Balance(ctx, "ann")
	fmt.Fprintf(out, "  after %d calls: refused = %v\n", calls, errors.Is(err, highway.ErrProtectedCall))

	fmt.Fprintln(out, "It is started again:")
	if err := server.StartAgain(ctx); err != nil {
		return err
	}
	balance, err := recovered(ctx, accounts)
	fmt.Fprintf(out, "  ann has %d, breaker: %v\n", balance, guard.breaker.Status())
	return err
}

// recovered asks until the breaker is closed, each time as long after a refusal as that
// says.
func recovered(ctx context.Context, accounts *Accounts) (balance int, err error) {
	for {
		balance, err = accounts.Balance(ctx, "ann")
		var refusal *highway.ProtectedCallError
		switch {
		case errors.As(err, &refusal):
			select {
			case <-time.After(refusal.RetryAfter()):
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		case err != nil || accounts.breaker.Status() == highway.Closed:
			return balance, err
		}
	}
}
