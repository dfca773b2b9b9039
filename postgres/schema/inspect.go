package schema

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Found is what is in a database.
type Found struct {
	Schema  bool // it exists
	Table   bool // the document's table does
	Version int  // of the setup; 0 if there was none
	Rows    int64

	unique  bool // resource_key
	columns []string
}

// Querier is a connection, a pool or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// document are the columns that the table must have to be the document's.
var document = []string{"resource_key", "state", "failure_count", "open_until", "updated_at"}

// Inspect looks at what is in the schema of this name, and changes nothing.
func Inspect(ctx context.Context, db Querier, name string) (Found, error) {
	var f Found
	err := db.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1),
			t.oid IS NOT NULL,
			EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
				WHERE i.indrelid = t.oid AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL AND a.attname = 'resource_key'),
			coalesce((SELECT array_agg(attname::text) FROM pg_attribute
				WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped), '{}')
		FROM (SELECT 1) one LEFT JOIN pg_class t ON t.relname = $2 AND t.relkind IN ('r', 'p')
			AND t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)`,
		name, Table).Scan(&f.Schema, &f.Table, &f.unique, &f.columns)
	if err != nil || !f.Table {
		return f, err
	}
	in := pgx.Identifier{name}.Sanitize()
	if err := db.QueryRow(ctx, "SELECT count(*) FROM "+in+"."+Table).Scan(&f.Rows); err != nil {
		return f, err
	}
	if !slices.Contains(f.columns, "revision") {
		return f, nil
	}
	err = db.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM "+in+".hw_schema").Scan(&f.Version)
	return f, err
}

// Check says why Install would not work on what was found.
func (f Found) Check() error {
	if f.Version > Version {
		return fmt.Errorf("schema: version %d is there, and this program knows %d: use a newer one", f.Version, Version)
	}
	if !f.Table {
		return nil
	}
	for _, column := range document {
		if !slices.Contains(f.columns, column) {
			return fmt.Errorf("schema: there is a table %s without the column %s", Table, column)
		}
	}
	if !f.unique {
		return fmt.Errorf("schema: the table %s has no unique index on resource_key alone", Table)
	}
	return nil
}
