package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/highway-engine/highway/postgres/schema"
)

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// setupAdvice is what to run where something is missing or old.
func (v *visit) setupAdvice() string {
	command := "highway setup"
	if v.schema() != schema.Default {
		command += " --schema " + v.schema()
	}
	return fmt.Sprintf("run %q as the owner of the tables or a superuser, with -d %s if that is not its default; after it, the SQL of \"%s --roles\" again",
		command, v.facts.database, command)
}

// lookSchema compares what is there with what this version would set up.
func lookSchema(ctx context.Context, v *visit) Finding {
	var found schema.Found
	var elsewhere []string
	var hidden bool
	wanted := schema.Setup{Schema: v.schema()}
	err := v.read(ctx, func(tx pgx.Tx) (err error) {
		if found, err = wanted.Inspect(ctx, tx); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT
			(SELECT coalesce(array_agg(n.nspname::text ORDER BY 1), '{}') FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
				WHERE t.relname = 'hw_schema' AND t.relkind = 'r' AND n.nspname <> $1),
			coalesce((SELECT NOT has_table_privilege(t.oid, 'SELECT') FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
				WHERE t.relname = 'hw_schema' AND n.nspname = $1), false)`, v.schema()).Scan(&elsewhere, &hidden)
	})
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == noRight || err == nil && hidden {
		return fault(v.rolesAdvice(), "%q may not even read the tables in the schema %q", v.facts.user, v.schema())
	}
	if err != nil {
		return v.trouble(err)
	}
	advice := v.setupAdvice()
	if len(elsewhere) > 0 {
		advice += fmt.Sprintf("; or use the tables that are in the schema %q: WithSchema in programs, --schema here", elsewhere[0])
	}
	switch {
	case !found.Schema:
		return fault(advice, "the database %q has no schema %q", v.facts.database, v.schema())
	case !found.Table:
		return fault(advice, "there is no table %s in the schema %q of the database %q", schema.Table, v.schema(), v.facts.database)
	case found.Version == 0:
		return fault(advice+"; its rows stay", "there is a table %s that the setup has not upgraded yet, such as that of the Python library", schema.Table)
	case found.Version > schema.Version:
		return warning("use a newer highway command: this one may not see all", "version %d is there, and this command knows %d", found.Version, schema.Version)
	}
	steps, err := wanted.Plan(found)
	switch {
	case found.Version < schema.Version:
		return fault(advice, "version %d is there, and programs of this version need %d; the setup would %s",
			found.Version, schema.Version, some(steps, 4))
	case len(steps) > 0:
		return fault(advice, "it says version %d, and is not so; the setup would %s", found.Version, strings.Join(steps, "; "))
	case err != nil:
		return fault("do what is said there", "%v", err)
	}
	return ok("version %d in the schema %q, with %s", found.Version, v.schema(), plural(int(found.Rows), "breaker"))
}
