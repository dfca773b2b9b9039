package storagetest

import (
	"fmt"
	"math"
	"reflect"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

var reports = []test{
	{"an exchange stores before it reads", func(s *store) {
		for n := uint64(1); n <= 3; n++ {
			if got := s.report(s.exchange("a", "k", fleet.Report{Number: n}), "a"); got.Number != n {
				s.Errorf("asked with report %d, and saw %d", n, got.Number)
			}
		}
	}},
	{"of those who report at once, one sees all", func(s *store) {
		const reporters = 6
		storages := []fleet.Storage{s.Storage, s.other()}
		for round := range 10 {
			key := fmt.Sprint("k", round)
			most := make([]int, reporters)
			var wg sync.WaitGroup
			for i := range reporters {
				wg.Go(func() {
					instance := fmt.Sprint("i", i)
					views, err := storages[i%2].Exchange(s.ctx, instance, map[string]fleet.Report{key: {Instance: instance, Number: 1}})
					if err != nil {
						s.Error(err)
					}
					most[i] = len(views[key].Reports)
				})
			}
			wg.Wait()
			seen := map[int]bool{}
			for _, n := range most {
				seen[n] = true
			}
			if !seen[reporters] {
				s.Fatalf("%d reporters saw %v reports", reporters, most)
			}
		}
	}},
	{"a report keeps all that it says", func(s *store) {
		row := s.make("k", open(time.Hour))
		r := fleet.Report{
			Instance: "a", Number: math.MaxInt64, About: row.Identity,
			Active: true, Refuses: true,
			Testimony: fleet.Testimony{
				About: fleet.Accusation{Suspect: `o'brien "x" \ 世界`, Number: math.MaxInt64},
				Sum:   -math.Pi * 1e-7, Calls: 12345,
			},
			Dismissed: []fleet.Accusation{{Suspect: "b", Number: 1}, {Suspect: "c,d}'", Number: 2}},
		}
		for _, got := range []fleet.Report{s.report(s.exchange("a", "k", r), "a"), s.report(s.view("k"), "a")} {
			if !reflect.DeepEqual(got, r) {
				s.Errorf("got  %+v\nwant %+v", got, r)
			}
		}
	}},
	{"a report belongs to who asks", func(s *store) {
		r := fleet.Report{Instance: "b", Number: 1, Order: 9, Age: time.Hour}
		views, err := s.Exchange(s.ctx, "a", map[string]fleet.Report{"k": r})
		if err != nil {
			s.Fatal(err)
		}
		if got := s.report(views["k"], "a"); len(views["k"].Reports) != 1 || got.Order != 0 || got.Age != 0 {
			s.Errorf("%+v", views["k"])
		}
	}},
	{"a report replaces the earlier one whole", func(s *store) {
		s.exchange("a", "k", fleet.Report{
			Number: 1, Active: true, Refuses: true, Suspicion: 4,
			Testimony: fleet.Testimony{Calls: 3, Sum: 1}, Dismissed: []fleet.Accusation{{Suspect: "b", Number: 1}},
		})
		got := s.report(s.exchange("a", "k", fleet.Report{Number: 2}), "a")
		if want := (fleet.Report{Instance: "a", Number: 2}); !same(got, want) {
			s.Errorf("got %+v", got)
		}
	}},
	{"a report sent twice is stored once", func(s *store) {
		r := fleet.Report{Number: 1, Suspicion: 1, Testimony: fleet.Testimony{Calls: 3, Sum: 1}}
		one := s.report(s.exchange("a", "k", r), "a")
		view := s.exchange("a", "k", r)
		if two := s.report(view, "a"); !same(one, two) || len(view.Reports) != 1 {
			s.Errorf("after %+v: %+v", one, view)
		}
		r.Active = true // the same number, and so the same report
		if got := s.report(s.exchange("a", "k", r), "a"); got.Active {
			s.Errorf("got %+v", got)
		}
	}},
	{"a report that comes late never replaces a newer one", func(s *store) {
		s.exchange("a", "k", fleet.Report{Number: 5, Active: true})
		got := s.report(s.exchange("a", "k", fleet.Report{Number: 4, Suspicion: 3}), "a")
		if got.Number != 5 || !got.Active || got.Suspicion != 0 {
			s.Errorf("got %+v", got)
		}
	}},
	{"suspicions have the order in which they came, and their age", func(s *store) {
		a := s.countdown(0)
		s.exchange("a", "k", fleet.Report{Number: 1, Suspicion: 7, Order: 99, Age: time.Hour})
		s.pass(s.while())
		b := s.countdown(0)
		s.exchange("b", "k", fleet.Report{Number: 1, Suspicion: 2})
		s.pass(s.while())
		// Repeated with other news, they stay what they are.
		s.exchange("a", "k", fleet.Report{Number: 2, Suspicion: 7, Refuses: true})
		s.pass(s.while())
		view := s.view("k")
		ra, rb := s.report(view, "a"), s.report(view, "b")
		if ra.Order == 0 || rb.Order <= ra.Order {
			s.Errorf("the first has order %d, the second %d", ra.Order, rb.Order)
		}
		if !ra.Refuses {
			s.Errorf("the news is lost: %+v", ra)
		}
		a.check("a's age, below zero", -ra.Age)
		b.check("b's age, below zero", -rb.Age)

		again := s.countdown(0)
		next := s.report(s.exchange("a", "k", fleet.Report{Number: 3, Suspicion: 8}), "a")
		if next.Order <= rb.Order {
			s.Errorf("a new suspicion has order %d after %d", next.Order, rb.Order)
		}
		again.check("the new one's age, below zero", -next.Age)
		if got := s.report(s.exchange("a", "k", fleet.Report{Number: 4}), "a"); got.Order != 0 || got.Age != 0 {
			s.Errorf("without a suspicion: %+v", got)
		}
	}},
	{"the same suspicion about another epoch is a new one", func(s *store) {
		view := s.exchange("a", "k", fleet.Report{Number: 1, Suspicion: 1})
		first := s.report(view, "a")
		row := s.mustChange("k", view.Row.Identity, open(time.Hour))
		s.pass(s.while())
		again := s.countdown(0)
		second := s.report(s.exchange("a", "k", fleet.Report{Number: 2, Suspicion: 1, About: row.Identity}), "a")
		if second.Order <= first.Order {
			s.Errorf("order %d after %d", second.Order, first.Order)
		}
		again.check("its age, below zero", -second.Age)
		row = s.mustChange("k", row.Identity, after(row, 0, fleet.Open))
		third := s.report(s.exchange("a", "k", fleet.Report{Number: 3, Suspicion: 1, About: row.Identity}), "a")
		if third.Order != second.Order {
			s.Errorf("the row has changed within the epoch, and the suspicion has become another: %+v", third)
		}
	}},
	{"a change of the row keeps the reports", func(s *store) {
		s.exchange("a", "k", fleet.Report{Number: 1, Active: true})
		s.make("k", open(time.Hour))
		if !s.report(s.view("k"), "a").Active {
			s.Error("it is another")
		}
	}},
}

// same compares reports, but for their age; no dismissals are none, nil or empty.
func same(a, b fleet.Report) bool {
	a.Age, b.Age = 0, 0
	if len(a.Dismissed) == 0 && len(b.Dismissed) == 0 {
		a.Dismissed, b.Dismissed = nil, nil
	}
	return reflect.DeepEqual(a, b)
}
