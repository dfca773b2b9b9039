package schema

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A Setup is how somebody wants the tables and functions to be. The zero Setup is valid.
type Setup struct {
	// Schema is the name of the schema, "public" if it is empty.
	Schema string
	// History is what is kept.
	History History
	// LockTimeout is how long a try waits for a lock: whoever comes to the table
	// meanwhile waits as well. The default is 5 seconds.
	LockTimeout time.Duration
}

// tries is how often Install asks for its locks, and pause how long it leaves the table
// to others in between.
const (
	tries = 3
	pause = time.Second
)

// Install is that of a Setup with this schema.
func Install(ctx context.Context, conn *pgx.Conn, name string) error {
	if err := Check(name); err != nil { // an empty name is no default here
		return err
	}
	return Setup{Schema: name}.Install(ctx, conn)
}

// Install makes the tables and functions, or brings what is there up to date. It deletes
// nothing, keeps every row, may be repeated, and does all or nothing. If there is nothing
// to do it takes no lock on any table. A newer version than this package's is left alone,
// with an error. Two at once do no harm: one waits for the other. What an error means,
// [Explain] says.
func (s Setup) Install(ctx context.Context, conn *pgx.Conn) error {
	if err := s.Check(); err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := s.install(ctx, conn)
		if try == tries || !locked(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (s Setup) install(ctx context.Context, conn *pgx.Conn) error {
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		for _, statement := range s.begin() {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		found, err := s.Inspect(ctx, tx)
		if err != nil {
			return err
		}
		steps, err := s.Plan(found)
		if err != nil || len(steps) == 0 {
			return err
		}
		_, err = tx.Exec(ctx, s.sql(), pgx.QueryExecModeSimpleProtocol)
		return err
	})
}

// Check says whether it makes sense.
func (s Setup) Check() error {
	if err := Check(s.name()); err != nil {
		return err
	}
	return s.History.check()
}

func (s Setup) name() string {
	if s.Schema == "" {
		return Default
	}
	return s.Schema
}

func (s Setup) lockTimeout() time.Duration {
	if s.LockTimeout > 0 {
		return max(s.LockTimeout, time.Millisecond)
	}
	return 5 * time.Second
}

// locked says that somebody else had what was asked for.
func locked(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code == lockNotAvailable || refused.Code == deadlockDetected)
}
