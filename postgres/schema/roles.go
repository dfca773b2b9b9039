package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// Roles are who has which rights.
type Roles struct {
	Owner   string // owns the tables, and sets up
	Runtime string // for programs, without DDL
	Monitor string // reads
}

// DefaultRoles have names that say what they are.
var DefaultRoles = Roles{"highway_owner", "highway_runtime", "highway_monitor"}

// Check says whether the names can be those of roles.
func (r Roles) Check() error {
	all := []string{r.Owner, r.Runtime, r.Monitor}
	for i, name := range all {
		switch {
		case name == "" || len(name) > 63 || !utf8.ValidString(name) || strings.ContainsRune(name, 0):
			return fmt.Errorf("schema: the name of a role has 1 to 63 bytes of UTF-8 without zero bytes, not %q", name)
		case strings.HasPrefix(name, "pg_") || name == "public" || name == "none":
			return fmt.Errorf("schema: %q cannot be a role's name", name)
		case slices.Contains(all[:i], name):
			return errors.New("schema: the roles must be three")
		}
	}
	return nil
}

// Of which tables a program needs which rights, and which tables are there to be read.
var (
	programs = []struct{ rights, table string }{
		{"SELECT, INSERT, UPDATE, DELETE", Table},
		{"SELECT, INSERT, UPDATE, DELETE", "hw_instances"},
		{"SELECT, INSERT, UPDATE, DELETE", "hw_reports"},
		{"SELECT", "hw_transitions"}, // a trigger writes, and hw_forget deletes what is too old
		{"SELECT", "hw_schema"},
	}
	triggersOnly = []string{"hw_foreign", "hw_foreign_first", "hw_record"}
	// What whoever reads may call: what reading.sql has, and what that calls.
	shared = []string{"hw_now", "hw_microseconds", "hw_sound", "hw_row"}
)

// Grants is the SQL that makes the roles and gives each what it needs, in a database in
// which everything is set up. It may be repeated. The setup and the roles must make sense
// by their Check.
func (s Setup) Grants(database string, r Roles) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	quote := func(name string) string { return pgx.Identifier{name}.Sanitize() }
	schema, db := quote(s.name()), quote(database)
	owner, runtime, monitor := quote(r.Owner), quote(r.Runtime), quote(r.Monitor)
	everything := want("")

	line("-- Run this in the database %s after each \"highway setup\", as a superuser.", oneLine(db))
	line("-- The roles have no passwords yet: \\password in psql gives them some.")
	line("BEGIN;")
	line("SET LOCAL standard_conforming_strings = on;")
	line("SET LOCAL lock_timeout = %d;\n", s.lockTimeout().Milliseconds())
	for _, name := range []string{r.Owner, r.Runtime, r.Monitor} {
		b.WriteString(do(fmt.Sprintf("BEGIN\n    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %s) THEN\n        CREATE ROLE %s LOGIN;\n    END IF;\nEND",
			literal(name), quote(name))))
	}
	line("GRANT CONNECT ON DATABASE %s TO %s, %s, %s;", db, owner, runtime, monitor)
	line("GRANT USAGE ON SCHEMA %s TO %s, %s, %s;\n", schema, owner, runtime, monitor)

	line("-- The owner sets up from now on. The triggers have its rights, and no superuser's.")
	line("-- A role that owned %s until now, such as one of programs on the Python", Table)
	line("-- library, needs GRANT SELECT, INSERT, UPDATE ON %s.%s, and nothing else.", oneLine(schema), Table)
	line("GRANT CREATE ON SCHEMA %s TO %s;", schema, owner)
	for _, name := range everything.tables {
		line("ALTER TABLE %s.%s OWNER TO %s;", schema, name, owner)
	}
	for _, name := range everything.sequences {
		line("ALTER SEQUENCE %s.%s OWNER TO %s;", schema, name, owner)
	}
	for _, f := range everything.functions {
		line("ALTER FUNCTION %s.%s OWNER TO %s;", schema, f.Name, owner)
	}

	line("\n-- Nobody else makes tables here, as everybody could in PostgreSQL 14, or calls these.")
	line("REVOKE CREATE ON SCHEMA %s FROM PUBLIC;", schema)
	for _, f := range everything.functions {
		line("REVOKE ALL ON FUNCTION %s.%s FROM PUBLIC;", schema, f.Name)
	}

	line("\n-- Programs. What has happened they can neither change nor erase, as they could in version 1.")
	line("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %s.hw_transitions FROM %s;", schema, runtime)
	for _, p := range programs {
		line("GRANT %s ON %s.%s TO %s;", p.rights, schema, p.table, runtime)
	}
	for _, name := range everything.sequences {
		line("GRANT USAGE ON SEQUENCE %s.%s TO %s;", schema, name, runtime)
	}
	for _, f := range everything.functions {
		if !slices.Contains(triggersOnly, f.Name) { // a trigger asks nobody
			line("GRANT EXECUTE ON FUNCTION %s.%s TO %s;", schema, f.Name, runtime)
		}
	}

	line("\n-- Monitoring.")
	for _, name := range everything.tables {
		line("GRANT SELECT ON %s.%s TO %s;", schema, name, monitor)
	}
	for _, name := range slices.Concat(shared, names(functionName, reading)) {
		line("GRANT EXECUTE ON FUNCTION %s.%s TO %s;", schema, name, monitor)
	}
	line("COMMIT;")
	return b.String()
}

// oneLine is a name in a comment, which it must not end.
func oneLine(name string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(name) }
