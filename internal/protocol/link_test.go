package protocol

import (
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

func TestOneRequestIsUnderWayAtATime(t *testing.T) {
	m := newMember()
	message := ask(t, m, start)
	for d := range 10 {
		m.Hint(after(time.Duration(d) * time.Second))
		if again, ok := m.Send(after(time.Duration(d) * time.Second)); ok {
			t.Fatalf("%+v is sent while %d is under way", again, message.Number)
		}
	}
	m.HearView(message.Number, fleet.View{}, after(10*time.Second))
	next, ok := m.Send(after(10 * time.Second))
	if !ok || next.Number != message.Number+1 || next.Report.Number != message.Report.Number+1 {
		t.Errorf("%v, %+v", ok, next)
	}
}

// TestRequestsThatFailAreAskedAgainLaterAndLater (L1, L5), up to some seconds.
func TestRequestsThatFailAreAskedAgainLaterAndLater(t *testing.T) {
	m := newMember()
	now := start
	want := 100 * time.Millisecond
	for try := range 12 {
		message, ok := m.Send(now)
		if !ok {
			t.Fatalf("try %d: nothing is due", try)
		}
		m.Failed(message.Number, now)
		wait := m.Wake().Sub(now)
		if wait < want*8/10 || wait > want*12/10 {
			t.Errorf("try %d: it waits %v, want about %v", try, wait, want)
		}
		if _, ok := m.Send(now.Add(wait - 1)); ok {
			t.Errorf("try %d: it does not wait", try)
		}
		now = now.Add(wait)
		want = min(2*want, 3200*time.Millisecond)
	}
	message, _ := m.Send(now)
	m.HearView(message.Number, fleet.View{}, now)
	message = ask(t, m, now)
	m.Failed(message.Number, now)
	if wait := m.Wake().Sub(now); wait > 120*time.Millisecond {
		t.Errorf("after an answer it waits %v", wait)
	}
}

// TestAChangeThatFailsIsAskedForLaterAndLater, though the exchanges in between are
// answered; until there is a new episode.
func TestAChangeThatFailsIsAskedForLaterAndLater(t *testing.T) {
	m := newMember()
	v := fleet.View{Reports: []fleet.Report{suspect}, Live: 2} // which opens a fleet of two
	now := start
	want := 100 * time.Millisecond
	for try := range 8 {
		message, ok := m.Send(now)
		if !ok || message.Change {
			t.Fatalf("try %d: %v %+v", try, ok, message)
		}
		m.HearView(message.Number, v, now)
		change := wish(t, m, now)
		m.Failed(change.Number, now)
		wait := m.Wake().Sub(now)
		if wait < want*8/10 || wait > want*12/10 {
			t.Errorf("try %d: it waits %v, want about %v", try, wait, want)
		}
		now = now.Add(wait)
		want = min(2*want, 3200*time.Millisecond)
	}
	tell(t, m, now, fleet.View{Row: rowOf(id(1, 1, 1), fleet.Closed), Live: 2})
	tell(t, m, now, fleet.View{Row: rowOf(id(1, 1, 1), fleet.Closed), Live: 2})
	message := ask(t, m, now)
	m.Failed(message.Number, now)
	if wait := m.Wake().Sub(now); wait > 120*time.Millisecond {
		t.Errorf("in a new episode it waits %v", wait)
	}
}

// TestThePaceOfPolling: seldom while nothing goes on.
func TestThePaceOfPolling(t *testing.T) {
	for _, c := range []struct {
		name string
		row  fleet.Row
		trip bool
		want time.Duration
	}{
		{"nothing goes on", rowOf(id(1, 1, 1), fleet.Closed), false, time.Minute},
		{"it is a suspect", rowOf(id(1, 1, 1), fleet.Closed), true, 2 * time.Second},
		{"open", rowOf(id(1, 1, 1), fleet.Open), false, 2 * time.Second},
		{"half-open", rowOf(id(1, 1, 1), fleet.HalfOpen), false, 2 * time.Second},
	} {
		m := newMember()
		tell(t, m, start, fleet.View{Row: c.row, Live: 5})
		if c.trip {
			trips(m, start)
		}
		shortest, longest := time.Hour, time.Duration(0)
		for range 200 {
			tell(t, m, start, fleet.View{Row: c.row, Live: 5})
			wait := m.Wake().Sub(start)
			shortest, longest = min(shortest, wait), max(longest, wait)
		}
		// Spread over a fifth to each side, and over most of that (L5).
		if shortest < c.want*8/10 || longest > c.want*12/10 || longest-shortest < c.want*3/10 {
			t.Errorf("%s: it waits %v to %v, want about %v", c.name, shortest, longest, c.want)
		}
	}
}

// TestWhatAReportSays of the window and the settings.
func TestWhatAReportSays(t *testing.T) {
	m := newMember()
	want := fleet.Settings{Failures: 2, Window: 4, Successes: 2, Probes: 3, Cooldown: 30 * time.Second}
	if r := tell(t, m, start, fleet.View{}).Report; r.Failures != 0 || r.Outcomes != 0 || r.Settings != want || r.Active {
		t.Errorf("at first: %+v", r)
	}
	call(m, start, circuit.Success)
	call(m, start, circuit.Failure)
	if r := tell(t, m, start, fleet.View{}).Report; r.Failures != 1 || r.Outcomes != 2 || !r.Active {
		t.Errorf("after two calls: %+v", r)
	}
	trips(m, start)
	if r := tell(t, m, start, fleet.View{Live: 5}).Report; r.Failures != 3 || r.Outcomes != 4 || !r.Refuses || r.Suspicion != 1 {
		t.Errorf("tripped: %+v", r)
	}
}

// TestUnmarkReportsOtherFailures soon, and only if there are.
func TestUnmarkReportsOtherFailures(t *testing.T) {
	m := newMember()
	tell(t, m, start, fleet.View{})
	record := func(failed bool) { m.Local().Record(m.Local().Epoch(), failed, start) }
	idle := m.Wake()
	record(false)
	m.Unmark(start)
	if m.Wake() != idle {
		t.Error("a success hurries it")
	}
	record(true)
	m.Unmark(start)
	due := m.Wake()
	if due.Before(start) || due.After(start.Add(ReportSpread)) {
		t.Errorf("a failure is reported in %v", due.Sub(start))
	}
	if r := tell(t, m, due, fleet.View{}).Report; r.Failures != 1 || r.Outcomes != 2 {
		t.Errorf("%+v", r)
	}
	idle = m.Wake()
	m.Unmark(due)
	if m.Wake() != idle {
		t.Error("what was said hurries it")
	}
}

// TestUnmarkReportsUse: that the first call was made, and that none was for a while.
func TestUnmarkReportsUse(t *testing.T) {
	m := newMember()
	tell(t, m, start, fleet.View{})
	m.Done(Ticket{Epoch: m.Local().Epoch()}, circuit.Success, start)
	for _, c := range []struct {
		at     time.Duration
		active bool
	}{{time.Second, true}, {lately + time.Second, false}} {
		now := after(c.at)
		m.Unmark(now)
		if due := m.Wake(); due.After(now.Add(ReportSpread)) {
			t.Errorf("after %v: reported in %v", c.at, due.Sub(now))
		}
		if r := tell(t, m, now, fleet.View{}).Report; r.Active != c.active {
			t.Errorf("after %v: %+v", c.at, r)
		}
		idle := m.Wake()
		m.Unmark(now)
		if m.Wake() != idle {
			t.Errorf("after %v: what was said hurries it", c.at)
		}
	}
}

// TestASuspicionEndsByTime, and one that has ended does not start again (S7).
func TestASuspicionEndsByTime(t *testing.T) {
	m := newMember()
	tell(t, m, start, fleet.View{Live: 5})
	trips(m, start)
	if r := tell(t, m, start, fleet.View{Live: 5}).Report; r.Suspicion != 1 {
		t.Fatalf("%+v", r)
	}
	over := start.Add(suspicionLasts * testTerms.Cooldown)
	if r := tell(t, m, over.Add(-1), fleet.View{Live: 5}).Report; r.Suspicion != 1 {
		t.Errorf("too early: %+v", r)
	}
	if r := tell(t, m, over, fleet.View{Live: 5}).Report; r.Suspicion != 0 {
		t.Errorf("too late: %+v", r)
	}
}

// TestWhatWasLearntIsLookedAtAgainSoon: it was asked for while nothing went on, when it is
// enough to ask every few minutes. Should what goes on end before anybody says so, nobody
// would hint at it (L1).
func TestWhatWasLearntIsLookedAtAgainSoon(t *testing.T) {
	isolated := rowOf(id(1, 2, 2), fleet.Open)
	isolated.Hold = fleet.Isolated
	for _, row := range []fleet.Row{isolated, rowOf(id(1, 2, 2), fleet.Open), rowOf(id(1, 2, 2), fleet.HalfOpen)} {
		m := newMember()
		tell(t, m, after(0), fleet.View{Row: rowOf(id(1, 1, 1), fleet.Closed), Live: 3})
		tell(t, m, after(time.Minute), fleet.View{Row: row, Live: 3})
		if wait := m.Wake().Sub(after(time.Minute)); wait > 2400*time.Millisecond {
			t.Errorf("it asks again about %+v after %v", row, wait)
		}
	}
}
