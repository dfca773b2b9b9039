package protocol

import (
	"slices"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

func probeOf(holder string, number uint64, result fleet.Result) fleet.Probe {
	p := fleet.Probe{Holder: holder, Number: number, Result: result}
	if result == fleet.Pending {
		p.Remaining = time.Second
	}
	return p
}

func halfOpen(probes ...fleet.Probe) fleet.Row {
	r := rowOf(id(1, 3, 1), fleet.HalfOpen)
	r.Probes = probes
	return r
}

// TestPlaces (S5): as many leases as places, one for each instance; a failed instance's
// place goes to another (L2).
func TestPlaces(t *testing.T) {
	const ok, failed, pending = fleet.Succeeded, fleet.Failed, fleet.Pending
	for _, c := range []struct {
		name   string
		row    fleet.Row
		live   int
		rested bool
		want   bool
		left   int // probes in the row then
	}{
		{"an empty row", halfOpen(), 3, true, true, 1},
		{"one place left", halfOpen(probeOf("a", 1, pending), probeOf("b", 1, pending)), 3, true, true, 3},
		{"none left", halfOpen(probeOf("a", 1, pending), probeOf("b", 1, pending), probeOf("c", 1, pending)), 4, true, false, 3},
		{"results take places", halfOpen(probeOf("a", 1, ok), probeOf("b", 1, pending), probeOf("c", 1, pending)), 4, true, false, 3},
		{"it holds one", halfOpen(probeOf("me", 1, pending)), 3, true, false, 1},
		{"it has succeeded before", halfOpen(probeOf("me", 1, ok)), 3, true, true, 2},
		{"another's failures take no place", halfOpen(probeOf("a", 1, failed), probeOf("a", 2, failed), probeOf("b", 1, pending)), 3, true, true, 4},
		{"two others' failures do", halfOpen(probeOf("a", 1, failed), probeOf("b", 1, failed), probeOf("c", 1, pending)), 4, true, false, 3},
		{"of two instances a failure takes one", halfOpen(probeOf("a", 1, failed), probeOf("a", 2, failed), probeOf("a", 3, failed)), 2, true, false, 3},
		{"its own failure, not rested", halfOpen(probeOf("me", 1, failed)), 3, false, false, 1},
		{"its own failure, rested", halfOpen(probeOf("me", 1, failed)), 3, true, true, 1},
	} {
		row := clone(c.row)
		got := grant(&row, "me", 9, testTerms, c.live, c.rested)
		if got != c.want || len(row.Probes) != c.left {
			t.Errorf("%s: %v, %+v", c.name, got, row.Probes)
		}
		mine := slices.Contains(row.Probes, fleet.Probe{Holder: "me", Number: 9, Remaining: testTerms.Lease})
		if mine != c.want {
			t.Errorf("%s: the lease is there: %v", c.name, mine)
		}
	}
}

// TestTheVerdict (S7, L3): as soon as it is certain, and not on one instance's failures.
func TestTheVerdict(t *testing.T) {
	const ok, failed = fleet.Succeeded, fleet.Failed
	lost := fleet.Probe{Number: 4, Result: fleet.Failed}
	for _, c := range []struct {
		name    string
		row     fleet.Row
		live    int
		want    fleet.State
		certain bool
	}{
		{"nothing yet", halfOpen(), 3, 0, false},
		{"one success", halfOpen(probeOf("a", 1, ok)), 3, 0, false},
		{"two successes", halfOpen(probeOf("a", 1, ok), probeOf("a", 2, ok)), 3, fleet.Closed, true},
		{"one failure", halfOpen(probeOf("a", 1, failed)), 3, 0, false},
		{"two failures of two", halfOpen(probeOf("a", 1, failed), probeOf("b", 1, failed)), 3, fleet.Open, true},
		{"two failures of one", halfOpen(probeOf("a", 1, failed), probeOf("a", 2, failed)), 3, 0, false},
		{"two failures of one, in a fleet of two", halfOpen(probeOf("a", 1, failed), probeOf("a", 2, failed)), 2, fleet.Open, true},
		{"a failure and a lost one", halfOpen(probeOf("a", 1, failed), lost), 3, fleet.Open, true},
		{"pending ones", halfOpen(probeOf("a", 1, fleet.Pending), probeOf("b", 1, failed), probeOf("c", 1, ok)), 3, 0, false},
	} {
		if got, certain := verdict(&c.row, testTerms, c.live); got != c.want || certain != c.certain {
			t.Errorf("%s: %v %v", c.name, got, certain)
		}
	}
}

func TestFailers(t *testing.T) {
	row := halfOpen(
		probeOf("a", 1, fleet.Failed), probeOf("a", 2, fleet.Failed), probeOf("b", 1, fleet.Succeeded),
		probeOf("c", 1, fleet.Pending), fleet.Probe{Number: 1, Result: fleet.Failed}, fleet.Probe{Number: 2, Result: fleet.Failed},
	)
	if got := failers(&row); got != 3 {
		t.Errorf("%d: one named, two lost", got)
	}
}

// TestLostLeases are given back at first, and count as failed later (L2).
func TestLostLeases(t *testing.T) {
	m := newMember()
	row := halfOpen()
	for n := uint64(1); n <= 5; n++ {
		p := probeOf("gone", n, fleet.Pending)
		p.Remaining = 0
		row.Probes = append(row.Probes, p, probeOf("a", n, fleet.Pending))
		if !m.expireLeases(&row, start) {
			t.Fatal("nothing is over")
		}
		row.Probes = slices.DeleteFunc(row.Probes, func(p fleet.Probe) bool { return p.Holder == "a" })
		want := max(0, int(n)-testTerms.Probes)
		if row.Lost != int(n) || len(row.Probes) != want || countOf(&row, fleet.Failed) != want {
			t.Errorf("after %d: %d lost, %+v", n, row.Lost, row.Probes)
		}
	}
	row = halfOpen(probeOf("a", 1, fleet.Pending))
	if m.expireLeases(&row, start) || len(row.Probes) != 1 {
		t.Errorf("one that runs is over: %+v", row)
	}
}

// TestALeaseIsOverByTheMembersClockToo (S10): a storage whose clock was put back does not
// make it longer.
func TestALeaseIsOverByTheMembersClockToo(t *testing.T) {
	m := newMember()
	row := halfOpen(probeOf("a", 1, fleet.Pending)) // for a second
	tell(t, m, start, fleet.View{Row: row, Live: 3})
	content(t, m)
	tell(t, m, after(900*time.Millisecond), fleet.View{Row: row, Live: 3})
	content(t, m)
	tell(t, m, after(time.Second), fleet.View{Row: row, Live: 3})
	if got := wish(t, m, after(time.Second)).Row; len(got.Probes) != 0 || got.Lost != 1 {
		t.Errorf("%+v", got)
	}
}

// TestAResultNeedsItsLease (S6).
func TestAResultNeedsItsLease(t *testing.T) {
	for _, c := range []struct {
		holder string
		number uint64
		result fleet.Result
		want   bool
	}{
		{"me", 1, fleet.Pending, true},
		{"me", 2, fleet.Pending, false},
		{"a", 1, fleet.Pending, false},
		{"me", 1, fleet.Failed, false},
	} {
		row := halfOpen(probeOf(c.holder, c.number, c.result))
		if got := settle(&row, "me", 1, fleet.Succeeded); got != c.want || got != (row.Probes[0].Result == fleet.Succeeded) {
			t.Errorf("%+v: %v, %+v", c, got, row.Probes)
		}
	}
}

// leased brings a member to hold a lease, at the start, in a row that nobody else uses.
func leased(t *testing.T) (*Member, fleet.Row) {
	t.Helper()
	m := newMember()
	row := halfOpen()
	tell(t, m, start, fleet.View{Row: row, Live: 3})
	if call(m, start, circuit.Success) {
		t.Fatal("a call without a lease")
	}
	tell(t, m, start, fleet.View{Row: row, Live: 3})
	change := wish(t, m, start)
	row = change.Row
	m.HearRow(change.Number, row, start)
	if !m.Leased() || len(row.Probes) != 1 {
		t.Fatalf("no lease: %+v", row)
	}
	return m, row
}

func later(r fleet.Row, d time.Duration) fleet.View {
	r = clone(r)
	for i := range r.Probes {
		r.Probes[i].Remaining -= d
	}
	return fleet.View{Row: r, Live: 3}
}

// TestALeaseMakesOneCall (S5), whose result goes into the row.
func TestALeaseMakesOneCall(t *testing.T) {
	for outcome, want := range map[circuit.Outcome]fleet.Result{circuit.Success: fleet.Succeeded, circuit.Failure: fleet.Failed} {
		m, row := leased(t)
		ticket, ok := m.Admit(after(time.Second))
		if !ok || ticket.Lease != row.Probes[0].Number {
			t.Fatalf("%+v %v", ticket, ok)
		}
		if _, ok := m.Admit(after(time.Second)); ok {
			t.Error("a second call")
		}
		m.Done(ticket, outcome, after(2*time.Second))
		tell(t, m, after(2*time.Second), later(row, 2*time.Second))
		got := wish(t, m, after(2*time.Second))
		if got.From != row.Identity || got.Row.Probes[0].Result != want {
			t.Errorf("%+v", got)
		}
	}
}

// TestAProbeThatEndsAfterItsLeaseDecidesNothing (S6), and counts as lost.
func TestAProbeThatEndsAfterItsLeaseDecidesNothing(t *testing.T) {
	m, row := leased(t)
	ticket, ok := m.Admit(after(time.Second))
	if !ok {
		t.Fatal("refused")
	}
	// It runs, and so is not given back.
	tell(t, m, after(7900*time.Millisecond), later(row, 7900*time.Millisecond))
	content(t, m)
	m.Done(ticket, circuit.Success, after(testTerms.Lease))
	tell(t, m, after(testTerms.Lease), later(row, testTerms.Lease))
	if got := wish(t, m, after(testTerms.Lease)).Row; len(got.Probes) != 0 || got.Lost != 1 {
		t.Errorf("%+v", got)
	}
}

// TestALeaseThatNoCallUsesIsGivenBack, in time and not before, and is not used from then
// on (S5); nobody counts it as lost.
func TestALeaseThatNoCallUsesIsGivenBack(t *testing.T) {
	for _, ignored := range []bool{false, true} {
		m, row := leased(t)
		if ignored { // a call whose outcome says nothing has used it
			call(m, after(time.Second), circuit.Ignored)
		}
		at := m.returns()
		early := at.Add(-time.Millisecond)
		tell(t, m, early, later(row, early.Sub(start)))
		content(t, m)
		if wake := m.Wake(); wake.After(at) {
			t.Errorf("it wakes %v late", wake.Sub(at))
		}
		message, ok := m.Send(at)
		if !ok {
			t.Fatal("it does not ask")
		}
		m.HearView(message.Number, later(row, at.Sub(start)), at)
		if call(m, at, circuit.Success) {
			t.Error("a call by a lease that is given back")
		}
		change := wish(t, m, at)
		if got := change.Row; len(got.Probes) != 0 || got.Lost != 0 || got.Epoch != row.Epoch {
			t.Errorf("%+v", got)
		}
		// Lost on the way, it is asked for again.
		m.Failed(change.Number, at)
		tell(t, m, at.Add(time.Second), later(row, at.Add(time.Second).Sub(start)))
		change = wish(t, m, at.Add(time.Second))
		m.HearRow(change.Number, change.Row, at.Add(time.Second))
		// And the next call may ask for another.
		if m.Admit(at.Add(time.Second)); !m.Wished() {
			t.Error("no further probe")
		}
	}
}

// TestAQuietFleetStaysHalfOpen (L2): its instances call so seldom that no lease is ever
// used, and none of them is lost: without a failure it does not open again.
func TestAQuietFleetStaysHalfOpen(t *testing.T) {
	m := newMember()
	row, deadline := halfOpen(), start
	for now := start; now.Before(after(10 * time.Minute)); now = now.Add(100 * time.Millisecond) {
		if now.Sub(start)%(20*time.Second) == 0 {
			m.Admit(now) // refused: it only asks
		}
		for message, ok := m.Send(now); ok; message, ok = m.Send(now) {
			if message.Change && message.From == row.Identity {
				for _, p := range message.Row.Probes {
					if !slices.ContainsFunc(row.Probes, func(q fleet.Probe) bool { return q.Number == p.Number }) {
						deadline = now.Add(p.Remaining)
					}
				}
				row = message.Row
			}
			r := clone(row)
			for i := range r.Probes {
				r.Probes[i].Remaining = deadline.Sub(now)
			}
			if message.Change {
				m.HearRow(message.Number, r, now)
			} else {
				m.HearView(message.Number, fleet.View{Row: r, Live: 3}, now)
			}
		}
	}
	if row.State != fleet.HalfOpen || row.Lost != 0 || m.probe.number < 25 {
		t.Errorf("after %d leases: %+v", m.probe.number, row)
	}
}

// TestTheDeadlineIsWaitedFor (S2, S8): and then the first with a call asks to probe.
func TestTheDeadlineIsWaitedFor(t *testing.T) {
	held := rowOf(id(1, 2, 1), fleet.Open)
	held.Hold = fleet.Isolated
	forTime := rowOf(id(1, 2, 1), fleet.Open)
	forTime.Hold = fleet.HeldOpen
	for _, c := range []struct {
		name string
		row  fleet.Row
		why  fleet.Reason
		ends bool
	}{
		{"a cooldown", rowOf(id(1, 2, 1), fleet.Open), fleet.CooldownOver, true},
		{"a person's, for a time", forTime, fleet.HoldOver, true},
		{"a person's, until released", held, 0, false},
	} {
		m := newMember()
		tell(t, m, start, fleet.View{Row: c.row, Live: 3})
		if call(m, after(9*time.Second), circuit.Success) {
			t.Errorf("%s: a call before the deadline", c.name)
		}
		over := clone(c.row)
		over.Remaining = 0
		call(m, after(10*time.Second), circuit.Success)
		tell(t, m, after(10*time.Second), fleet.View{Row: over, Live: 3})
		if !c.ends {
			content(t, m)
			continue
		}
		got := wish(t, m, after(10*time.Second)).Row
		if got.State != fleet.HalfOpen || got.Reason != c.why || got.Epoch != 3 || len(got.Probes) != 1 || got.Probes[0].Holder != "me" {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestAMemberWakesToGiveItsLeaseBack, however seldom it asks otherwise: when a call by it
// was ignored, and when it has learnt of the lease by asking, as the answer was lost.
func TestAMemberWakesToGiveItsLeaseBack(t *testing.T) {
	m, row := leased(t)
	m.settings.Poll = time.Hour
	ticket, ok := m.Admit(after(time.Second))
	tell(t, m, after(time.Second), later(row, time.Second))
	m.Done(ticket, circuit.Ignored, after(2*time.Second))
	if wake := m.Wake(); !ok || wake.After(m.returns()) {
		t.Errorf("ignored: it wakes %v late", wake.Sub(m.returns()))
	}

	m = newMember()
	m.settings.Poll = time.Hour
	tell(t, m, start, fleet.View{Row: halfOpen(), Live: 3})
	call(m, start, circuit.Success)
	tell(t, m, start, fleet.View{Row: halfOpen(), Live: 3})
	change := wish(t, m, start)
	m.Failed(change.Number, after(time.Second))
	tell(t, m, after(time.Second), later(change.Row, time.Second))
	if wake := m.Wake(); !m.Leased() || wake.After(m.returns()) {
		t.Errorf("learnt late: leased %v, it wakes %v late", m.Leased(), wake.Sub(m.returns()))
	}
}
