package schema

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNoDatabase says that the server has no database of the name.
var ErrNoDatabase = errors.New("the database is not there")

// Connect connects to the database of config. The error is ErrNoDatabase if the server
// has none of the name, and otherwise as [Explain] gives it.
func Connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if code(err) == noDatabase {
		return nil, ErrNoDatabase
	}
	return conn, Explain(err)
}

// maintenance are the databases from which another one can be created.
var maintenance = []string{"postgres", "template1"}

// CreateDatabase creates the database of config. It is no error if there is one already,
// as when two do so at once.
func CreateDatabase(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := connectBeside(ctx, config)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	for try := 1; ; try++ {
		_, err := conn.Exec(ctx, CreateDatabaseSQL(config.Database), pgx.QueryExecModeSimpleProtocol)
		switch code(err) {
		case databaseExists, duplicateKey:
			return nil
		case noRight:
			return fmt.Errorf("the user %q has no right to create a database: let a superuser run this, or %s, or ALTER ROLE … CREATEDB: %w",
				config.User, CreateDatabaseSQL(config.Database), err)
		case templateInUse: // somebody else copies it
			if try < 10*tries {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(pause / 10):
				}
				continue
			}
		}
		return Explain(err)
	}
}

// CreateDatabaseSQL is the statement that creates a database. No transaction can have it.
func CreateDatabaseSQL(name string) string {
	return "CREATE DATABASE " + pgx.Identifier{name}.Sanitize()
}

// connectBeside connects to a database of the server that is there from the beginning.
func connectBeside(ctx context.Context, config *pgx.ConnConfig) (conn *pgx.Conn, err error) {
	for _, name := range maintenance {
		beside := config.Copy()
		beside.Database = name
		if conn, err = Connect(ctx, beside); !errors.Is(err, ErrNoDatabase) {
			return conn, err
		}
	}
	return nil, fmt.Errorf("the database %q is not there, and neither is %q or %q, from which it could be created",
		config.Database, maintenance[0], maintenance[1])
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// code is the server's code for err, if it is from there.
func code(err error) string {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.Code
}
