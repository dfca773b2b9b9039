package engine

import (
	"context"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/protocol"
)

// TestAStorageThatWasAwayForLongIsNotBelievedToKnowTheFleet: the sick instance asks more
// often than the others, and is the first that the storage hears of again.
func TestAStorageThatWasAwayForLongIsNotBelievedToKnowTheFleet(t *testing.T) {
	for _, c := range []struct {
		name string
		away time.Duration
		want fleet.State
	}{
		{"alone for all that is known", 0, fleet.Open},
		{"nobody is known yet", time.Minute, fleet.Closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
				p := join(storage, "k")
				time.Sleep(30 * time.Second)
				storage.plays(failing(errScript))
				time.Sleep(c.away)
				storage.plays(script{})
				p.With(context.Background(), func(m *protocol.Member, now time.Time) {
					for range 4 {
						if ticket, ok := m.Admit(now); ok {
							m.Done(ticket, circuit.Failure, now)
						}
					}
					p.Entry.Due(m.Wake())
				})
				time.Sleep(8 * time.Second)
				if got := p.look().State; got != c.want {
					t.Errorf("the fleet is %v, want %v", got, c.want)
				}
				time.Sleep(5 * time.Second)
				if got := p.look().State; got != fleet.Open {
					t.Errorf("then it is %v, though there is nobody else", got)
				}
			})
		})
	}
}
