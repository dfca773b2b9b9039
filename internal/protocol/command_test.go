package protocol

import (
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

func TestWhatACommandMakesOfARow(t *testing.T) {
	isolated := rowOf(id(7, 4, 1), fleet.Open)
	isolated.Hold = fleet.Isolated
	probing := rowOf(id(7, 4, 1), fleet.HalfOpen)
	probing.Probes, probing.Lost = []fleet.Probe{probeOf("a", 1, fleet.Pending)}, 2
	for _, c := range []struct {
		name    string
		command Command
		row     fleet.Row
		changes bool
	}{
		{"open for a time", Command{State: fleet.Open, Hold: fleet.HeldOpen, For: time.Hour}, rowOf(id(7, 4, 1), fleet.Closed), true},
		{"isolate", Command{State: fleet.Open, Hold: fleet.Isolated}, probing, true},
		{"isolate again", Command{State: fleet.Open, Hold: fleet.Isolated}, isolated, true},
		{"close over a hold", Command{State: fleet.Closed}, isolated, true},
		{"release a hold", Command{State: fleet.HalfOpen, Release: true}, isolated, true},
		{"release nothing", Command{State: fleet.HalfOpen, Release: true}, probing, false},
	} {
		got, changes := c.command.Apply(c.row, "me", 99)
		if changes != c.changes {
			t.Errorf("%s: %v", c.name, changes)
		}
		if !changes {
			continue
		}
		if got.Identity != id(7, 5, 99) || got.State != c.command.State || got.Hold != c.command.Hold || got.Remaining != c.command.For ||
			got.Reason != fleet.Commanded || got.By != "me" || len(got.Probes) != 0 || got.Lost != 0 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestWhatACommandHasDoneIsKnownAtOnce: an answer that was on the way is older (S3).
func TestWhatACommandHasDoneIsKnownAtOnce(t *testing.T) {
	m := newMember()
	under := ask(t, m, start)
	number := m.Ask()
	row := rowOf(id(1, 3, 1), fleet.Open)
	m.Learn(row, number, start)
	m.HearView(under.Number, fleet.View{Row: rowOf(id(1, 2, 1), fleet.Closed)}, start)
	if got := m.Row().Identity; got != row.Identity || m.State(start) != fleet.Open {
		t.Errorf("%v, %v", got, m.State(start))
	}
	if next, ok := m.Send(start); !ok || next.Number <= number {
		t.Errorf("it does not look what has come of it: %v %+v", ok, next)
	}
}

// TestAPersonsWordBeatsTheInstancesOwn (S8).
func TestAPersonsWordBeatsTheInstancesOwn(t *testing.T) {
	m := newMember()
	disabled := rowOf(id(1, 1, 1), fleet.Closed)
	disabled.Hold = fleet.Disabled
	tell(t, m, start, fleet.View{Row: disabled})
	for range 10 {
		if !call(m, start, circuit.Failure) {
			t.Fatal("a call is refused though the circuit is disabled")
		}
	}
	isolated := rowOf(id(1, 2, 1), fleet.Open)
	isolated.Hold, isolated.Remaining = fleet.Isolated, 0
	tell(t, m, start, fleet.View{Row: isolated})
	if _, ok := m.Admit(after(1000 * time.Hour)); ok {
		t.Error("a call though the circuit is isolated")
	}
}
