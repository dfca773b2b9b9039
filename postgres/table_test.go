package postgres_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

func waitFor(t *testing.T, true func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !true(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come true")
		}
	}
}

// The document's monitoring queries, word for word.
const (
	allBreakers = `SELECT resource_key, state, failure_count, open_until, updated_at
FROM hw_circuit_breakers
ORDER BY updated_at DESC;`
	openBreakers = `SELECT resource_key, open_until
FROM hw_circuit_breakers
WHERE state = 'OPEN';`
	failureRates = `SELECT resource_key, failure_count
FROM hw_circuit_breakers
WHERE state = 'CLOSED';`
)

func TestTheDocumentsMonitoringQueriesShowTheTruth(t *testing.T) {
	s := newStored(t)
	p := newPython(t, s, "UTC")
	for i, instance := range []string{"a", "b"} {
		_, err := s.Exchange(t.Context(), instance, map[string]fleet.Report{
			"search":  {Instance: instance, Number: 1, Active: true, Failures: 2 + i, Outcomes: 10},
			"payment": {Instance: instance, Number: 1, Active: true},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.put(t, "payment", s.look(t, "payment", 1).Row, fleet.Row{State: fleet.Open, Reason: fleet.Testified, Remaining: time.Hour})

	type breaker struct {
		Key      string
		State    string
		Failures int
		Until    *time.Time
		Updated  time.Time
	}
	rows, _ := p.conn.Query(t.Context(), allBreakers)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[breaker])
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if first := all[0]; first.Key != "payment" || first.State != "OPEN" || first.Until == nil || first.Until.Sub(first.Updated) < 59*time.Minute {
		t.Errorf("%+v", first)
	}
	if second := all[1]; second.Key != "search" || second.State != "CLOSED" || second.Failures != 2+3 {
		t.Errorf("%+v", second)
	}
	rows, _ = p.conn.Query(t.Context(), openBreakers)
	open, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (key string, err error) {
		var until *time.Time
		return key, row.Scan(&key, &until)
	})
	if err != nil || len(open) != 1 || open[0] != "payment" {
		t.Errorf("open: %v, %v", open, err)
	}
	var key string
	var failures int
	if err := p.conn.QueryRow(t.Context(), failureRates).Scan(&key, &failures); err != nil || key != "search" || failures != 5 {
		t.Errorf("%s has %d failures, %v", key, failures, err)
	}
}

func TestTheHistoryKeepsEveryTransitionAndItsEvidence(t *testing.T) {
	s := newStored(t)
	first := s.look(t, "payment", 1).Row
	for _, r := range []fleet.Report{
		{Instance: "a", Suspicion: 7, Refuses: true, Failures: 5, Outcomes: 10},
		{Instance: "b", Testimony: fleet.Testimony{About: fleet.Accusation{Suspect: "a", Number: 7}, Sum: 6.5, Calls: 9}},
		{Instance: "c", Testimony: fleet.Testimony{About: fleet.Accusation{Suspect: "a", Number: 7}, Sum: 5.25, Calls: 8}},
	} {
		r.Number, r.Active, r.About = 1, true, first.Identity
		if _, err := s.Exchange(t.Context(), r.Instance, map[string]fleet.Report{"payment": r}); err != nil {
			t.Fatal(err)
		}
	}
	open := s.put(t, "payment", first, fleet.Row{State: fleet.Open, Reason: fleet.Testified, By: "b", Remaining: time.Second})
	half := s.put(t, "payment", open, fleet.Row{State: fleet.HalfOpen, Reason: fleet.CooldownOver, By: "c",
		Probes: []fleet.Probe{{Holder: "c", Number: 1, Result: fleet.Succeeded}}})
	s.put(t, "payment", half, fleet.Row{State: fleet.Closed, Hold: fleet.Disabled, Reason: fleet.Commanded, By: "ada"})
	if err := s.Delete("payment"); err != nil {
		t.Fatal(err)
	}

	type transition struct {
		From, To         *string
		Hold, Reason, By string
		At               time.Time
		Evidence         []byte
	}
	rows, _ := s.pool.Query(t.Context(), `SELECT from_state, to_state, hold, reason, decided_by, happened_at, evidence FROM `+
		pgx.Identifier{s.schema, "hw_transitions"}.Sanitize()+` WHERE resource_key = 'payment' ORDER BY id`)
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[transition])
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ from, to, hold, reason, by string }{
		{"CLOSED", "OPEN", "", "testified", "b"},
		{"OPEN", "HALF_OPEN", "", "cooldown_over", "c"},
		{"HALF_OPEN", "CLOSED", "disabled", "commanded", "ada"},
		{"CLOSED", "", "disabled", "deleted", "postgres"},
	}
	if len(got) != len(want) {
		t.Fatalf("%d transitions: %+v", len(got), got)
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	for i, w := range want {
		if g := got[i]; text(g.From) != w.from || text(g.To) != w.to || g.Hold != w.hold || g.Reason != w.reason || g.By != w.by || time.Since(g.At).Abs() > time.Minute {
			t.Errorf("%d: %+v, want %+v", i, g, w)
		}
	}
	var evidence struct {
		Instances, Refusing, Witnesses, Calls, Failures, Outcomes int
		Suspects                                                  []string
		Testimony                                                 float64
	}
	if err := json.Unmarshal(got[0].Evidence, &evidence); err != nil {
		t.Fatal(err)
	}
	if evidence.Instances != 3 || evidence.Refusing != 1 || evidence.Witnesses != 2 || evidence.Calls != 17 ||
		evidence.Failures != 5 || evidence.Testimony != 11.75 || len(evidence.Suspects) != 1 || evidence.Suspects[0] != "a" {
		t.Errorf("%s", got[0].Evidence)
	}
	var probes struct {
		Succeeded int `json:"probes_succeeded"`
	}
	if err := json.Unmarshal(got[2].Evidence, &probes); err != nil || probes.Succeeded != 1 {
		t.Errorf("%s, %v", got[2].Evidence, err)
	}
}

func TestTheHistoryIsPruned(t *testing.T) {
	s := newStored(t)
	s.exec("UPDATE @.hw_schema SET history_rows = 5, history_age = '1 hour'")
	row := s.look(t, "payment", 1).Row
	for range 6 {
		row = s.put(t, "payment", row, fleet.Row{State: fleet.Open, Reason: fleet.Testified, Remaining: time.Second})
		row = s.put(t, "payment", row, fleet.Row{State: fleet.Closed, Reason: fleet.ProbesSucceeded})
	}
	kept := func() (n int) {
		t.Helper()
		if err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+pgx.Identifier{s.schema, "hw_transitions"}.Sanitize()).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := kept(); n != 5 {
		t.Errorf("%d transitions are kept, not 5", n)
	}
	s.Advance(2 * time.Hour)
	s.exec("SELECT @.hw_prune(@.hw_now())")
	if n := kept(); n != 0 {
		t.Errorf("%d transitions are older than an hour", n)
	}
}

// TestNothingPushesPeopleOutOfTheHistory: no program does, whatever it writes.
func TestNothingPushesPeopleOutOfTheHistory(t *testing.T) {
	s := newStored(t)
	s.exec("UPDATE @.hw_schema SET history_rows = 5, history_age = '1 hour'")
	s.look(t, "k", 1)
	act := func(o operate.Order) {
		t.Helper()
		o.Key, o.By = "k", "ann"
		if is, err := operate.Do(t.Context(), s, o); err != nil || !is.Changed {
			t.Fatalf("%+v, %v", is, err)
		}
	}
	act(operate.Order{Action: operate.Isolate, Note: "INC-7"})
	act(operate.Order{Action: operate.Close})
	act(operate.Order{Action: operate.Delete})
	row := s.look(t, "k", 2).Row
	row = s.put(t, "k", row, fleet.Row{State: fleet.Open, Reason: fleet.Testified, Note: "what a program said"})
	for range 10 {
		row = s.put(t, "k", row, fleet.Row{State: fleet.Open, Reason: fleet.Testified, Remaining: time.Second})
		row = s.put(t, "k", row, fleet.Row{State: fleet.Closed, Reason: fleet.Mended})
	}
	past, err := s.History(t.Context(), fleet.HistoryQuery{Key: "k"})
	if err != nil || len(past) != 5+4 {
		t.Fatalf("%d: %+v, %v", len(past), past, err)
	}
	if past = past[5:]; past[0].Note == "" || !past[1].Deleted || past[2].To != fleet.Closed || past[3].Hold != fleet.Isolated || past[3].By != "ann" {
		t.Errorf("%+v", past)
	}
	s.Advance(2 * time.Hour)
	s.exec("SELECT @.hw_forget()")
	if past, err := s.History(t.Context(), fleet.HistoryQuery{Key: "k"}); err != nil || len(past) != 0 {
		t.Errorf("%+v, %v", past, err)
	}
}

func TestWhatNobodyNeedsIsPruned(t *testing.T) {
	s := newStored(t)
	p := newPython(t, s, "UTC")
	p.write("python's", "CLOSED", 0, nil)
	s.look(t, "idle", 1)
	s.put(t, "open", s.look(t, "open", 2).Row, fleet.Row{State: fleet.Open, Reason: fleet.Testified, Remaining: time.Second})
	s.Advance(8 * 24 * time.Hour)
	s.exec("SELECT @.hw_prune(@.hw_now())")
	rows, _ := p.conn.Query(t.Context(), "SELECT resource_key::text FROM hw_circuit_breakers ORDER BY 1")
	if keys, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(keys) != 2 || keys[0] != "open" || keys[1] != "python's" {
		t.Errorf("%q are left, %v", keys, err)
	}
	var reports, instances int
	if err := p.conn.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM hw_reports), (SELECT count(*) FROM hw_instances)").Scan(&reports, &instances); err != nil || reports != 0 || instances != 0 {
		t.Errorf("%d reports, %d instances are left, %v", reports, instances, err)
	}
}

func TestNamespacesKeepFleetsApart(t *testing.T) {
	s := newStored(t)
	other := s.twin(t, "blue")
	s.put(t, "payment", s.look(t, "payment", 1).Row, fleet.Row{State: fleet.Open, Reason: fleet.Testified, Remaining: time.Hour})
	views, err := other.Exchange(t.Context(), "go", map[string]fleet.Report{"payment": {Instance: "go", Number: 1}})
	if view := views["payment"]; err != nil || view.Row.State != fleet.Closed || view.Live != 1 || len(view.Reports) != 1 {
		t.Errorf("%+v, %v", views, err)
	}
	if keys, err := other.Sweep(t.Context(), "", 10); err != nil || len(keys) != 0 {
		t.Errorf("%q, %v", keys, err)
	}
	// The name that a key has in the table is no way around.
	if views, err := s.Exchange(t.Context(), "go", map[string]fleet.Report{"blue:payment": {Instance: "go", Number: 9}}); err == nil || len(views) != 0 {
		t.Errorf("%+v, %v", views, err)
	}
}
