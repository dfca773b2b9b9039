package schema

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// advice is what an error means, and what to do.
var advice = map[string]string{
	wrongPassword:    "the password or the user is wrong",
	notLetIn:         "the server does not let this user in: look at the user's name, and at pg_hba.conf",
	noDatabase:       "the database is not there",
	noRight:          "the user has too few rights: set up as the owner of the tables or as a superuser",
	lockNotAvailable: "somebody holds the table locked, so nothing was changed: try again later, or find out who with SELECT * FROM pg_stat_activity WHERE state = 'idle in transaction'",
	deadlockDetected: "somebody changed the same tables, so nothing was changed: try again",
	"25006":          "the server takes no writes: connect to the primary",
	"53100":          "the server's disk is full",
	"53300":          "the server has no connection left: try again later",
	"57P03":          "the server is starting or stopping: try again later",
	"0A000":          "the server cannot do this: it must be PostgreSQL 14 or newer, and reached without a pooler",
}

// Explain says what an error of the server means and what to do about it. What it says
// has no password in it.
func Explain(err error) error {
	var refused *pgconn.PgError
	var connect *pgconn.ConnectError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		if what, ok := advice[refused.Code]; ok {
			return fmt.Errorf("%s: %w", what, refused)
		}
		return err
	case errors.As(err, &connect):
		return fmt.Errorf("the server cannot be reached; look at host and port, and whether it runs: %w", err)
	}
	return err
}

// WrongPassword says that the server did not take the password, or wanted one.
func WrongPassword(err error) bool { return code(err) == wrongPassword }
