package protocol

import (
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

var otherTerms = circuit.Settings{
	Failures: 1, Window: 2, Successes: 1, Probes: 1,
	Cooldown: 5 * time.Second, Lease: 3 * time.Second,
}

// TestNewSettingsAreReportedSoon though nothing else has happened.
func TestNewSettingsAreReportedSoon(t *testing.T) {
	m := newMember()
	tell(t, m, start, fleet.View{Row: rowOf(id(1, 1, 1), fleet.Closed), Live: 3})
	m.Configure(otherTerms, after(time.Second))
	if wake := m.Wake(); wake.After(after(time.Second + ReportSpread)) {
		t.Fatalf("it reports %v later", wake.Sub(after(time.Second)))
	}
	message, ok := m.Send(m.Wake())
	want := fleet.Settings{Failures: 1, Window: 2, Successes: 1, Probes: 1, Cooldown: 5 * time.Second}
	if !ok || message.Report.Settings != want {
		t.Errorf("sent %v: %+v", ok, message.Report.Settings)
	}
}

// TestNewSettingsAreTheTermsOfTheFleetsProbes: results that are in the row already are
// judged by them, and leases granted by them.
func TestNewSettingsAreTheTermsOfTheFleetsProbes(t *testing.T) {
	m := newMember()
	row := halfOpen(probeOf("a", 1, fleet.Succeeded))
	tell(t, m, start, fleet.View{Row: row, Live: 3})
	content(t, m)
	m.Configure(otherTerms, after(time.Second))
	tell(t, m, after(time.Second), fleet.View{Row: row, Live: 3})
	if got := wish(t, m, after(time.Second)).Row; got.State != fleet.Closed || got.Reason != fleet.ProbesSucceeded {
		t.Errorf("it wants %+v", got)
	}

	m = newMember()
	row = halfOpen()
	tell(t, m, start, fleet.View{Row: row, Live: 3})
	m.Configure(otherTerms, after(time.Second))
	if call(m, after(time.Second), circuit.Success) {
		t.Fatal("a call went through without a lease")
	}
	tell(t, m, after(2*time.Second), fleet.View{Row: row, Live: 3})
	if got := wish(t, m, after(2*time.Second)).Row.Probes; len(got) != 1 || got[0].Remaining != otherTerms.Lease {
		t.Errorf("it wants %+v", got)
	}
}

// TestTheFleetOpensForTheNewCooldown, on a trip by the new failure limit.
func TestTheFleetOpensForTheNewCooldown(t *testing.T) {
	m := newMember()
	closed := rowOf(id(1, 1, 1), fleet.Closed)
	tell(t, m, start, fleet.View{Row: closed, Live: 1})
	m.Configure(otherTerms, start)
	if got := opened(t, m, closed, otherTerms.Window, 0).Remaining; got != otherTerms.Cooldown {
		t.Errorf("for %v", got)
	}
}

// TestWhoOpensTheFleetHeedsWhatItWasAskedFor, as its own circuit does.
func TestWhoOpensTheFleetHeedsWhatItWasAskedFor(t *testing.T) {
	m := newMember()
	closed := rowOf(id(1, 1, 1), fleet.Closed)
	tell(t, m, start, fleet.View{Row: closed, Live: 1})
	if got := opened(t, m, closed, testTerms.Window, 70*time.Second).Remaining; got != 70*time.Second {
		t.Errorf("for %v", got)
	}
	if got := m.Local().Until(); !got.Equal(after(70 * time.Second)) {
		t.Errorf("its own until %v", got)
	}
}

// opened makes a member that is alone trip, and gives the row that it wants.
func opened(t *testing.T, m *Member, from fleet.Row, calls int, asked time.Duration) fleet.Row {
	t.Helper()
	for range calls {
		ticket, ok := m.Admit(start)
		if !ok {
			t.Fatal("refused")
		}
		m.PutOff(ticket, asked, start)
		m.Done(ticket, circuit.Failure, start)
	}
	message := ask(t, m, start)
	message.Report.Order = 1
	m.HearView(message.Number, fleet.View{Row: from, Live: 1, Reports: []fleet.Report{message.Report}}, start)
	return wish(t, m, start).Row
}

// TestAFailedProbeOfTheFleetAsks, if it comes while its lease runs (S6).
func TestAFailedProbeOfTheFleetAsks(t *testing.T) {
	for _, c := range []struct {
		comes, asked, want time.Duration
	}{
		{time.Second, 70 * time.Second, 70 * time.Second},
		{time.Second, time.Second, testTerms.Cooldown},
		{time.Minute, 70 * time.Second, 0},
	} {
		m := newMember()
		row := halfOpen(probeOf("a", 1, fleet.Failed))
		tell(t, m, start, fleet.View{Row: row, Live: 2})
		m.Admit(start)
		tell(t, m, start, fleet.View{Row: row, Live: 2})
		change := wish(t, m, start)
		granted := change.Row
		m.HearRow(change.Number, granted, start)
		ticket, ok := m.Admit(start)
		if !ok || ticket.Lease == 0 {
			t.Fatal("no lease")
		}
		m.PutOff(ticket, c.asked, after(c.comes))
		m.Done(ticket, circuit.Failure, after(c.comes))
		if c.want == 0 {
			if got := m.Local().Cooldown(after(c.comes)); got != testTerms.Cooldown {
				t.Errorf("a late one asked for %v", got)
			}
			continue
		}
		tell(t, m, after(c.comes), fleet.View{Row: granted, Live: 2})
		if got := wish(t, m, after(c.comes)).Row; got.State != fleet.Open || got.Remaining != c.want {
			t.Errorf("asked for %v: it wants %+v", c.asked, got)
		}
	}
}

// TestAnOwnCircuitThatClosesByNewSettingsEndsItsSuspicion.
func TestAnOwnCircuitThatClosesByNewSettingsEndsItsSuspicion(t *testing.T) {
	m := newMember()
	trips(m, start)
	later := after(testTerms.Cooldown)
	if !m.trip.open || !call(m, later, circuit.Success) || m.local.State() != circuit.HalfOpen {
		t.Fatal("it does not probe as a suspect")
	}
	m.Configure(otherTerms, later)
	if m.trip.open || m.local.State() != circuit.Closed {
		t.Errorf("a suspect: %v, and %v", m.trip.open, m.local.State())
	}
}
