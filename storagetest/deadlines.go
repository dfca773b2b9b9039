package storagetest

import (
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// grain is how roughly a storage may keep time.
const grain = time.Millisecond

// A countdown is a deadline as the test sees it.
type countdown struct {
	s      *store
	total  time.Duration
	began  time.Time
	passed time.Duration // when it began
}

func (s *store) countdown(total time.Duration) countdown {
	return countdown{s, total, time.Now(), s.passed}
}

// check says whether remaining is what is left of the countdown.
func (c countdown) check(what string, remaining time.Duration) {
	c.s.Helper()
	highest := c.total - (c.s.passed - c.passed)
	lowest := c.total - time.Since(c.began)
	if c.s.clocked() {
		lowest -= c.s.passed - c.passed
	}
	if remaining > highest+grain || remaining < lowest-grain {
		c.s.Errorf("%s: %v remain, want %v to %v", what, remaining, lowest, highest)
	}
}

var deadlines = []test{
	{"a deadline counts down from the change", func(s *store) {
		c := s.countdown(time.Hour)
		c.check("at once", s.make("k", open(time.Hour)).Remaining)
		s.pass(s.while())
		c.check("later", s.row("k").Remaining)
		s.pass(s.while())
		c.check("later still", s.row("k").Remaining)
	}},
	{"a deadline that has come leaves nothing", func(s *store) {
		s.make("k", open(s.while()))
		s.pass(2 * s.while())
		if row := s.row("k"); row.Remaining > 0 || row.State != fleet.Open {
			s.Errorf("%+v", row)
		}
	}},
	{"no change within the epoch moves the deadline", func(s *store) {
		c := s.countdown(time.Hour)
		row := s.make("k", open(time.Hour))
		for _, d := range []time.Duration{2 * time.Hour, time.Minute, 0, -time.Hour} {
			s.pass(s.while())
			next := after(row, 0, fleet.Open)
			next.Remaining = d
			row = s.mustChange("k", row.Identity, next)
			c.check("in the answer", row.Remaining)
			c.check("in a view", s.row("k").Remaining)
		}
	}},
	{"a new epoch has its own deadline, or none", func(s *store) {
		row := s.make("k", open(time.Hour))
		s.pass(s.while())
		c := s.countdown(2 * time.Hour)
		next := after(row, 1, fleet.Open)
		next.Remaining = 2 * time.Hour
		row = s.mustChange("k", row.Identity, next)
		c.check("another", row.Remaining)
		row = s.mustChange("k", row.Identity, after(row, 1, fleet.HalfOpen))
		if row.Remaining != 0 || s.row("k").Remaining != 0 {
			s.Errorf("the deadline of an earlier epoch is there: %v", row.Remaining)
		}
	}},
	{"a clock that is set back leaves no more than there was at first", func(s *store) {
		s.clock()
		row := s.make("k", fleet.Row{
			Identity: fleet.Identity{Epoch: 1, Nonce: 1}, State: fleet.HalfOpen, Remaining: time.Hour,
			Probes: []fleet.Probe{{Holder: "a", Number: 1, Remaining: time.Minute}},
		})
		whole := func(what string, row fleet.Row) {
			s.Helper()
			if late(row.Remaining, time.Hour) || len(row.Probes) != 1 || late(row.Probes[0].Remaining, time.Minute) {
				s.Errorf("%s: %+v", what, row)
			}
		}
		s.pass(20 * time.Second)
		s.pass(-5 * time.Hour)
		whole("in a view", s.row("k"))
		next := after(row, 0, fleet.HalfOpen)
		next.Remaining, next.Probes = 9*time.Hour, []fleet.Probe{{Holder: "a", Number: 1, Remaining: 9 * time.Hour}}
		whole("in the answer to a change", s.mustChange("k", row.Identity, next))
		whole("after the change", s.row("k"))
		// The instants have not moved.
		s.pass(5*time.Hour + 10*time.Second)
		row = s.row("k")
		if late(row.Remaining, time.Hour-30*time.Second) || late(row.Probes[0].Remaining, 30*time.Second) {
			s.Errorf("when it is later again: %+v", row)
		}
	}},
	{"a change that has to wait starts its deadlines when it is made", func(s *store) {
		blocker, ok := s.Storage.(Blocker)
		if !ok {
			s.Skip("the storage is no storagetest.Blocker")
		}
		from := s.row("k")
		release := sync.OnceFunc(blocker.Block("k"))
		defer release()
		row := after(from, 1, fleet.HalfOpen)
		row.Remaining, row.Probes = time.Hour, []fleet.Probe{{Holder: "a", Number: 1, Remaining: time.Hour}}
		type answer struct {
			row fleet.Row
			err error
		}
		answers := make(chan answer, 1)
		go func() {
			is, err := s.Change(s.ctx, "k", from.Identity, row)
			answers <- answer{is, err}
		}()
		select {
		case a := <-answers:
			s.Fatalf("the change has not waited: %+v", a)
		case <-time.After(50 * time.Millisecond): // it is on its way
		}
		s.pass(s.while())
		c := s.countdown(time.Hour)
		release()
		a := <-answers
		if a.err != nil || a.row.Nonce != row.Nonce {
			s.Fatalf("%+v", a)
		}
		for what, row := range map[string]fleet.Row{"in the answer": a.row, "in a view": s.row("k")} {
			c.check(what, row.Remaining)
			c.check(what+", a's lease", row.Probes[0].Remaining)
		}
	}},
	{"a change that is not made starts nothing", func(s *store) {
		c := s.countdown(time.Hour)
		row := s.make("k", open(time.Hour))
		s.pass(s.while())
		c.check("in the answer", s.change("k", fleet.Identity{}, open(3*time.Hour)).Remaining)
		other := after(row, 1, fleet.Open)
		other.Remaining = 3 * time.Hour
		c.check("in the answer", s.change("k", other.Identity, other).Remaining)
		c.check("in a view", s.row("k").Remaining)
	}},
	{"a lease keeps its end, and a new one starts when it is made", func(s *store) {
		first := s.countdown(time.Hour)
		row := fleet.Row{
			Identity: fleet.Identity{Epoch: 1, Nonce: 1}, State: fleet.HalfOpen,
			Probes: []fleet.Probe{{Holder: "a", Number: 1, Remaining: time.Hour}},
		}
		row = s.make("k", row)
		s.pass(s.while())

		second := s.countdown(time.Hour)
		next := after(row, 0, fleet.HalfOpen)
		next.Probes = []fleet.Probe{ // in another order, and with a wish to renew
			{Holder: "b", Number: 1, Remaining: time.Hour},
			{Holder: "a", Number: 1, Remaining: 5 * time.Hour},
		}
		row = s.mustChange("k", row.Identity, next)
		s.pass(s.while())
		for _, row := range []fleet.Row{s.change("k", fleet.Identity{}, open(0)), s.row("k")} {
			if len(row.Probes) != 2 {
				s.Fatalf("%+v", row)
			}
			second.check("b's", row.Probes[0].Remaining)
			first.check("a's", row.Probes[1].Remaining)
		}

		third := s.countdown(time.Hour)
		next = after(row, 0, fleet.HalfOpen)
		next.Probes = []fleet.Probe{
			{Holder: "a", Number: 1, Result: fleet.Succeeded},
			{Holder: "b", Number: 1, Remaining: time.Minute},
			{Holder: "a", Number: 2, Remaining: time.Hour}, // another of the same holder
		}
		row = s.mustChange("k", row.Identity, next)
		s.pass(s.while())
		row = s.row("k")
		if p := row.Probes[0]; p.Remaining != 0 || p.Result != fleet.Succeeded {
			s.Errorf("a probe with a result: %+v", p)
		}
		second.check("b's", row.Probes[1].Remaining)
		third.check("a's other", row.Probes[2].Remaining)

		fourth := s.countdown(time.Hour)
		next = after(row, 1, fleet.HalfOpen)
		next.Probes = []fleet.Probe{{Holder: "b", Number: 1, Remaining: time.Hour}}
		row = s.mustChange("k", row.Identity, next)
		fourth.check("b's in a new epoch", row.Probes[0].Remaining)
	}},
	{"a lease that is over is still there to be seen", func(s *store) {
		s.make("k", fleet.Row{
			Identity: fleet.Identity{Epoch: 1, Nonce: 1}, State: fleet.HalfOpen,
			Probes: []fleet.Probe{{Holder: "a", Number: 1, Remaining: s.while()}},
		})
		s.pass(2 * s.while())
		row := s.row("k")
		if len(row.Probes) != 1 || row.Probes[0].Remaining > 0 || row.Probes[0].Result != fleet.Pending {
			s.Errorf("%+v", row)
		}
	}},
}
