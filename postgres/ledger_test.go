package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
	"github.com/highway-engine/highway/internal/operate/operatetest"
	"github.com/highway-engine/highway/postgres"
)

func TestOrders(t *testing.T) {
	operatetest.Run(t, func(t *testing.T) fleet.Ledger { return newStored(t) })
}

func TestOrdersInANamespace(t *testing.T) {
	operatetest.Run(t, func(t *testing.T) fleet.Ledger { return newStored(t, postgres.WithNamespace("other fleet")) })
}

func TestPeopleSeeTheirNamespaceOnly(t *testing.T) {
	s := newStored(t)
	blue := s.twin(t, "blue")
	for _, one := range []fleet.Ledger{s, blue} {
		order := operate.Order{Key: "payment", Action: operate.Isolate, By: "ann", Note: "both", Create: true}
		if _, err := operate.Do(t.Context(), one, order); err != nil {
			t.Fatal(err)
		}
	}
	s.look(t, "search", 1)
	all, err := blue.List(t.Context(), fleet.Query{Prefix: "pay"})
	if err != nil || len(all) != 1 || all[0].Key != "payment" {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := s.List(t.Context(), fleet.Query{}); err != nil || len(all) != 2 || all[0].Key != "payment" || all[1].Key != "search" {
		t.Errorf("%+v, %v", all, err)
	}
	// The name that a key has in the table is no way around.
	if d, err := s.Look(t.Context(), "blue:payment"); err != nil || d.Row.Incarnation != 0 {
		t.Errorf("%+v, %v", d, err)
	}
	if is, removed, err := s.Remove(t.Context(), "blue:payment", all[0].Row.Identity, "ann", ""); err != nil || removed || is.Incarnation != 0 {
		t.Errorf("%+v, %v", is, err)
	}
	if past, err := s.History(t.Context(), fleet.HistoryQuery{}); err != nil || len(past) != 1 || past[0].Key != "payment" {
		t.Errorf("%+v, %v", past, err)
	}
	if past, err := blue.History(t.Context(), fleet.HistoryQuery{Key: "payment"}); err != nil || len(past) != 1 || past[0].Key != "payment" {
		t.Errorf("%+v, %v", past, err)
	}
	if who, err := s.Instances(t.Context()); err != nil || len(who) != 2 {
		t.Errorf("%+v, %v", who, err)
	}
}

// TestLookingWaitsForNobody: whoever holds rows and tables against writers.
func TestLookingWaitsForNobody(t *testing.T) {
	s := newStored(t)
	s.put(t, "payment", s.look(t, "payment", 1).Row, fleet.Row{State: fleet.Open, Remaining: time.Hour, Note: "n"})
	defer s.Block("payment")()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if all, err := s.List(ctx, fleet.Query{}); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if d, err := s.Look(ctx, "payment"); err != nil || d.Row.State != fleet.Open || len(d.Reports) != 1 {
		t.Errorf("%+v, %v", d, err)
	}
	// An order does wait, and says that it is not done.
	if _, err := operate.Do(ctx, s, operate.Order{Key: "payment", Action: operate.Close, By: "ann"}); !errors.Is(err, highway.ErrNotDone) {
		t.Errorf("%v", err)
	}
	if _, err := operate.Do(ctx, s, operate.Order{Key: "payment", Action: operate.Delete, By: "ann"}); !errors.Is(err, highway.ErrNotDone) {
		t.Errorf("%v", err)
	}
}

// TestANoteWrittenByHand: in SQL too a person may say why, and nobody but a person.
func TestANoteWrittenByHand(t *testing.T) {
	s := newStored(t)
	s.look(t, "payment", 1)
	update := func(set string) fleet.Row {
		t.Helper()
		s.exec("UPDATE @.hw_circuit_breakers SET "+set+" WHERE resource_key = $1", "payment")
		return s.look(t, "payment", 1).Row
	}
	if row := update("note = 'no order'"); row.Note != "" || row.Epoch != 0 {
		t.Errorf("%+v", row)
	}
	if row := update("hold = 'isolated', note = 'INC-7'"); row.Note != "INC-7" || row.Hold != fleet.Isolated {
		t.Errorf("%+v", row)
	}
	if row := update("note = 'another'"); row.Note != "INC-7" {
		t.Errorf("%+v", row)
	}
	if row := update("hold = ''"); row.Note != "" || row.State != fleet.HalfOpen {
		t.Errorf("%+v", row)
	}
	newPython(t, s, "UTC").write("payment", "OPEN", 5, nil)
	if row := s.look(t, "payment", 1).Row; row.Note != "" || row.Reason != fleet.Foreign {
		t.Errorf("%+v", row)
	}
	s.exec("DELETE FROM @.hw_circuit_breakers WHERE resource_key = $1", "payment")
	past, err := s.History(t.Context(), fleet.HistoryQuery{Key: "payment"})
	if err != nil || len(past) != 4 || !past[0].Deleted || past[0].By == "" || past[0].Note != "" || past[2].Note != "" || past[3].Note != "INC-7" {
		t.Errorf("%+v, %v", past, err)
	}
}

// TestARowThatIsMadeOpenWasNotThere: as programs on the Python library do.
func TestARowThatIsMadeOpenWasNotThere(t *testing.T) {
	s := newStored(t)
	newPython(t, s, "Asia/Tokyo").write("payment", "OPEN", 5, nil)
	past, err := s.History(t.Context(), fleet.HistoryQuery{})
	if err != nil || len(past) != 1 || !past[0].Made || past[0].Deleted || past[0].To != fleet.Open || past[0].Reason != fleet.Foreign {
		t.Errorf("%+v, %v", past, err)
	}
	if d, err := s.Look(t.Context(), "payment"); err != nil || d.Changed < 0 || d.Changed > time.Minute {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestAProgramOfBeforeErasesNoNote: it grants a probe, and does not know of notes.
func TestAProgramOfBeforeErasesNoNote(t *testing.T) {
	s := newStored(t)
	row := s.put(t, "payment", s.look(t, "payment", 1).Row, fleet.Row{State: fleet.HalfOpen, By: "ann", Note: "let it try"})
	change := func(epoch uint64) fleet.Row {
		s.exec(`SELECT @.hw_change('', 'payment', $1, $2, $3, jsonb_build_object('epoch', $4::bigint, 'nonce', 5, 'state', 'HALF_OPEN', 'hold', '',
			'reason', '', 'by', 'old', 'remaining', 0, 'lost', 0, 'probes', '[]'::jsonb))`,
			int64(row.Incarnation), int64(row.Epoch), int64(row.Nonce), int64(epoch))
		row = s.look(t, "payment", 1).Row
		return row
	}
	if is := change(row.Epoch); is.Note != "let it try" || is.Nonce != 5 {
		t.Errorf("%+v", is)
	}
	if is := change(row.Epoch + 1); is.Note != "" || is.By != "old" {
		t.Errorf("%+v", is)
	}
}

// TestTheDatabasesClockCounts (S10): also for what a person orders.
func TestTheDatabasesClockCounts(t *testing.T) {
	s := newStored(t)
	s.look(t, "payment", 1)
	s.Advance(-5 * time.Hour) // of the database's clock alone
	is, err := operate.Do(t.Context(), s, operate.Order{Key: "payment", Action: operate.Open, For: time.Hour, By: "ann"})
	if err != nil || is.After.Remaining != time.Hour {
		t.Errorf("%+v, %v", is, err)
	}
	s.Advance(40 * time.Minute)
	if d, err := s.Look(t.Context(), "payment"); err != nil || d.Row.Remaining > 20*time.Minute || d.Row.Remaining < 19*time.Minute || d.Changed < 40*time.Minute {
		t.Errorf("%+v, %v", d, err)
	}
	s.Advance(-5 * time.Hour)
	if d, err := s.Look(t.Context(), "payment"); err != nil || d.Row.Remaining != time.Hour {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestALargeFleetIsListed: 5,000 circuits of 20 instances, page by page.
func TestALargeFleetIsListed(t *testing.T) {
	if testing.Short() {
		t.Skip("it fills a table")
	}
	s := newStored(t)
	reports := map[string]fleet.Report{}
	for i := range 100 {
		reports[fmt.Sprintf("k%04d", i)] = fleet.Report{Number: 1, Active: true, Failures: 1, Outcomes: 10}
	}
	for i := range 20 {
		if _, err := s.Exchange(t.Context(), fmt.Sprint("i", i), reports); err != nil {
			t.Fatal(err)
		}
	}
	s.exec(`INSERT INTO @.hw_circuit_breakers (resource_key, namespace, state, revision, changed_at)
		SELECT 'k' || lpad(n::text, 4, '0'), '', 'CLOSED', 1, clock_timestamp() FROM generate_series(100, 4999) n`)
	s.exec(`INSERT INTO @.hw_reports SELECT 'k' || lpad(n::text, 4, '0'), instance, life, stored, number, about_incarnation, about_epoch, about_nonce,
		active, refuses, failures, outcomes, settings, suspicion, suspected, suspected_at, suspect, suspect_number, testimony, calls, dismissed, said
		FROM @.hw_reports, generate_series(100, 4999) n WHERE resource_key = 'k0000'`)
	began := time.Now()
	count, q := 0, fleet.Query{Limit: 500}
	for {
		page, err := s.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			if c.Failures != 20 || c.Outcomes != 200 || c.Active != 20 {
				t.Fatalf("%+v", c)
			}
		}
		count += len(page)
		q.After = page[len(page)-1].Key
	}
	if took := time.Since(began); count != 5000 || took > 8*time.Second {
		t.Errorf("%d circuits in %v", count, took)
	} else {
		t.Logf("%v", took)
	}
}

// TestWhatTheServerRefusesIsNotDone: that nothing has changed is certain.
func TestWhatTheServerRefusesIsNotDone(t *testing.T) {
	s := newStored(t)
	s.look(t, "payment", 1)
	s.exec("CREATE OR REPLACE FUNCTION @.hw_mend(keys text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RAISE insufficient_privilege; END $$")
	_, err := operate.Do(t.Context(), s, operate.Order{Key: "payment", Action: operate.Isolate, By: "ann"})
	if !errors.Is(err, highway.ErrNotDone) || errors.Is(err, highway.ErrUnknown) || !errors.Is(err, fleet.ErrRefused) || !strings.Contains(err.Error(), "too few rights") {
		t.Error(err)
	}
	_, err = s.Look(t.Context(), strings.Repeat("k", 256))
	if !errors.Is(err, fleet.ErrRefused) {
		t.Error(err)
	}
}
