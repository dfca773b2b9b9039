// Package storagetest holds implementations of [fleet.Storage] against the contract.
//
//	func TestStorage(t *testing.T) {
//		storagetest.Run(t, func(t *testing.T) fleet.Storage { return open(t) })
//	}
//
// What is opened must be empty each time; the suite closes it. It must be reachable
// without faults, which the suite adds itself.
//
// Of five more things that a storage may offer, each lets the suite look further: a
// [Clock] for what time alone brings about, a [Deleter] for rows that are lost, a
// [Spoiler] for rows that make no sense, a [Blocker] for changes that have to wait, a
// [Twin] for what two processes do. A backend has them for its tests only, in a type
// around the one that it exports, as it says there that it is [Short]. What cannot be
// tested without is skipped by name, as is what only a [fleet.Ledger] has.
package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// A Clock is a storage whose clock the suite can put forward and back, such as one on a database
// where the storage reads the time with a function that adds an offset. Without it the
// suite waits a few hundredths of a second where that is enough, and does not test that
// instances fall silent, nor what a clock that is set back does to deadlines.
type Clock interface {
	// Advance puts the clock forward by d, or back if d is negative.
	Advance(d time.Duration)
}

// A Deleter is a storage that can lose all that it has about a key, as when somebody
// deletes the row by hand.
type Deleter interface {
	// Delete loses row and reports.
	Delete(key string) error
}

// A Spoiler is a storage in which the row at a key can be made to make no sense, as when
// somebody writes a state there that nobody knows.
type Spoiler interface {
	// Spoil makes nonsense of the row, which is there.
	Spoil(key string) error
}

// A Blocker is a storage in which what guards a key can be held, as by a transaction that
// locks the row, changes nothing and is rolled back in the end.
type Blocker interface {
	// Block lets changes of the row at key, which is there, wait until release is called.
	// It returns when they would. They wait for a tenth of a second at most.
	Block(key string) (release func())
}

// A Short is a storage that must refuse keys of [fleet.LongestKey], such as one that puts
// something in front of them.
type Short interface {
	// LongestKey is how many bytes a key has at most.
	LongestKey() int
}

// A Twin is a storage of which another can be opened on the same data, like that of
// another process. The suite closes it.
type Twin interface {
	// Twin opens another.
	Twin(t *testing.T) fleet.Storage
}

// Run tests a storage that open opens.
func Run(t *testing.T, open func(t *testing.T) fleet.Storage) {
	for _, part := range []struct {
		name  string
		tests []test
	}{
		{"rows", rows},
		{"notes", noteTests},
		{"deadlines", deadlines},
		{"reports", reports},
		{"windows", windows},
		{"instances", instances},
		{"sweep", sweeps},
		{"watch", watches},
		{"keys", keyTests},
		{"calls", calls},
		{"faults", faults},
		{"histories", histories},
		{"ledger", ledgers},
		{"transitions", transitions},
	} {
		t.Run(part.name, func(t *testing.T) {
			for _, test := range part.tests {
				t.Run(test.name, func(t *testing.T) { test.run(newStore(t, open(t))) })
			}
		})
	}
}

type test struct {
	name string
	run  func(s *store)
}

// patience is how long the suite waits for what must happen at some time. The tests of
// the suite have less.
var patience = 10 * time.Second

// A store is the storage under test, with what a test needs around it.
type store struct {
	*testing.T
	fleet.Storage
	ctx    context.Context
	passed time.Duration
	looks  uint64
}

func newStore(t *testing.T, storage fleet.Storage) *store {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(func() {
		if err := storage.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		cancel()
	})
	return &store{T: t, Storage: storage, ctx: ctx}
}

// other is another storage on the same data, or the same one if there is no such.
func (s *store) other() fleet.Storage {
	twin, ok := s.Storage.(Twin)
	if !ok {
		return s.Storage
	}
	other := twin.Twin(s.T)
	s.Cleanup(func() {
		if err := other.Close(context.Background()); err != nil {
			s.Errorf("close: %v", err)
		}
	})
	return other
}

// clocked says whether the suite can move the clock.
func (s *store) clocked() bool {
	_, ok := s.Storage.(Clock)
	return ok
}

// pass lets d pass for the storage.
func (s *store) pass(d time.Duration) {
	if clock, ok := s.Storage.(Clock); ok {
		clock.Advance(d)
	} else {
		time.Sleep(d)
	}
	s.passed += d
}

// while is some time, as short as the suite can see.
func (s *store) while() time.Duration {
	if s.clocked() {
		return time.Second
	}
	return 20 * time.Millisecond
}

// observer is the instance that only looks.
const observer = "observer"

// view looks at key.
func (s *store) view(key string) fleet.View {
	s.Helper()
	s.looks++
	view := s.exchange(observer, key, fleet.Report{Number: s.looks})
	for i, r := range view.Reports {
		if r.Instance == observer {
			view.Reports = append(view.Reports[:i:i], view.Reports[i+1:]...)
			return view
		}
	}
	s.Fatalf("the report that came with the question is not in the answer: %+v", view)
	return view
}

func (s *store) row(key string) fleet.Row {
	s.Helper()
	return s.view(key).Row
}

func (s *store) exchange(instance, key string, r fleet.Report) fleet.View {
	s.Helper()
	r.Instance = instance
	views, err := s.Exchange(s.ctx, instance, map[string]fleet.Report{key: r})
	if err != nil {
		s.Fatalf("exchange about %q: %v", key, err)
	}
	view, ok := views[key]
	if !ok || len(views) != 1 {
		s.Fatalf("exchange about %q: the answer is about %d keys, this one among them: %v", key, len(views), ok)
	}
	return view
}

func (s *store) change(key string, from fleet.Identity, row fleet.Row) fleet.Row {
	s.Helper()
	is, err := s.Change(s.ctx, key, from, row)
	if err != nil {
		s.Fatalf("change of %q: %v", key, err)
	}
	return is
}

// make makes the first change of the row at key, and returns what comes of it.
func (s *store) make(key string, row fleet.Row) fleet.Row {
	s.Helper()
	return s.mustChange(key, s.row(key).Identity, row)
}

// mustChange makes a change that the storage must make.
func (s *store) mustChange(key string, from fleet.Identity, row fleet.Row) fleet.Row {
	s.Helper()
	is := s.change(key, from, row)
	if is.Epoch != row.Epoch || is.Nonce != row.Nonce {
		s.Fatalf("change of %q from %+v to %+v was not made: %+v is there", key, from, row, is)
	}
	return is
}

// after is a version after r: in the same epoch, or in the next.
func after(r fleet.Row, epochs uint64, state fleet.State) fleet.Row {
	return fleet.Row{
		Identity: fleet.Identity{Incarnation: r.Incarnation, Epoch: r.Epoch + epochs, Nonce: r.Nonce + 1},
		State:    state,
		Reason:   fleet.Commanded,
		By:       "someone",
	}
}

func open(remaining time.Duration) fleet.Row {
	return fleet.Row{
		Identity:  fleet.Identity{Epoch: 1, Nonce: 77},
		State:     fleet.Open,
		Reason:    fleet.Testified,
		By:        "a",
		Remaining: remaining,
	}
}

// report is what view says of an instance; it must be there.
func (s *store) report(view fleet.View, instance string) fleet.Report {
	s.Helper()
	for _, r := range view.Reports {
		if r.Instance == instance {
			return r
		}
	}
	s.Fatalf("there is no report of %q in %+v", instance, view)
	return fleet.Report{}
}

func has(view fleet.View, instance string) bool {
	for _, r := range view.Reports {
		if r.Instance == instance {
			return true
		}
	}
	return false
}
