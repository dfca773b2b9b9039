package memory

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// The contract is tested by the module storagetest. Here is what only this storage
// promises.

// A clock is moved by hand.
type clock struct{ now time.Time }

func newStorage() (*Storage, *clock) {
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	return New(func() time.Time { return c.now }), c
}

func (s *Storage) mustExchange(t testing.TB, instance string, reports map[string]fleet.Report) map[string]fleet.View {
	t.Helper()
	views, err := s.Exchange(context.Background(), instance, reports)
	if err != nil {
		t.Fatal(err)
	}
	return views
}

func (s *Storage) mustChange(t testing.TB, key string, from fleet.Identity, row fleet.Row) fleet.Row {
	t.Helper()
	is, err := s.Change(context.Background(), key, from, row)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

// make makes the first change of the row at key.
func (s *Storage) make(t testing.TB, key string, row fleet.Row) fleet.Row {
	t.Helper()
	is := s.mustExchange(t, "maker", map[string]fleet.Report{key: {}})[key].Row
	return s.mustChange(t, key, is.Identity, row)
}

func TestKeysThatNobodyUsesDoNotPileUp(t *testing.T) {
	s, c := newStorage()
	most := 0
	for i := range 50_000 {
		c.now = c.now.Add(time.Second)
		key := strconv.Itoa(i)
		s.mustExchange(t, "a", map[string]fleet.Report{key: {Number: 1, Active: true}})
		if i%2 == 0 {
			s.make(t, key, fleet.Row{Identity: fleet.Identity{Epoch: 1, Nonce: 1}})
		}
		most = max(most, len(s.entries))
	}
	if used := int(idleFor/time.Second) + 2; most > used {
		t.Errorf("%d keys where %d were in use", most, used)
	}
	if s.touched.Len() != len(s.entries) || len(s.active.runs) != 0 {
		t.Errorf("%d entries, %d in their order, %v active", len(s.entries), s.touched.Len(), s.active)
	}
}

func TestLookingLeavesNothing(t *testing.T) {
	s, _ := newStorage()
	s.Row("k")
	s.mustChange(t, "k", fleet.Identity{}, fleet.Row{Identity: fleet.Identity{Epoch: 1}})
	s.mustChange(t, "k", fleet.Identity{Incarnation: 1}, fleet.Row{Identity: fleet.Identity{Epoch: 1}})
	if len(s.entries) != 0 {
		t.Errorf("%d entries", len(s.entries))
	}
}

func TestAKeyAtWhichSomethingGoesOnIsNeverForgotten(t *testing.T) {
	s, c := newStorage()
	s.make(t, "open", fleet.Row{Identity: fleet.Identity{Epoch: 1}, State: fleet.Open, Remaining: 24 * time.Hour})
	s.make(t, "held", fleet.Row{Identity: fleet.Identity{Epoch: 1}, Hold: fleet.Disabled})
	about := s.mustExchange(t, "suspect", map[string]fleet.Report{"suspected": {}})["suspected"].Row.Identity
	s.mustExchange(t, "suspect", map[string]fleet.Report{"suspected": {Number: 1, Suspicion: 1, About: about}})
	closed := s.make(t, "closed", fleet.Row{Identity: fleet.Identity{Epoch: 1}})
	s.mustExchange(t, "suspect", map[string]fleet.Report{"closed": {Number: 1, Suspicion: 1}}) // about no row
	for range 3 * idleFor / time.Second {
		c.now = c.now.Add(time.Second)
		s.mustExchange(t, "suspect", nil)
	}
	for _, key := range []string{"open", "held", "suspected"} {
		if s.entries[key] == nil {
			t.Errorf("%q is forgotten", key)
		}
	}
	if s.entries["closed"] != nil {
		t.Error("what nobody uses is kept")
	}
	again := s.make(t, "closed", fleet.Row{Identity: fleet.Identity{Epoch: 1}})
	if again.Incarnation == closed.Incarnation {
		t.Errorf("made again, it is the same: %+v", again)
	}
	// With its suspect, the suspicion goes, and then the key.
	c.now = c.now.Add(2 * idleFor)
	for range 4 {
		s.mustExchange(t, "other", nil)
	}
	if s.entries["suspected"] != nil {
		t.Error("the suspicion of a silent instance is kept")
	}
}

func TestAClockPutBackMakesNobodyLiveLong(t *testing.T) {
	s, c := newStorage()
	s.mustExchange(t, "a", map[string]fleet.Report{"k": {Number: 1, Suspicion: 1}})
	s.mustExchange(t, "b", nil)
	s.make(t, "open", fleet.Row{Identity: fleet.Identity{Epoch: 1}, State: fleet.Open, Remaining: time.Minute})
	c.now = c.now.Add(-5 * time.Hour)
	if left := s.Row("open").Remaining; left != time.Minute {
		t.Errorf("%v are left of a minute", left)
	}
	if r := s.mustExchange(t, "b", map[string]fleet.Report{"k": {Number: 1}})["k"].Reports[0]; r.Age != 0 {
		t.Errorf("its age is %v", r.Age)
	}
	c.now = c.now.Add(fleet.SilentAfter + time.Second)
	if view := s.mustExchange(t, "b", map[string]fleet.Report{"k": {Number: 2}})["k"]; view.Live != 1 || len(view.Reports) != 1 {
		t.Errorf("%+v", view)
	}
}

func TestTheReportsOfAViewThatIsNotReusedStay(t *testing.T) {
	s, _ := newStorage()
	for i := range 10 {
		s.mustExchange(t, strconv.Itoa(i), map[string]fleet.Report{"k": {Number: 1}})
	}
	kept := s.mustExchange(t, "0", map[string]fleet.Report{"k": {Number: 2, Suspicion: 1}})["k"]
	for n := range uint64(5) {
		s.Reuse(s.mustExchange(t, "1", map[string]fleet.Report{"k": {Number: n + 2}})["k"].Reports)
	}
	if len(kept.Reports) != 10 || kept.Reports[0].Suspicion != 1 || kept.Reports[1].Number != 1 {
		t.Errorf("%+v", kept)
	}
}

func TestReportsAreInTheOrderOfInstances(t *testing.T) {
	s, _ := newStorage()
	for _, name := range []string{"c", "a", "d", "b"} {
		s.mustExchange(t, name, map[string]fleet.Report{"k": {Number: 1}})
	}
	got := ""
	for _, r := range s.mustExchange(t, "a", map[string]fleet.Report{"k": {Number: 2}})["k"].Reports {
		got += r.Instance
	}
	if got != "abcd" {
		t.Errorf("got %s", got)
	}
}

func TestSuspicionsOfOneBatchAreInTheOrderOfKeys(t *testing.T) {
	s, _ := newStorage()
	batch := map[string]fleet.Report{}
	for i := range 50 {
		batch[fmt.Sprintf("k%02d", i)] = fleet.Report{Number: 1, Suspicion: 1}
	}
	views := s.mustExchange(t, "a", batch)
	for i := range 50 {
		if got := views[fmt.Sprintf("k%02d", i)].Reports[0].Order; got != uint64(i)+1 {
			t.Errorf("k%02d has order %d", i, got)
		}
	}
}

func BenchmarkExchangeOfOneAmongManyKeys(b *testing.B) {
	s := New(time.Now)
	const many = 100_000
	reports := make([]map[string]fleet.Report, many)
	for i := range many {
		reports[i] = map[string]fleet.Report{strconv.Itoa(i): {}}
	}
	n := 0
	for b.Loop() {
		one := reports[n%many]
		for key := range one {
			one[key] = fleet.Report{Number: uint64(n), Active: true}
		}
		s.mustExchange(b, "a", one)
		n++
	}
}

func BenchmarkExchangeAmongManyInstances(b *testing.B) {
	s := New(time.Now)
	const many = 1000
	names := make([]string, many)
	for i := range many {
		names[i] = strconv.Itoa(i)
		s.mustExchange(b, names[i], map[string]fleet.Report{"k": {Number: 1}})
	}
	n := uint64(many)
	for b.Loop() {
		n++
		s.mustExchange(b, names[n%many], map[string]fleet.Report{"k": {Number: n}})
	}
}

func BenchmarkSweepOfAPageOfManyKeys(b *testing.B) {
	s := New(time.Now)
	const many = 100_000
	for i := range many {
		s.make(b, strconv.Itoa(i), fleet.Row{Identity: fleet.Identity{Epoch: 1}, State: fleet.Open})
	}
	after := ""
	for b.Loop() {
		page, err := s.Sweep(context.Background(), after, 100)
		if err != nil {
			b.Fatal(err)
		}
		after = ""
		if len(page) > 0 {
			after = page[len(page)-1]
		}
	}
}
