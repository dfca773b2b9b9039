package postgres_test

import (
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// TestAHoldWrittenByHandIsAnOrder (S8): nothing that was decided before may undo it.
func TestAHoldWrittenByHandIsAnOrder(t *testing.T) {
	s := newStored(t)
	before := s.look(t, "payment", 1).Row
	s.exec("UPDATE @.hw_circuit_breakers SET hold = 'isolated' WHERE resource_key = $1", "payment")
	is, err := s.Change(t.Context(), "payment", before.Identity, fleet.Row{Identity: fleet.Identity{Epoch: before.Epoch + 1, Nonce: 5}, State: fleet.HalfOpen})
	if err != nil || is.State != fleet.Open || is.Hold != fleet.Isolated || is.Reason != fleet.Commanded {
		t.Errorf("%+v, %v", is, err)
	}
	s.exec("UPDATE @.hw_circuit_breakers SET hold = '' WHERE resource_key = $1", "payment")
	if row := s.look(t, "payment", 2).Row; row.State != fleet.HalfOpen || row.Hold != fleet.NoHold {
		t.Errorf("%+v", row)
	}
}

// TestNonsenseHarmsNobody (S12): what somebody writes into our columns is not taken over,
// and what was there before the triggers is mended.
func TestNonsenseHarmsNobody(t *testing.T) {
	for _, set := range []string{
		"deadline = 'infinity', period = '1 hour'",
		"deadline = '-infinity', period = '1 hour'",
		"deadline = '290000-01-01', period = '280000 years'",
		`probes = '[{"holder": "a", "number": 1, "result": "", "ends": 1.5, "full": 1e30}]'`,
		`probes = '[{"holder": "a", "number": -1, "result": "", "ends": 1, "full": 1}]'`,
		`probes = '{"holder": 1}'`,
		"revision = 9223372036854775807",
		"epoch = 9223372036854775807, reason = 'because'",
		"incarnation = 0, hold = 'mine'",
	} {
		for _, triggers := range []string{"ENABLE", "DISABLE"} {
			s := newStored(t)
			s.put(t, "bad", s.look(t, "bad", 1).Row, fleet.Row{State: fleet.Open, Remaining: time.Hour})
			s.exec("ALTER TABLE @.hw_circuit_breakers " + triggers + " TRIGGER USER")
			s.exec("UPDATE @.hw_circuit_breakers SET "+set+" WHERE resource_key = $1", "bad")
			s.exec("ALTER TABLE @.hw_circuit_breakers ENABLE TRIGGER USER")
			views, err := s.Exchange(t.Context(), "go", map[string]fleet.Report{"bad": {Instance: "go", Number: 2}, "good": {Instance: "go", Number: 2}})
			if err != nil || len(views) != 2 {
				t.Errorf("%s, triggers %sD: %d views, %v", set, triggers, len(views), err)
				continue
			}
			row := views["bad"].Row
			if is := s.put(t, "bad", row, fleet.Row{State: fleet.HalfOpen}); is.State != fleet.HalfOpen {
				t.Errorf("%s, triggers %sD: %+v", set, triggers, is)
			}
		}
	}
}

// TestARowThatSomebodyIsMakingHarmsNoOther (S12): a program on the Python library makes it
// in a transaction that lasts.
func TestARowThatSomebodyIsMakingHarmsNoOther(t *testing.T) {
	s := newStored(t)
	p := newPython(t, s, "UTC")
	tx, err := p.conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), pythonWrites, "new", "CLOSED", 0, nil); err != nil {
		t.Fatal(err)
	}
	s.look(t, "old", 1)
	views, err := s.Exchange(t.Context(), "go", map[string]fleet.Report{"new": {Instance: "go", Number: 2}, "old": {Instance: "go", Number: 2}})
	if _, ok := views["old"]; !ok || err == nil {
		t.Errorf("%d views, %v", len(views), err)
	}
}
