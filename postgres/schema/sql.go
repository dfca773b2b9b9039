package schema

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// SQL is what Install runs in the schema of this name, which must be one by [Check]. It
// has to be run in one transaction.
func SQL(name string) string { return Setup{Schema: name}.sql() }

// Script is what Install runs, to be run by hand: in one transaction, which waits for
// others that set up and not long for locks.
func (s Setup) Script() string {
	return "BEGIN;\n" + strings.Join(s.begin(), ";\n") + ";\n\n" + s.sql() + "COMMIT;\n"
}

// begin are the statements that come first.
func (s Setup) begin() []string {
	return []string{
		fmt.Sprintf("SET LOCAL lock_timeout = %d", s.lockTimeout().Milliseconds()),
		"SET LOCAL standard_conforming_strings = on",
		lock,
	}
}

// lock keeps two that set up at once from each other.
const lock = "SELECT pg_advisory_xact_lock(hashtext('highway setup'))"

func (s Setup) sql() string {
	name := s.name()
	quoted := pgx.Identifier{name}.Sanitize()
	// CREATE SCHEMA IF NOT EXISTS needs the right to create one even if it is there.
	return do(fmt.Sprintf(`BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s) THEN
        CREATE SCHEMA %s;
    END IF;
END`, literal(name), quoted)) +
		"SET LOCAL search_path = " + quoted + ", pg_temp;\n\n" +
		tables + "\n" + strings.ReplaceAll(functions+"\n"+reading+"\n"+triggers, "@schema@", quoted) + "\n" +
		fmt.Sprintf(`INSERT INTO hw_schema (version, time_zone)
    -- As the session began; what it may have set since does not matter.
    SELECT %d, reset_val FROM pg_settings WHERE name = 'TimeZone'
ON CONFLICT (only_row) DO UPDATE SET version = greatest(hw_schema.version, excluded.version);
`, Version) + s.History.sql()
}

// do is a statement that runs a block, whatever names are in it.
func do(block string) string {
	tag := "$$"
	for n := 0; strings.Contains(block, tag); n++ {
		tag = fmt.Sprintf("$do%d$", n)
	}
	return "DO " + tag + " " + block + " " + tag + ";\n"
}

// literal quotes text for servers with standard_conforming_strings.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
