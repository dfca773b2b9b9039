package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/protocol"
)

// Explored is what a search has come to.
type Explored struct {
	States, Steps int           // different states, and ways from one to another
	Recoveries    int           // states from which the fleet was made to recover
	Openings      int           // the most in one history
	Lasts         time.Duration // the longest history
	Whole         bool          // there are no other states within the bounds
	Violation     string
	Path          []string // to the violation
}

// Bounds are those of a search. Nothing else is bounded: not the time that passes, nor
// who calls when, nor which change comes first.
type Bounds struct {
	Openings  int // of the fleet: the next one ends a history
	Calls     int // of all instances together, refused ones too
	Turns     int // of the dependency, which is well at first: how often calls begin or cease to fail
	Losses    int // of changes or their acknowledgements
	Strays    int // changes or answers that come again, at any later time
	Cuts      int // of an instance from the storage, at any time and for any time
	Deletions int // of the row and the reports
	Slow      int // calls that end at any later time, or never; one at a time
	States    int // at which to give up
}

// Explore tries, for a small fleet, every order of calls, their outcomes, messages,
// faults and time, within bounds. The members are those of production; the storage is
// a few lines, which a test holds against production's.
func Explore(b Bounds) Explored {
	e := &explorer{bounds: b, seen: map[uint64]origin{}}
	m := &model{bounds: b, now: epoch, cut: -1}
	random := rand.New(new(counter))
	for i := range size {
		m.members[i] = protocol.New(protocol.Settings{
			Instance: name(i), Rule: fleet.SequentialTest{}, Poll: 1250 * time.Millisecond, Circuit: terms,
		}, random, m.now.Add(-time.Minute))
		m.own[i] = true
		m.pump(i)
	}
	e.search(m)
	return e.found
}

// A counter gives small numbers, each once: no two nonces are the same, and jitter is at
// its least.
type counter struct{ value uint64 }

func (c *counter) Uint64() uint64 {
	c.value++
	return c.value
}

// An explorer goes from state to state: through all that so many calls can lead to,
// before anything that takes one more. So what it comes to again has taken as few calls
// or fewer the first time, all that may follow was within the bounds then too, and the
// number of calls is no part of a state.
type explorer struct {
	bounds Bounds
	start  *model
	seen   map[uint64]origin // by key
	queue  []*model
	more   []*model // with one more call
	later  map[uint64]struct{}
	ended  bool
	found  Explored
}

// An origin is how a state was come to first.
type origin struct {
	from uint64
	move uint8
}

// longest is how long a history may be. An instance that has not called for a minute
// counts as one that does not call, and no state knows how long ago a call was.
const longest = 55 * time.Second

func (e *explorer) search(start *model) {
	start.key = start.sum()
	e.start, e.more = start, []*model{start}
	for calls := 0; calls <= e.bounds.Calls; calls++ {
		e.queue, e.more, e.later = e.more, nil, map[uint64]struct{}{}
		for _, m := range e.queue {
			e.meet(m)
		}
		for n := 0; n < len(e.queue); n++ {
			if e.visit(e.queue[n]); e.ended {
				return
			}
			e.queue[n] = nil
		}
	}
	e.found.Whole = true
}

// meet says whether a state is new.
func (e *explorer) meet(m *model) bool {
	if _, ok := e.seen[m.key]; ok {
		return false
	}
	e.seen[m.key] = origin{m.from, m.move}
	e.found.States++
	e.found.Openings = max(e.found.Openings, m.opened)
	e.found.Lasts = max(e.found.Lasts, m.now.Sub(epoch))
	e.ended = e.ended || e.found.States >= e.bounds.States || e.found.Lasts > longest
	return true
}

// visit makes everything happen that can happen next.
func (e *explorer) visit(m *model) {
	if m.key%256 == 0 {
		e.found.Recoveries++
		end := m.clone()
		end.recover()
		e.look(end, m)
	}
	m.know() // what all the next ones share
	for n, move := range m.moves() {
		next := m.clone()
		move.do(next)
		e.found.Steps++
		e.look(next, m, move.name)
		if e.ended {
			return
		}
		if next.opened > e.bounds.Openings {
			continue
		}
		next.key, next.from, next.move = next.sum(), m.key, uint8(n)
		next.facts = [size]*facts{} // there are many that wait
		if !move.call {
			if e.meet(next) {
				e.queue = append(e.queue, next)
			}
			continue
		}
		_, seen := e.seen[next.key]
		_, later := e.later[next.key]
		if !seen && !later {
			e.later[next.key] = struct{}{}
			e.more = append(e.more, next)
		}
	}
}

// look ends the search if m, to which moves have led from another state, is broken.
func (e *explorer) look(m, from *model, moves ...string) {
	if m.broken != "" && !e.ended {
		e.ended = true
		e.found.Violation, e.found.Path = m.broken, append(e.path(from.key), moves...)
	}
}

// path is how a state was come to.
func (e *explorer) path(key uint64) []string {
	var moves []uint8
	for ; key != e.start.key; key = e.seen[key].from {
		moves = append(moves, e.seen[key].move)
	}
	slices.Reverse(moves)
	var path []string
	m := e.start
	for _, n := range moves {
		move := m.moves()[n]
		path = append(path, move.name)
		m = m.clone()
		move.do(m)
	}
	return path
}
