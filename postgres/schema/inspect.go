package schema

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Found is what is in a database, as [Inspect] has seen it.
type Found struct {
	Schema  bool  // it exists
	Table   bool  // the document's table does
	Version int   // of the setup; 0 if there was none
	Rows    int64 // of the table, if who has looked may count them

	Server  string  // its version, such as "17.2"
	User    string  // who has looked
	History History // what is kept; zero if there was no setup
	// Anybody says that every role may create things in the schema, as in "public" up to
	// PostgreSQL 14. The triggers would take what one creates there for their own, and run
	// it with their owner's rights.
	Anybody bool

	number    int    // of the server's version
	quoted    string // the schema, as the server quotes it
	mayCreate bool   // in the schema, or the schema
	kind      string // of the table
	owner     string
	owns      bool
	mayRead   bool
	mayReadIt bool // hw_schema

	unique    bool // resource_key
	columns   map[string]string
	relations []string
	functions []function
	triggers  []trigger
}

// Querier is a connection, a pool or a transaction.
type Querier interface {
	// QueryRow is that of package pgx.
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Inspect is that of a Setup with this schema.
func Inspect(ctx context.Context, db Querier, name string) (Found, error) {
	return Setup{Schema: name}.Inspect(ctx, db)
}

// Inspect looks at what is there, and changes nothing. What an error means, [Explain]
// says.
func (s Setup) Inspect(ctx context.Context, db Querier) (Found, error) {
	name := s.name()
	var f Found
	err := db.QueryRow(ctx, `
		SELECT current_setting('server_version'), current_setting('server_version_num')::integer, current_user::text, quote_ident($1),
			n.oid IS NOT NULL,
			coalesce(has_schema_privilege(n.oid, 'CREATE'), has_database_privilege(current_database(), 'CREATE')),
			coalesce(has_schema_privilege('public', n.oid, 'CREATE'), false),
			t.oid IS NOT NULL, coalesce(t.relkind::text, ''), coalesce(pg_get_userbyid(t.relowner)::text, ''),
			coalesce(pg_has_role(t.relowner, 'USAGE'), true),
			coalesce(has_table_privilege(t.oid, 'SELECT'), false),
			coalesce((SELECT has_table_privilege(oid, 'SELECT') FROM pg_class WHERE relnamespace = n.oid AND relname = 'hw_schema'), false),
			EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
				WHERE i.indrelid = t.oid AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL AND a.attname = 'resource_key'),
			(SELECT coalesce(jsonb_object_agg(attname, format_type(atttypid, NULL)), '{}')
				FROM pg_attribute WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped),
			(SELECT coalesce(array_agg(relname::text), '{}') FROM pg_class WHERE relnamespace = n.oid),
			(SELECT coalesce(jsonb_agg(jsonb_build_object('name', proname, 'body', prosrc, 'kind', provolatile,
					'definer', prosecdef, 'settings', ARRAY(SELECT unnest(proconfig) ORDER BY 1))), '[]')
				FROM pg_proc WHERE pronamespace = n.oid AND proname LIKE 'hw\_%'),
			(SELECT coalesce(jsonb_agg(jsonb_build_object('name', tgname, 'function', p.proname)), '[]')
				FROM pg_trigger g JOIN pg_proc p ON p.oid = tgfoid AND p.pronamespace = n.oid
				WHERE tgrelid = t.oid AND tgenabled = 'O' AND NOT tgisinternal)
		FROM (SELECT 1) one LEFT JOIN pg_namespace n ON n.nspname = $1
			LEFT JOIN pg_class t ON t.relname = $2 AND t.relnamespace = n.oid`,
		name, Table).Scan(&f.Server, &f.number, &f.User, &f.quoted, &f.Schema, &f.mayCreate, &f.Anybody, &f.Table, &f.kind, &f.owner, &f.owns,
		&f.mayRead, &f.mayReadIt, &f.unique, &f.columns, &f.relations, &f.functions, &f.triggers)
	if err != nil {
		return f, err
	}
	in := pgx.Identifier{name}.Sanitize()
	if f.Table && f.mayRead {
		if err := db.QueryRow(ctx, "SELECT count(*) FROM "+in+"."+Table).Scan(&f.Rows); err != nil {
			return f, err
		}
	}
	if !f.mayReadIt {
		return f, nil
	}
	var seconds int64
	err = db.QueryRow(ctx, `SELECT coalesce(max(version), 0), coalesce(max(extract(epoch FROM history_age))::bigint, 0),
		coalesce(max(history_rows), 0) FROM `+in+".hw_schema").Scan(&f.Version, &seconds, &f.History.Rows)
	f.History.Age = time.Duration(seconds) * time.Second
	return f, err
}

// has says whether there is a table, sequence or index of this name.
func (f Found) has(name string) bool { return slices.Contains(f.relations, name) }
