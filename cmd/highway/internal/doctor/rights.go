package doctor

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/schema"
)

// roles are who may do what, beside what programs need.
type roles struct {
	owner         string // of the tables
	owns, creates bool   // the user may do as the owner does, or create things in the schema
	changes       bool   // the history
}

// A right is one that the setup gives to programs.
type right struct {
	kind, name, privilege string // kind is table, sequence or function
}

func (r right) String() string { return r.privilege + " on " + r.name }

var granted = regexp.MustCompile(`(?m)^GRANT ([A-Z, ]+) ON (FUNCTION |SEQUENCE |)"s"\.(\w+) TO "(\w+)";$`)

// wanted are the rights that a role needs, runtime or monitor, read from the SQL that gives
// them, so that the doctor cannot want others.
func wanted(role string) (all []right) {
	sql := schema.Setup{Schema: "s"}.Grants("d", schema.Roles{Owner: "owner", Runtime: "runtime", Monitor: "monitor"})
	for _, m := range granted.FindAllStringSubmatch(sql, -1) {
		if m[4] != role {
			continue
		}
		kind := strings.ToLower(strings.TrimSpace(m[2]))
		if kind == "" {
			kind = "table"
		}
		for _, privilege := range strings.Split(m[1], ", ") {
			all = append(all, right{kind, m[3], privilege})
		}
	}
	return all
}

func (v *visit) rolesAdvice() string {
	command := "highway setup --roles"
	if v.schema() != schema.Default {
		command += " --schema " + v.schema()
	}
	return fmt.Sprintf("run %s | psql -d %s as a superuser, after each setup, and let programs be highway_runtime, or a role that you give the same: GRANT highway_runtime TO %s",
		command, v.facts.database, quote(v.facts.user))
}

// sameNames says whether two lists have the same in them, in any order.
func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// lookRights asks for what the user may, and tries nothing.
func lookRights(ctx context.Context, v *visit) Finding {
	var missing []string
	needed, looking := wanted("runtime"), wanted("monitor")
	err := v.read(ctx, func(tx pgx.Tx) error {
		var kinds, names, privileges []string
		for _, r := range needed {
			kinds, names, privileges = append(kinds, r.kind), append(names, r.name), append(privileges, r.privilege)
		}
		rows, err := tx.Query(ctx, `
			SELECT w.privilege || ' on ' || w.name FROM unnest($2::text[], $3::text[], $4::text[]) AS w(kind, name, privilege)
			JOIN pg_namespace n ON n.nspname = $1
			LEFT JOIN pg_class t ON w.kind <> 'function' AND t.relnamespace = n.oid AND t.relname = w.name
			LEFT JOIN pg_proc p ON w.kind = 'function' AND p.pronamespace = n.oid AND p.proname = w.name
			WHERE NOT CASE w.kind WHEN 'function' THEN coalesce(has_function_privilege(p.oid, w.privilege), true)
				WHEN 'sequence' THEN coalesce(has_sequence_privilege(t.oid, w.privilege), true)
				ELSE coalesce(has_table_privilege(t.oid, w.privilege), true) END
			UNION ALL SELECT 'USAGE on the schema' FROM pg_namespace WHERE nspname = $1 AND NOT has_schema_privilege(oid, 'USAGE')`,
			v.schema(), kinds, names, privileges)
		if err != nil {
			return err
		}
		if missing, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			SELECT pg_get_userbyid(t.relowner)::text, pg_has_role(t.relowner, 'USAGE'), has_schema_privilege(n.oid, 'CREATE'),
				coalesce((SELECT has_table_privilege(h.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') FROM pg_class h
					WHERE h.relnamespace = n.oid AND h.relname = 'hw_transitions'), false)
			FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = $1 AND t.relname = $2`,
			v.schema(), schema.Table).Scan(&v.roles.owner, &v.roles.owns, &v.roles.creates, &v.roles.changes)
	})
	if err != nil {
		return v.trouble(err)
	}
	var notes []string
	switch {
	case v.facts.superuser:
		notes = append(notes, fmt.Sprintf(`%q is a superuser, and programs need far less: see "highway setup --roles"`, v.facts.user))
	case v.roles.owns && v.roles.creates:
		notes = append(notes, fmt.Sprintf("%q may set up, which programs need not", v.facts.user))
	default:
		notes = append(notes, fmt.Sprintf("no DDL right, which only the setup needs: %q may set up, as the owner of the tables, or a superuser", v.roles.owner))
	}
	if v.roles.owns {
		notes = append(notes, "the history is append-only for programs, and not for this user, to whom the tables belong")
	}
	var acting []string // what programs may, and monitoring may not
	for _, r := range needed {
		if !slices.Contains(looking, r) {
			acting = append(acting, r.String())
		}
	}
	switch {
	case len(missing) > 0 && sameNames(missing, acting):
		v.looks = true
		return ok("%q has the rights of monitoring, as highway_monitor has them", v.facts.user).with(append(notes,
			"it may look, may not act: for what programs do, run this as their role")...)
	case len(missing) > 0:
		return fault(v.rolesAdvice(), "%q lacks %s", v.facts.user, some(missing, 5)).with(notes...)
	case v.roles.changes && !v.roles.owns:
		return warning(`run the SQL of "highway setup --roles" again: version 1 of the setup gave programs that right`,
			"%q may run all functions, but also change or erase the history", v.facts.user).with(notes...)
	case v.roles.owns:
		return ok("%q may run all functions", v.facts.user).with(notes...)
	}
	return ok("%q may run all functions, and the history is append-only for it", v.facts.user).with(notes...)
}
