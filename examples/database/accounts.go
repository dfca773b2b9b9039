package main

import (
	"context"
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/highway-engine/highway"
)

// A guard is what every use of the database goes through. Reads and writes share one
// breaker, because it is one database; they differ in what may be tried again.
type guard struct {
	breaker     *highway.CircuitProtector
	read, write *highway.SafetyNet
}

func newGuard(cooldown time.Duration, changed func(highway.StatusChange)) (guard, error) {
	breaker, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey:    "accounts-db",
		FailureLimit:   highway.Fraction(5, 10),
		Cooldown:       cooldown,
		ShouldHandle:   outage,
		OnStatusChange: changed,
	})
	if err != nil {
		return guard{}, err
	}
	again := func(which func(error) bool) highway.RetryWithBackoffPolicy {
		return highway.RetryWithBackoffPolicy{
			MaxRetries:   3,
			Backoff:      highway.ExponentialDelay{MinDelay: 10 * time.Millisecond, MaxDelay: time.Second, Factor: 2, Jitter: 0.5},
			ShouldHandle: which,
		}
	}
	read, err := highway.NewSafetyNet(again(outage), breaker)
	if err != nil {
		return guard{}, err
	}
	write, err := highway.NewSafetyNet(again(undone), breaker)
	return guard{breaker, read, write}, err
}

// Accounts are money in PostgreSQL, by way of pgx.
type Accounts struct {
	pool *pgxpool.Pool
	guard
}

const (
	balanceOf = `SELECT balance FROM account WHERE owner = $1`
	take      = `UPDATE account SET balance = balance - $2 WHERE owner = $1`
	give      = `UPDATE account SET balance = balance + $2 WHERE owner = $1`
)

// Balance is what an owner has.
func (a *Accounts) Balance(ctx context.Context, owner string) (int, error) {
	return highway.Call(ctx, a.read, func(ctx context.Context) (balance int, err error) {
		ctx, cancel := context.WithTimeout(ctx, time.Second) // or a hang would never count
		defer cancel()
		return balance, a.pool.QueryRow(ctx, balanceOf, owner).Scan(&balance)
	})
}

// Transfer moves an amount. The whole transaction is what is tried again: half of one is
// nothing.
func (a *Accounts) Transfer(ctx context.Context, from, to string, amount int) error {
	return a.write.Do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		return pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, take, from, amount); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, give, to, amount)
			return err
		})
	})
}

// SQLAccounts are the same by way of database/sql, with pgx as its driver.
type SQLAccounts struct {
	db *sql.DB
	guard
}

// Balance is what an owner has.
func (a *SQLAccounts) Balance(ctx context.Context, owner string) (int, error) {
	return highway.Call(ctx, a.read, func(ctx context.Context) (balance int, err error) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return balance, a.db.QueryRowContext(ctx, balanceOf, owner).Scan(&balance)
	})
}

// Transfer moves an amount.
func (a *SQLAccounts) Transfer(ctx context.Context, from, to string, amount int) error {
	return a.write.Do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		tx, err := a.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() // nothing, once it is committed
		if _, err := tx.ExecContext(ctx, take, from, amount); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, give, to, amount); err != nil {
			return err
		}
		return tx.Commit()
	})
}
