package protocol

import (
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// TestWhoComesBackFirstDoesNotOpenTheFleet: after a storage was away for long, nobody is
// heard of yet, and a sick instance asks first and often.
func TestWhoComesBackFirstDoesNotOpenTheFleet(t *testing.T) {
	m := newMember()
	closed := rowOf(id(1, 1, 1), fleet.Closed)
	tell(t, m, after(0), fleet.View{Row: closed, Live: 10})
	back := 15 * time.Second
	for range 4 {
		ticket, ok := m.Admit(after(back))
		if !ok {
			t.Fatal("refused")
		}
		m.Done(ticket, circuit.Failure, after(back))
	}
	alone := func(now time.Duration) bool {
		t.Helper()
		message, ok := m.Send(after(now))
		for ok && message.Change {
			t.Fatalf("it wants %+v", message.Row)
		}
		if !ok {
			message = ask(t, m, after(now))
		}
		message.Report.Order = 1
		m.HearView(message.Number, fleet.View{Row: closed, Live: 1, Reports: []fleet.Report{message.Report}}, after(now))
		return m.link.proposal != nil
	}
	m.Return(after(back))
	for _, d := range []time.Duration{0, time.Second, 5 * time.Second, 9 * time.Second} {
		if alone(back + d) {
			t.Fatalf("it opens the fleet %v after the storage is back", d)
		}
	}
	if !alone(back + startUp) {
		t.Error("it does not open a fleet in which nobody else is")
	}
}

// TestAClockPutForwardMakesNobodyAlone (S7, S10): to the storage all have fallen silent but
// the one who asks first.
func TestAClockPutForwardMakesNobodyAlone(t *testing.T) {
	for _, c := range []struct {
		name string
		live int // before
		want bool
	}{
		{"there were others", 6, false},
		{"there was one other", 2, true},
	} {
		m := newMember()
		closed := rowOf(id(1, 1, 1), fleet.Closed)
		tell(t, m, start, fleet.View{Row: closed, Live: c.live})
		trips(m, after(time.Second))
		message := ask(t, m, after(time.Second))
		message.Report.Order = 1
		m.HearView(message.Number, fleet.View{Row: closed, Live: 1, Reports: []fleet.Report{message.Report}}, after(time.Second))
		if opens := m.link.proposal != nil; opens != c.want {
			t.Errorf("%s: it opens the fleet: %v", c.name, opens)
		}
	}
}
