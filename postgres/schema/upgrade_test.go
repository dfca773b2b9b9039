package schema_test

import (
	_ "embed"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/postgres/schema"
)

// version1 is what the setup of version 1 has run, with --dry-run.
//
//go:embed testdata/version1.sql
var version1 string

func TestWhatVersion1MadeIsUpgradedInPlace(t *testing.T) {
	db := fresh(t)
	conn := db.connect()
	execute(t, conn, version1)
	execute(t, conn, "SELECT hw_exchange('', 'a', '[]'); INSERT INTO hw_circuit_breakers (resource_key, state) VALUES ('payment', 'OPEN'), ('mail', 'CLOSED');"+
		"UPDATE hw_transitions SET happened_at = happened_at - interval '1 hour'")
	const kept = "SELECT string_agg((resource_key, state, incarnation, epoch, nonce, deadline)::text, ' ' ORDER BY resource_key) FROM hw_circuit_breakers"
	before := value[string](t, conn, kept)
	steps := db.plan(schema.Setup{})
	for _, want := range []string{"add the columns note, changed_at to hw_circuit_breakers", "create the index hw_circuit_breakers_keys", "note that this is version 2 (it says 1)"} {
		if !slices.ContainsFunc(steps, func(step string) bool { return strings.HasPrefix(step, want) }) {
			t.Errorf("%q is not in %q", want, steps)
		}
	}
	db.install(schema.Setup{})
	if left := db.plan(schema.Setup{}); left != nil {
		t.Errorf("there is still to do: %q", left)
	}
	if after := value[string](t, conn, kept); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	other := fresh(t)
	other.install(schema.Setup{})
	if by, fresh := shape(t, conn), shape(t, other.connect()); by != fresh {
		t.Errorf("upgraded\n%s\nfresh\n%s", by, fresh)
	}

	// What happened before is seen, and when.
	s := db.open(db.config.User, schema.Default)
	if d, err := s.Look(t.Context(), "payment"); err != nil || d.Row.State != fleet.Open || d.Changed < time.Hour || d.Changed > time.Hour+time.Minute {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := s.Look(t.Context(), "mail"); err != nil || d.Row.State != fleet.Closed || d.Changed > time.Minute {
		t.Errorf("%+v, %v", d, err)
	}
	past, err := s.History(t.Context(), fleet.HistoryQuery{})
	if err != nil || len(past) != 1 || !past[0].Made || past[0].Note != "" || past[0].Ago < time.Hour {
		t.Errorf("%+v, %v", past, err)
	}
}

// TestTheRuntimeRoleOfVersion1LosesARight: it could erase what has happened.
func TestTheRuntimeRoleOfVersion1LosesARight(t *testing.T) {
	db, roles := granted(t, schema.Setup{})
	execute(t, db.connect(), "GRANT DELETE ON hw_transitions TO "+quote(roles.Runtime))
	execute(t, db.connect(), schema.Setup{}.Grants(db.config.Database, roles))
	denied(t, db.as(roles.Runtime), "DELETE FROM hw_transitions")
}

func TestTheMonitorSeesAndTheRuntimeRoleActs(t *testing.T) {
	for _, name := range []string{"public", `odd "schema"`} {
		t.Run(name, func(t *testing.T) {
			db, roles := granted(t, schema.Setup{Schema: name})
			program, monitor := db.open(roles.Runtime, name), db.open(roles.Monitor, name)
			views, err := program.Exchange(t.Context(), "a", map[string]fleet.Report{"payment": {Instance: "a", Number: 1, Active: true}})
			if err != nil {
				t.Fatal(err)
			}
			row := fleet.Row{Identity: views["payment"].Row.Identity, State: fleet.Open, Hold: fleet.Isolated, By: "ann", Note: "INC-7"}
			row.Epoch, row.Nonce = 1, 5
			row, err = program.Change(t.Context(), "payment", views["payment"].Row.Identity, row)
			if err != nil {
				t.Fatal(err)
			}
			if all, err := monitor.List(t.Context(), fleet.Query{}); err != nil || len(all) != 1 || all[0].Row.Note != "INC-7" {
				t.Errorf("%+v, %v", all, err)
			}
			if d, err := monitor.Look(t.Context(), "payment"); err != nil || len(d.Reports) != 1 {
				t.Errorf("%+v, %v", d, err)
			}
			if who, err := monitor.Instances(t.Context()); err != nil || len(who) != 1 {
				t.Errorf("%+v, %v", who, err)
			}
			_, changing := monitor.Change(t.Context(), "payment", row.Identity, row)
			_, _, removing := monitor.Remove(t.Context(), "payment", row.Identity, "eve", "")
			for _, err := range []error{changing, removing} {
				if err == nil || !strings.Contains(err.Error(), "too few rights") {
					t.Errorf("the monitor may act: %v", err)
				}
			}
			if is, removed, err := program.Remove(t.Context(), "payment", row.Identity, "ann", "gone"); err != nil || !removed {
				t.Errorf("%+v, %v", is, err)
			}
			past, err := monitor.History(t.Context(), fleet.HistoryQuery{Key: "payment"})
			if err != nil || len(past) != 2 || past[0].Note != "gone" || past[0].By != "ann" || past[1].Note != "INC-7" {
				t.Errorf("%+v, %v", past, err)
			}
			conn := db.as(roles.Runtime)
			execute(t, conn, "SET search_path = "+quote(name))
			execute(t, conn, "SELECT hw_forget()") // what is too old, and nothing else
			if past, err := monitor.History(t.Context(), fleet.HistoryQuery{}); err != nil || len(past) != 2 {
				t.Errorf("%+v, %v", past, err)
			}
			denied(t, conn,
				"UPDATE hw_transitions SET note = 'nobody'",
				"DELETE FROM hw_transitions",
				"INSERT INTO hw_transitions (happened_at, resource_key, namespace, incarnation, epoch, hold, reason, decided_by, evidence) "+
					"VALUES (now(), 'k', '', 1, 1, '', '', 'eve', '{}')",
				"TRUNCATE hw_transitions",
				"ALTER TABLE hw_transitions ADD COLUMN mine integer",
			)
		})
	}
}
