// Package schema holds the tables and functions of the postgres storage, and sets them up.
// Only the setup runs DDL; the storage itself never does.
package schema

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// Version is that of the tables and functions here.
const Version = 1

// Default is the schema that is meant where none is named.
const Default = "public"

// Table is the document's table, in whatever schema.
const Table = "hw_circuit_breakers"

var (
	//go:embed tables.sql
	tables string
	//go:embed functions.sql
	functions string
	//go:embed triggers.sql
	triggers string
)

// Check says whether name can be the name of a schema.
func Check(name string) error {
	switch {
	case name == "":
		return errors.New("schema: the name must not be empty")
	case len(name) > 63:
		return fmt.Errorf("schema: a name has at most 63 bytes, this one has %d", len(name))
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return errors.New("schema: the name must be UTF-8 without zero bytes")
	case strings.HasPrefix(name, "pg_") || name == "information_schema":
		return fmt.Errorf("schema: %q is the server's own", name)
	}
	return nil
}

// SQL is what Install runs in the schema of this name, which must be valid.
func SQL(name string) string {
	quoted := pgx.Identifier{name}.Sanitize()
	return "CREATE SCHEMA IF NOT EXISTS " + quoted + ";\n" +
		"SET LOCAL search_path = " + quoted + ", pg_temp;\n\n" +
		tables + "\n" + strings.ReplaceAll(functions+"\n"+triggers, "@schema@", quoted) + "\n" +
		fmt.Sprintf(`INSERT INTO hw_schema (version, time_zone)
    -- As the session began; what it may have set since does not matter.
    SELECT %d, reset_val FROM pg_settings WHERE name = 'TimeZone'
ON CONFLICT (only_row) DO UPDATE SET version = greatest(hw_schema.version, excluded.version);
`, Version)
}

// lock keeps two that set up at once from each other.
const lock = "SELECT pg_advisory_xact_lock(hashtext('highway setup'))"

// Install makes the tables and functions in the schema of this name, or brings what is
// there up to date. It deletes nothing, keeps every row, may be repeated, and does all or
// nothing. A newer version than this package's is left alone, with an error.
func Install(ctx context.Context, conn *pgx.Conn, name string) error {
	if err := Check(name); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lock); err != nil {
			return err
		}
		found, err := Inspect(ctx, tx, name)
		if err != nil {
			return err
		}
		if err := found.Check(); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, SQL(name), pgx.QueryExecModeSimpleProtocol)
		return err
	})
}
