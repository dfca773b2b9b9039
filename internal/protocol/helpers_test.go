package protocol

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// after is an instant so long after the start.
func after(d time.Duration) time.Time { return start.Add(d) }

var testTerms = circuit.Settings{
	Failures: 2, Window: 4, Successes: 2, Probes: 3,
	Cooldown: 30 * time.Second, Lease: 8 * time.Second,
}

// newMember is a member called "me" that was born a minute before the start, so that it
// trusts to know the others.
func newMember() *Member {
	return New(Settings{
		Instance: "me", Circuit: testTerms, Rule: fleet.SequentialTest{}, Poll: 2 * time.Second, Idle: time.Minute,
	}, rand.New(rand.NewPCG(1, 2)), after(-time.Minute))
}

func id(incarnation, epoch, nonce uint64) fleet.Identity {
	return fleet.Identity{Incarnation: incarnation, Epoch: epoch, Nonce: nonce}
}

func rowOf(i fleet.Identity, s fleet.State) fleet.Row {
	r := fleet.Row{Identity: i, State: s}
	if s == fleet.Open {
		r.Remaining = 10 * time.Second
	}
	return r
}

// ask makes the member send what is due, and what it sends is an exchange.
func ask(t *testing.T, m *Member, now time.Time) Message {
	t.Helper()
	m.Hint(now)
	message, ok := m.Send(now)
	if !ok || message.Change {
		t.Fatalf("sent %v: %+v", ok, message)
	}
	return message
}

// tell makes the member ask, and answers with a view.
func tell(t *testing.T, m *Member, now time.Time, v fleet.View) Message {
	t.Helper()
	message := ask(t, m, now)
	m.HearView(message.Number, v, now)
	return message
}

// wish is the change that the member asks for next.
func wish(t *testing.T, m *Member, now time.Time) Message {
	t.Helper()
	message, ok := m.Send(now)
	if !ok || !message.Change {
		t.Fatalf("it wants no change, but %v %+v", ok, message)
	}
	return message
}

// content says that the member wants no change.
func content(t *testing.T, m *Member) {
	t.Helper()
	if p := m.link.proposal; p != nil {
		t.Errorf("it wants %+v", p.row)
	}
}

// call makes a call that ends at once.
func call(m *Member, now time.Time, o circuit.Outcome) bool {
	ticket, ok := m.Admit(now)
	if ok {
		m.Done(ticket, o, now)
	}
	return ok
}

// trips makes the member's own circuit trip.
func trips(m *Member, now time.Time) {
	for range testTerms.Window {
		call(m, now, circuit.Failure)
	}
}
