package protocol

import (
	"slices"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// TestWhichRowIsAdopted (S3, S11): an answer to a later request tells the truth, also that
// something was lost; one to an earlier request only what is newer.
func TestWhichRowIsAdopted(t *testing.T) {
	for _, c := range []struct {
		name          string
		has, hears    fleet.Identity
		earlierNumber bool
		adopts        bool
	}{
		{"the next epoch", id(1, 2, 1), id(1, 3, 1), false, true},
		{"the same again", id(1, 2, 1), id(1, 2, 1), false, true},
		{"another version in the epoch", id(1, 2, 1), id(1, 2, 2), false, true},
		{"a lower epoch: a loss", id(1, 5, 1), id(1, 2, 1), false, true},
		{"another incarnation", id(1, 5, 1), id(2, 1, 1), false, true},
		{"a lower incarnation", id(2, 5, 1), id(1, 1, 1), false, true},
		{"no row any more", id(1, 5, 1), id(0, 0, 0), false, true},
		{"late, a lower epoch", id(1, 5, 1), id(1, 2, 1), true, false},
		{"late, the same epoch", id(1, 5, 1), id(1, 5, 2), true, false},
		{"late, another incarnation", id(1, 5, 1), id(2, 6, 1), true, false},
		{"late, and yet newer", id(1, 5, 1), id(1, 6, 1), true, true},
	} {
		m := newMember()
		m.adopt(rowOf(c.has, fleet.Closed), 10, start)
		number := uint64(11)
		if c.earlierNumber {
			number = 9
		}
		m.adopt(rowOf(c.hears, fleet.Closed), number, start)
		if got := m.Row().Identity; (got == c.hears) != c.adopts {
			t.Errorf("%s: it has %v", c.name, got)
		}
	}
}

// TestAStaleAnswerIsDropped (S3): to a request that was given up, or was answered.
func TestAStaleAnswerIsDropped(t *testing.T) {
	m := newMember()
	first := ask(t, m, start)
	m.Failed(first.Number, start)
	second := ask(t, m, start)
	m.HearView(first.Number, fleet.View{Row: rowOf(id(1, 9, 1), fleet.Open)}, start)
	if m.Row().Epoch != 0 || !m.link.waiting {
		t.Fatalf("it heard the answer to what it had given up: %+v", m.Row())
	}
	m.HearView(second.Number, fleet.View{Row: rowOf(id(1, 2, 1), fleet.Closed)}, start)
	for _, number := range []uint64{first.Number, second.Number, second.Number + 1} {
		m.HearRow(number, rowOf(id(1, 9, 1), fleet.Open), start)
		m.HearView(number, fleet.View{Row: rowOf(id(1, 9, 1), fleet.Open)}, start)
		m.Failed(number, start)
	}
	if got := m.Row().Epoch; got != 2 || !m.link.up {
		t.Errorf("epoch %d, up %v", got, m.link.up)
	}
}

// TestAnAdoptedOpenIsWaitedForFromItsReceipt (S4, S10), also by whoever loses the storage.
func TestAnAdoptedOpenIsWaitedForFromItsReceipt(t *testing.T) {
	for _, cut := range []bool{false, true} {
		m := newMember()
		message := ask(t, m, start)
		receipt := after(300 * time.Millisecond)
		m.HearView(message.Number, fleet.View{Row: rowOf(id(1, 1, 1), fleet.Open)}, receipt) // for 10 s
		if cut {
			lost := ask(t, m, after(time.Second))
			m.Failed(lost.Number, after(2*time.Second))
		}
		for now := receipt; now.Before(receipt.Add(10 * time.Second)); now = now.Add(100 * time.Millisecond) {
			if _, ok := m.Admit(now); ok || m.State(now) != fleet.Open {
				t.Fatalf("cut %v: a call %v before the deadline", cut, receipt.Add(10*time.Second).Sub(now))
			}
		}
		over := receipt.Add(10 * time.Second)
		if _, ok := m.Admit(over); ok != cut || m.State(over) != fleet.HalfOpen {
			t.Errorf("cut %v: at the deadline it is %v, and lets a call through: %v", cut, m.State(over), ok)
		}
	}
}

// TestANewerIdentityEndsAnOpen before its deadline (S4).
func TestANewerIdentityEndsAnOpen(t *testing.T) {
	m := newMember()
	tell(t, m, start, fleet.View{Row: rowOf(id(1, 1, 1), fleet.Open)})
	tell(t, m, after(time.Second), fleet.View{Row: rowOf(id(1, 2, 1), fleet.Closed)})
	if !call(m, after(time.Second), circuit.Success) {
		t.Error("refused")
	}
}

// TestAFleetClosedClearsALocalOpen that came before it, and no later one.
func TestAFleetClosedClearsALocalOpen(t *testing.T) {
	m := newMember()
	tell(t, m, start, fleet.View{Row: rowOf(id(1, 1, 1), fleet.Closed), Live: 5})
	trips(m, start)
	tell(t, m, start, fleet.View{Row: rowOf(id(1, 1, 2), fleet.Closed), Live: 5})
	if m.State(start) != fleet.Open {
		t.Error("the same epoch clears it")
	}
	tell(t, m, start, fleet.View{Row: rowOf(id(1, 2, 1), fleet.Closed), Live: 5})
	if m.State(start) != fleet.Closed || m.trip.open {
		t.Errorf("a new epoch: %v, still a suspicion: %v", m.State(start), m.trip.open)
	}
}

// TestATripOutlivesALoss (S11): that a row was lost or forgotten is no decision.
func TestATripOutlivesALoss(t *testing.T) {
	m := newMember()
	tell(t, m, start, fleet.View{Row: rowOf(id(1, 4, 1), fleet.Closed), Live: 5})
	trips(m, start)
	tell(t, m, start, fleet.View{Row: fleet.Row{}, Live: 5})
	message := ask(t, m, start)
	if m.State(start) != fleet.Open || message.Report.Suspicion == 0 || message.Report.About != (fleet.Identity{}) {
		t.Errorf("%v, %+v", m.State(start), message.Report)
	}
}

// TestANewEpochEndsWhatWasSaid (S3).
func TestANewEpochEndsWhatWasSaid(t *testing.T) {
	m := newMember()
	call(m, start, circuit.Success)
	v := fleet.View{Row: rowOf(id(1, 1, 1), fleet.Closed), Live: 5}
	v.Reports = []fleet.Report{suspect, active("me"), active("a"), active("b")}
	for i := range v.Reports {
		v.Reports[i].About = v.Row.Identity
	}
	tell(t, m, start, v)
	call(m, start, circuit.Failure)
	if r := ask(t, m, start).Report; r.Testimony.About != aboutSuspect || r.Testimony.Calls != 1 || r.Testimony.Sum <= 0 {
		t.Fatalf("it does not testify: %+v", r)
	}
	m.HearView(m.link.sent, fleet.View{Row: rowOf(id(1, 2, 1), fleet.Closed)}, start)
	if r := ask(t, m, start).Report; r.Testimony != (fleet.Testimony{}) || r.About != id(1, 2, 1) {
		t.Errorf("%+v", r)
	}
}

// TestWhoTestifies (S7): who has used the circuit before, and is closed.
func TestWhoTestifies(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(m *Member)
		want    bool
	}{
		{"an active one", func(m *Member) { call(m, start, circuit.Success) }, true},
		{"one that was active long ago", func(m *Member) { call(m, after(-lately-time.Second), circuit.Success) }, false},
		{"one that was never", func(*Member) {}, false},
		{"one that has tripped", func(m *Member) { trips(m, start) }, false},
	} {
		m := newMember()
		tell(t, m, after(-time.Minute), fleet.View{Live: 5})
		c.prepare(m)
		s := suspect
		v := fleet.View{Reports: []fleet.Report{s}, Live: 5}
		tell(t, m, start, v)
		if got := m.witness.About == aboutSuspect; got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestTheFleetOpensOnEvidence (S7), for a cooldown, and not over a person's hold (S8).
func TestTheFleetOpensOnEvidence(t *testing.T) {
	enough := []fleet.Report{suspect, witness("a", 100), witness("b", 100), witness("c", 100)}
	young := func() *Member {
		m := newMember()
		m.born = start
		return m
	}
	held := rowOf(fleet.Identity{}, fleet.Closed)
	held.Hold = fleet.Disabled
	for _, c := range []struct {
		name   string
		member *Member
		view   fleet.View
		opens  bool
	}{
		{"three witnesses", newMember(), fleet.View{Reports: enough, Live: 4}, true},
		{"one witness of four", newMember(), fleet.View{Reports: []fleet.Report{suspect, witness("a", 100), active("b"), active("c")}, Live: 4}, false},
		{"a fleet of two", newMember(), fleet.View{Reports: []fleet.Report{suspect}, Live: 2}, true},
		{"a fleet of two, to one who just came", young(), fleet.View{Reports: []fleet.Report{suspect}, Live: 2}, false},
		{"a person's hold", newMember(), fleet.View{Row: held, Reports: enough, Live: 4}, false},
	} {
		m := c.member
		tell(t, m, start, c.view)
		if !c.opens {
			content(t, m)
			continue
		}
		got := wish(t, m, start)
		if got.From != c.view.Row.Identity || got.Row.State != fleet.Open || got.Row.Reason != fleet.Testified ||
			got.Row.Remaining != testTerms.Cooldown || got.Row.Epoch != 1 || got.Row.Nonce == 0 || got.Row.By != "me" {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestARefutedSuspicionIsDismissed by whoever sees it, until the suspect has heard (S7).
func TestARefutedSuspicionIsDismissed(t *testing.T) {
	m := newMember()
	v := fleet.View{Reports: []fleet.Report{suspect, witness("a", -100), witness("b", -100), active("c")}, Live: 4}
	tell(t, m, start, v)
	if got := ask(t, m, start).Report.Dismissed; !slices.Equal(got, []fleet.Accusation{aboutSuspect}) {
		t.Fatalf("%v", got)
	}
	v.Reports[0].Suspicion = 0
	m.HearView(m.link.sent, v, start)
	if got := ask(t, m, start).Report.Dismissed; len(got) != 0 {
		t.Errorf("it repeats what the suspect has heard: %v", got)
	}
}

// TestASuspectHearsThatItIsDismissed, and stays open alone.
func TestASuspectHearsThatItIsDismissed(t *testing.T) {
	m := newMember()
	tell(t, m, start, fleet.View{Live: 4})
	trips(m, start)
	me := fleet.Accusation{Suspect: "me", Number: m.trip.number}
	dismisses := active("a")
	dismisses.Dismissed = []fleet.Accusation{me}
	tell(t, m, start, fleet.View{Reports: []fleet.Report{dismisses, active("b")}, Live: 4})
	if r := ask(t, m, start).Report; r.Suspicion != 0 || !r.Refuses || m.State(start) != fleet.Open {
		t.Errorf("%+v, %v", r, m.State(start))
	}
}
