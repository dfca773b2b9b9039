package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

// try is exec for what the server may refuse.
func (s *stored) try(t *testing.T, sql string) error {
	t.Helper()
	config := s.pool.Config().ConnConfig.Copy()
	config.RuntimeParams["search_path"] = pgx.Identifier{s.schema}.Sanitize()
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

// TestARowThatSomebodyWritesBlindsNobody (S12): nor does it keep people from acting on it.
// A program that counts the revision as ours passes for one of us, so every column counts.
func TestARowThatSomebodyWritesBlindsNobody(t *testing.T) {
	for _, sql := range []string{
		`INSERT INTO hw_circuit_breakers (resource_key, state, probes) VALUES ('bad', 'CLOSED', '[{"holder": "h", "number": "5", "result": "", "ends": "5", "full": "5"}]')`,
		`INSERT INTO hw_circuit_breakers (resource_key, state, revision, probes) VALUES ('bad', 'CLOSED', 1, '[{"holder": "h", "number": "5", "result": "", "ends": "5", "full": "5"}]')`,
		`INSERT INTO hw_circuit_breakers (resource_key, state, revision, probes) VALUES ('bad', 'HALF_OPEN', 1, '[{"holder": "h", "number": 18999999999999999999, "result": "", "ends": 5, "full": 5}]')`,
		`INSERT INTO hw_circuit_breakers (resource_key, state, revision, probes) VALUES ('bad', 'HALF_OPEN', 1, '[5]')`,
		`INSERT INTO hw_circuit_breakers (resource_key, state, hold) VALUES ('bad', 'CLOSED', 'bogus');
		 UPDATE hw_circuit_breakers SET hold = '', changed_at = 'infinity'`,
		`INSERT INTO hw_circuit_breakers (resource_key, state, revision, hold) VALUES ('bad', 'CLOSED', 1, 'bogus');
		 UPDATE hw_circuit_breakers SET hold = '', changed_at = 'infinity'`,
		`INSERT INTO hw_circuit_breakers (resource_key, state, revision, changed_at) VALUES ('bad', 'CLOSED', 1, '-infinity')`,
		`INSERT INTO hw_circuit_breakers (resource_key, state, revision, changed_at) VALUES ('bad', 'CLOSED', 1, '294276-12-31')`,
		`INSERT INTO hw_circuit_breakers (resource_key, state, revision, created_at, updated_at) VALUES ('bad', 'CLOSED', 1, 'infinity', 'infinity')`,
		`INSERT INTO hw_circuit_breakers (resource_key, state, revision, created_at, updated_at) VALUES ('bad', 'CLOSED', 1, '294276-12-31 23:59:59.999999', '-infinity')`,
	} {
		for _, order := range []operate.Order{{Action: operate.Close}, {Action: operate.Delete}, {}} {
			s := newStored(t)
			s.exec("UPDATE @.hw_schema SET time_zone = 'America/New_York'")
			if err := s.try(t, sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			s.put(t, "good", s.look(t, "good", 1).Row, fleet.Row{State: fleet.Open, Remaining: time.Hour})
			if all, err := s.List(t.Context(), fleet.Query{}); err != nil || len(all) != 2 || all[0].Row.Incarnation == 0 || all[0].Changed < 0 || all[0].Changed > time.Minute {
				t.Errorf("%s\n%+v, %v", sql, all, err)
			}
			if d, err := s.Look(t.Context(), "bad"); err != nil || d.Row.Incarnation == 0 || d.Changed < 0 {
				t.Errorf("%s\n%+v, %v", sql, d, err)
			}
			if order.Key, order.By = "bad", "ann"; order.Action != "" {
				if is, err := operate.Do(t.Context(), s, order); err != nil || !is.Changed {
					t.Errorf("%s\n%s: %+v, %v", sql, order.Action, is, err)
				}
			}
			views, err := s.Exchange(t.Context(), "go", map[string]fleet.Report{"bad": {Instance: "go", Number: 2}, "good": {Instance: "go", Number: 2}})
			if err != nil || len(views) != 2 {
				t.Errorf("%s\n%d views, %v", sql, len(views), err)
			}
			if row := views["bad"].Row; s.put(t, "bad", row, fleet.Row{State: fleet.HalfOpen}).State != fleet.HalfOpen {
				t.Errorf("%s\n%+v stays", sql, row)
			}
			s.exec("SELECT @.hw_prune(@.hw_now())")
		}
	}
}

// TestARowThatCannotBeReadShowsAsClosed: whatever the server takes for sound.
func TestARowThatCannotBeReadShowsAsClosed(t *testing.T) {
	s := newStored(t)
	s.put(t, "good", s.look(t, "good", 1).Row, fleet.Row{State: fleet.Open, Remaining: time.Hour})
	s.look(t, "bad", 1)
	s.exec(`CREATE OR REPLACE FUNCTION @.hw_shown(b @.hw_circuit_breakers, n timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
		SELECT CASE b.resource_key WHEN 'bad' THEN '{"state": "BROKEN", "probes": 5}'::jsonb ELSE @.hw_row(b, n) END $$`)
	if all, err := s.List(t.Context(), fleet.Query{}); err != nil || len(all) != 2 || all[0].Row.Reason != fleet.Mended || all[0].Row.Incarnation == 0 || all[1].Row.State != fleet.Open {
		t.Errorf("%+v, %v", all, err)
	}
	if d, err := s.Look(t.Context(), "bad"); err != nil || d.Row.Reason != fleet.Mended || d.Row.State != fleet.Closed || len(d.Reports) != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestABadReportCostsOnlyItself (S12): what programs may write into the table of reports.
func TestABadReportCostsOnlyItself(t *testing.T) {
	for _, set := range []string{
		"stored = 'infinity'", "stored = '-infinity'", "stored = '294276-12-31'", "said = ''", "said = 'nonsense'", "said = '1],[2'", "said = '5'",
		"said = '{}'", `said = '["bad", "x"]'`, "suspected = -1", "suspicion = 'NaN', suspected_at = NULL", "suspicion = 1, suspected_at = '4713-01-01 BC'",
		`settings = '{"cooldown": 99999999999999999999}'`, `settings = '{"cooldown": 9000000000000000000}'`, "failures = 2147483647, outcomes = -1",
	} {
		s := newStored(t)
		for _, name := range []string{"bad", "good"} {
			if _, err := s.Exchange(t.Context(), name, map[string]fleet.Report{"k": {Instance: name, Number: 1, Active: true}}); err != nil {
				t.Fatal(err)
			}
		}
		refused := s.try(t, "UPDATE hw_reports SET "+set+" WHERE instance = 'bad'")
		here := func(r fleet.Told) bool { return r.Instance == "good" }
		if d, err := s.Look(t.Context(), "k"); err != nil || !slices.ContainsFunc(d.Reports, here) || refused != nil && len(d.Reports) != 2 {
			t.Errorf("%s (%v): %+v, %v", set, refused, d, err)
		}
		if all, err := s.List(t.Context(), fleet.Query{}); err != nil || len(all) != 1 {
			t.Errorf("%s (%v): %+v, %v", set, refused, all, err)
		}
		if view := s.look(t, "k", 1); len(view.Reports) < 2 {
			t.Errorf("%s (%v): %+v", set, refused, view)
		}
		if err := s.try(t, "UPDATE hw_circuit_breakers SET state = 'OPEN'; SELECT hw_prune(hw_now())"); err != nil {
			t.Errorf("%s (%v): %v", set, refused, err)
		}
	}
}

// TestARowThatSomebodyMakesHasOnlyAnOrder: the rest of our columns is not theirs to fill.
func TestARowThatSomebodyMakesHasOnlyAnOrder(t *testing.T) {
	for _, c := range []struct {
		state, hold string
		want        fleet.Row
		history     int
	}{
		{"CLOSED", "", fleet.Row{}, 0},
		{"CLOSED", "held_open", fleet.Row{}, 0},
		{"OPEN", "bogus", fleet.Row{State: fleet.Open, Reason: fleet.Foreign}, 1},
		{"CLOSED", "isolated", fleet.Row{State: fleet.Open, Hold: fleet.Isolated, Reason: fleet.Commanded, Note: "INC-7"}, 1},
		{"OPEN", "disabled", fleet.Row{State: fleet.Closed, Hold: fleet.Disabled, Reason: fleet.Commanded, Note: "INC-7"}, 1},
	} {
		s := newStored(t)
		if err := s.try(t, `INSERT INTO hw_circuit_breakers (resource_key, state, hold, note, incarnation, epoch, reason, decided_by, deadline, period, lost, changed_at)
			VALUES ('k', '`+c.state+`', '`+c.hold+`', 'INC-7', 5, 7, 'testified', 'eve', '2200-01-01', '200 years', 9, '2020-01-01')`); err != nil {
			t.Fatal(err)
		}
		d, err := s.Look(t.Context(), "k")
		row := d.Row
		if err != nil || row.State != c.want.State || row.Hold != c.want.Hold || row.Reason != c.want.Reason || row.Note != c.want.Note ||
			row.By == "eve" || row.Incarnation == 5 || row.Epoch > 1 || row.Remaining > time.Hour || row.Lost != 0 || d.Changed > time.Hour {
			t.Errorf("%s, %s: %+v, %v", c.state, c.hold, d, err)
		}
		if past, err := s.History(t.Context(), fleet.HistoryQuery{}); err != nil || len(past) != c.history {
			t.Errorf("%s, %s: %+v, %v", c.state, c.hold, past, err)
		}
	}
}
