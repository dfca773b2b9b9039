package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/highway-engine/highway/fleet"
)

// takesNoWrites is what a standby answers.
const takesNoWrites = "25006"

// advice is what to do about what the server says.
var advice = map[string]string{
	"42883":       `the functions of highway are not there: run "highway setup"`,
	"42P01":       `the tables of highway are not there: run "highway setup"`,
	"3F000":       `the schema of highway is not there: run "highway setup"`,
	"42703":       `the tables of highway are of another version: run "highway setup"`,
	"42501":       `the user has too few rights: see "highway setup --roles"`,
	takesNoWrites: "the server takes no writes: it is a standby, or was made read-only",
	"53100":       "the server's disk is full",
	"53300":       "the server has no connection left",
	"28P01":       "user or password are wrong",
	"3D000":       `the database is not there: run "highway setup"`,
	"0A000":       "the pooler or the server does not support this",
}

// answer notes whether the database was reached, and says what an error means.
func (s *Storage) answer(ctx context.Context, err error) error {
	switch {
	case s.ctx.Err() != nil:
		return fleet.ErrClosed
	case err == nil:
		s.status.reached(nil)
		return nil
	}
	var unconnected *pgconn.ConnectError
	if errors.As(err, &unconnected) && !errors.As(err, new(*pgconn.PgError)) {
		err = fmt.Errorf("the server cannot be reached; look at host, port and TLS: %w", err)
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		if what, ok := advice[refused.Code]; ok {
			err = fmt.Errorf("%s: %w", what, err)
		}
		if refused.Code == takesNoWrites && s.owned {
			// Another server may do so now, which is only looked for when connecting.
			s.pool.Reset()
		}
	}
	err = fmt.Errorf("highway/postgres: %w", err)
	if refused != nil && certain(refused) {
		err = refusal{err}
	}
	if !errors.Is(ctx.Err(), context.Canceled) { // that is not the database's fault
		s.status.reached(err)
	}
	return err
}

// A refusal is an error after which nothing has changed.
type refusal struct{ error }

// Unwrap is for [errors.As].
func (r refusal) Unwrap() error { return r.error }

// Is matches [fleet.ErrRefused].
func (r refusal) Is(target error) bool { return target == fleet.ErrRefused }

// certain says that the statement is rolled back. When a connection ends that is not
// certain, nor what a pooler makes of it.
func certain(err *pgconn.PgError) bool {
	return err.SeverityUnlocalized == "ERROR" && !strings.HasPrefix(err.Code, "08") && !strings.HasPrefix(err.Code, "57P")
}
