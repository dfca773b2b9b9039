package sim

import (
	"context"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/memory"
	"github.com/highway-engine/highway/internal/protocol"
)

// The least of what "make simulate" explores.
func TestASmallFleetKeepsItsPromisesInEveryOrder(t *testing.T) {
	for _, b := range []Bounds{
		{Openings: 2, Calls: 4, Turns: 3},
		{Openings: 2, Calls: 2, Turns: 2, Losses: 1, Strays: 1, Cuts: 1, Deletions: 1, Slow: 1},
	} {
		b.States = 20_000
		r := Explore(b)
		if r.Violation != "" {
			t.Errorf("%s\n\t%s", r.Violation, strings.Join(r.Path, "\n\t"))
		}
		t.Logf("%d states, all: %v", r.States, r.Whole)
	}
}

// The storage of the search says what production's does.
func TestTheStorageOfTheSearchIsLikeProductions(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		m := &model{now: epoch, cut: -1}
		for i := range size {
			m.members[i] = protocol.New(protocol.Settings{Instance: name(i), Rule: fleet.SequentialTest{}, Circuit: terms}, r, m.now)
		}
		s := memory.New(func() time.Time { return m.now })
		var row fleet.Row
		for n := range uint64(60) {
			if r.IntN(8) == 0 {
				m.now = m.now.Add(time.Second)
			}
			i := r.IntN(size)
			if n < size {
				i = int(n) // so that all live
			}
			message := protocol.Message{Number: n}
			if r.IntN(3) > 0 || n < size {
				about := row.Identity
				about.Epoch -= min(about.Epoch, uint64(r.IntN(2)))
				message.Report = fleet.Report{Instance: name(i), Number: 1 + max(n, 2) - uint64(r.IntN(3)), About: about, Suspicion: uint64(r.IntN(3))}
			} else {
				message.Change, message.From, message.Row = true, row.Identity, row
				if r.IntN(4) == 0 {
					message.From.Nonce++
				}
				to := &message.Row
				to.Nonce = n + 1
				switch {
				case row.State == circuit.HalfOpen && r.IntN(4) > 0:
					to.Probes = append([]fleet.Probe(nil), row.Probes...)
					if len(to.Probes) > 0 && r.IntN(2) == 0 {
						to.Probes[0].Result, to.Probes[0].Remaining = fleet.Result(r.IntN(3)), 0
					}
					if r.IntN(2) == 0 {
						to.Probes = append(to.Probes, fleet.Probe{Holder: name(i), Number: n, Remaining: terms.Lease})
					}
				default:
					to.Epoch++
					to.State, to.Probes, to.Remaining = circuit.State(r.IntN(3)), nil, 0
					if to.State == circuit.Open {
						to.Remaining = terms.Cooldown
					}
				}
			}
			m.request[i], m.answer[i] = &message, nil
			m.deliver(i, message, true)
			got := m.answer[i]
			var want fleet.Row
			if message.Change {
				want, _ = s.Change(context.Background(), key, message.From, message.Row)
				row = got.row
			} else {
				views, _ := s.Exchange(context.Background(), name(i), map[string]fleet.Report{key: message.Report})
				view := views[key]
				want, row = view.Row, got.view.Row
				if len(got.view.Reports) == size && (got.view.Live != view.Live || !reflect.DeepEqual(got.view.Reports, view.Reports)) {
					t.Fatalf("seed %d, %d: %+v, production says %+v", seed, n, *got.view, view)
				}
			}
			if describe(row) != describe(want) {
				t.Fatalf("seed %d, %d: %s, production says %s", seed, n, describe(row), describe(want))
			}
			if r.IntN(100) == 0 && n > size {
				s.Forget(key)
				m.remove()
			}
		}
	}
}

// What a state leaves out depends on what the protocol compares with.
func TestTheSearchKnowsTheTimesOfTheProtocol(t *testing.T) {
	for file, texts := range map[string][]string{
		"member.go": {"lately = time.Minute", "suspicionLasts = 3\n", "eager = 4\n"},
		"pool.go":   {"rollCall = 3 * time.Second", "together = time.Second"},
	} {
		source, err := os.ReadFile("../protocol/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if !strings.Contains(string(source), text) {
				t.Errorf("%s says no more %q: see what the search leaves out of a state", file, text)
			}
		}
	}
}
