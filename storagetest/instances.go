package storagetest

import (
	"fmt"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// heartbeat is an exchange about nothing.
func (s *store) heartbeat(instance string) {
	s.Helper()
	views, err := s.Exchange(s.ctx, instance, nil)
	if err != nil || len(views) != 0 {
		s.Fatalf("an exchange about nothing: %v, %v", views, err)
	}
}

// clock skips a test that takes more time than the suite may.
func (s *store) clock() {
	if !s.clocked() {
		s.Skip("the storage is no storagetest.Clock")
	}
}

var instances = []test{
	{"instances count as live wherever they are heard of", func(s *store) {
		s.exchange("a", "one", fleet.Report{Number: 1})
		s.exchange("b", "two", fleet.Report{Number: 1})
		s.heartbeat("c")
		s.heartbeat("c")
		if view := s.view("three"); view.Live != 4 {
			s.Errorf("%d live, want a, b, c and who asks", view.Live)
		}
		if view := s.exchange("d", "one", fleet.Report{Number: 1}); view.Live != 5 || len(view.Reports) != 2 {
			s.Errorf("%+v", view)
		}
	}},
	{"a change of a row is no sign of life", func(s *store) {
		s.make("k", open(time.Hour))
		if view := s.view("k"); view.Live != 1 {
			s.Errorf("%d live", view.Live)
		}
	}},
	{"who falls silent vanishes with its reports, who is heard of stays with all of them", func(s *store) {
		s.clock()
		row := s.make("one", open(time.Hour))
		for _, key := range []string{"one", "two"} {
			s.exchange("a", key, fleet.Report{Number: 1, Suspicion: 1})
			s.exchange("b", key, fleet.Report{Number: 1})
		}
		s.pass(fleet.SilentAfter - time.Second)
		s.heartbeat("b")
		if view := s.view("one"); !has(view, "a") || view.Live != 3 {
			s.Errorf("before its time: %+v", view)
		}
		s.pass(2 * time.Second)
		for _, key := range []string{"one", "two"} {
			if view := s.view(key); has(view, "a") || !has(view, "b") || view.Live != 2 {
				s.Errorf("%s: %+v", key, view)
			}
		}
		if is := s.row("one"); is.Identity != row.Identity {
			s.Errorf("the row has gone too: %+v", is)
		}
	}},
	{"the reports of who has been silent do not come back", func(s *store) {
		s.clock()
		s.exchange("a", "k", fleet.Report{Number: 5, Suspicion: 1})
		s.exchange("a", "other", fleet.Report{Number: 5})
		s.pass(fleet.SilentAfter + time.Second)
		s.heartbeat("a")
		if view := s.view("k"); has(view, "a") || view.Live != 2 {
			s.Errorf("%+v", view)
		}
		if got := s.report(s.exchange("a", "k", fleet.Report{Number: 6, Suspicion: 1}), "a"); got.Age != 0 && got.Age > patience {
			s.Errorf("its suspicion is %v old", got.Age)
		}
		if view := s.view("other"); has(view, "a") {
			s.Errorf("%+v", view)
		}
	}},
	{"a suspicion of who has fallen silent is nothing that goes on", func(s *store) {
		s.clock()
		s.suspect("a", "k", 1)
		s.suspect("b", "l", 1)
		s.pass(fleet.SilentAfter - time.Second)
		s.heartbeat("b")
		s.pass(2 * time.Second)
		s.wantSweep(3, "l")
	}},
	{"an open row, a hold and a live suspicion are there after a year", func(s *store) {
		s.clock()
		rows := map[string]fleet.Row{}
		for i, row := range []fleet.Row{
			{State: fleet.Open, Remaining: 2 * 365 * 24 * time.Hour},
			{State: fleet.HalfOpen},
			{State: fleet.Closed, Hold: fleet.Disabled},
			{State: fleet.Open, Hold: fleet.Isolated},
		} {
			row.Identity = fleet.Identity{Epoch: 3, Nonce: 4}
			key := fmt.Sprint("k", i)
			rows[key] = s.make(key, row)
		}
		s.suspect("a", "suspected", 1)
		const year = 365 * 24 * time.Hour
		for passed := time.Duration(0); passed < time.Hour; passed += fleet.SilentAfter / 2 {
			s.pass(fleet.SilentAfter / 2)
			s.heartbeat("a")
		}
		if !has(s.view("suspected"), "a") {
			s.Error("the suspicion is gone")
		}
		s.pass(year)
		for i := range 100 {
			s.view(fmt.Sprint("other", i))
		}
		s.wantSweep(10, "k0", "k1", "k2", "k3")
		for key, row := range rows {
			if is := s.row(key); is.Identity != row.Identity {
				s.Errorf("%s: %+v, want %+v", key, is, row)
			}
		}
	}},
}
