package storagetest

import (
	"fmt"
	"math"
	"reflect"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

var rows = []test{
	{"a key that nobody has touched reads as the zero row", func(s *store) {
		if view := s.view("k"); !reflect.DeepEqual(view.Row, fleet.Row{}) || len(view.Reports) != 0 {
			s.Errorf("got %+v", view)
		}
		first := open(time.Minute)
		if is := s.change("k", fleet.Identity{Epoch: 1}, first); !reflect.DeepEqual(is, fleet.Row{}) {
			s.Errorf("a change from a row that is not there has left %+v", is)
		}
		if row := s.row("k"); !reflect.DeepEqual(row, fleet.Row{}) {
			s.Errorf("a change that was not made has left %+v", row)
		}
	}},
	{"a row keeps all that a change puts there", func(s *store) {
		row := fleet.Row{
			Identity:  fleet.Identity{Epoch: math.MaxInt64, Nonce: math.MaxUint64},
			State:     fleet.HalfOpen,
			Hold:      fleet.HeldOpen,
			Reason:    fleet.HoldOver,
			By:        `o'brien "the" \ 世界`,
			Remaining: time.Hour,
			Probes: []fleet.Probe{
				{Holder: "a", Number: math.MaxUint64, Result: fleet.Succeeded},
				{Number: 3, Result: fleet.Failed},
				{Holder: "b", Number: 1, Result: fleet.Pending, Remaining: time.Hour},
			},
			Lost: 5,
		}
		is := s.make("k", row)
		for _, got := range []fleet.Row{is, s.row("k")} {
			if got.Incarnation == 0 || got.Incarnation != is.Incarnation {
				s.Errorf("the incarnation is %d after %d", got.Incarnation, is.Incarnation)
			}
			got.Incarnation = 0
			if late(got.Remaining, row.Remaining) || len(got.Probes) != 3 || late(got.Probes[2].Remaining, time.Hour) {
				s.Errorf("got %+v", got)
				continue
			}
			got.Remaining, got.Probes[2].Remaining = time.Hour, time.Hour
			if !reflect.DeepEqual(got, row) {
				s.Errorf("got %+v, want %+v", got, row)
			}
		}
	}},
	{"a change from the right identity is made, and from any other changes nothing", func(s *store) {
		one := s.make("k", open(time.Hour))
		two := s.mustChange("k", one.Identity, after(one, 1, fleet.HalfOpen))
		is := s.mustChange("k", two.Identity, after(two, 0, fleet.HalfOpen))
		for what, from := range map[string]fleet.Identity{
			"no row":              {},
			"an older epoch":      one.Identity,
			"an older nonce":      two.Identity,
			"a nonce to come":     {Incarnation: is.Incarnation, Epoch: is.Epoch, Nonce: is.Nonce + 1},
			"an epoch to come":    {Incarnation: is.Incarnation, Epoch: is.Epoch + 1, Nonce: is.Nonce},
			"another incarnation": {Incarnation: is.Incarnation + 1, Epoch: is.Epoch, Nonce: is.Nonce},
		} {
			closed := after(is, 7, fleet.Closed)
			if there := s.change("k", from, closed); !reflect.DeepEqual(there, is) {
				s.Errorf("a change from %s returns %+v, want what is there, %+v", what, there, is)
			}
			if row := s.row("k"); !reflect.DeepEqual(row, is) {
				s.Fatalf("a change from %s has left %+v", what, row)
			}
		}
	}},
	{"a row keeps its incarnation whatever a change says", func(s *store) {
		one := s.make("k", open(time.Hour))
		two := after(one, 1, fleet.Closed)
		two.Incarnation += 9
		if is := s.mustChange("k", one.Identity, two); is.Incarnation != one.Incarnation {
			s.Errorf("incarnation %d became %d", one.Incarnation, is.Incarnation)
		}
	}},
	{"a row that is deleted and made again is another, to which nothing old applies", func(s *store) {
		deleter, ok := s.Storage.(Deleter)
		if !ok {
			s.Skip("the storage is no storagetest.Deleter")
		}
		seen := map[uint64]bool{0: true}
		var last fleet.Row
		for range 3 {
			row := s.make("k", open(time.Hour))
			if seen[row.Incarnation] {
				s.Fatalf("incarnation %d is there again", row.Incarnation)
			}
			seen[row.Incarnation] = true
			if is := s.change("k", last.Identity, after(last, 1, fleet.Closed)); is.Identity != row.Identity {
				s.Fatalf("a change from the row that was deleted has left %+v", is)
			}
			s.exchange("a", "k", fleet.Report{Number: 5, Suspicion: 1, About: row.Identity})
			if err := deleter.Delete("k"); err != nil {
				s.Fatal(err)
			}
			if view := s.view("k"); !reflect.DeepEqual(view.Row, fleet.Row{}) {
				s.Fatalf("after the deletion: %+v", view)
			}
			if is := s.change("k", row.Identity, after(row, 1, fleet.Closed)); !reflect.DeepEqual(is, fleet.Row{}) {
				s.Fatalf("a change from the row that was deleted has made %+v", is)
			}
			last = row
		}
	}},
	{"a row that makes no sense reads as a closed one, which a change heals, and harms no other", func(s *store) {
		spoiler, ok := s.Storage.(Spoiler)
		if !ok {
			s.Skip("the storage is no storagetest.Spoiler")
		}
		was := s.make("k", open(time.Hour))
		other := s.make("other", open(time.Hour))
		if err := spoiler.Spoil("k"); err != nil {
			s.Fatal(err)
		}
		views, err := s.Exchange(s.ctx, "a", map[string]fleet.Report{
			"k": {Instance: "a", Number: 1}, "other": {Instance: "a", Number: 1},
		})
		if err != nil || len(views) != 2 {
			s.Fatalf("%d views, %v", len(views), err)
		}
		s.report(views["k"], "a")
		if row := views["other"].Row; row.Identity != other.Identity || row.State != fleet.Open {
			s.Errorf("the other is now %+v", row)
		}
		row := views["k"].Row
		if row.State != fleet.Closed || row.Hold != fleet.NoHold || row.Identity == was.Identity {
			s.Fatalf("it reads as %+v", row)
		}
		healed := s.mustChange("k", row.Identity, after(row, 1, fleet.HalfOpen))
		if is := s.row("k"); is.Identity != healed.Identity || is.State != fleet.HalfOpen {
			s.Errorf("healed, it reads as %+v", is)
		}
		s.wantSweep(3, "k", "other")
	}},
	{"of those who make the first row at once, one does", func(s *store) {
		const makers = 8
		storages := []fleet.Storage{s.Storage, s.other()}
		for round := range 5 {
			key := fmt.Sprint("k", round)
			got := make([]fleet.Row, makers)
			var wg sync.WaitGroup
			for i := range makers {
				wg.Go(func() {
					row := open(time.Hour)
					row.Nonce = uint64(i) + 1
					is, err := storages[i%2].Change(s.ctx, key, fleet.Identity{}, row)
					if err != nil {
						s.Error(err)
					}
					got[i] = is
				})
			}
			wg.Wait()
			is := s.row(key)
			for _, row := range got {
				if row.Identity != is.Identity {
					s.Errorf("one was told of %+v, and %+v is there", row.Identity, is.Identity)
				}
			}
		}
	}},
	{"what is passed and returned is not shared", func(s *store) {
		given := open(time.Hour)
		given.State = fleet.HalfOpen
		given.Probes = []fleet.Probe{{Holder: "a", Number: 1, Remaining: time.Hour}}
		is := s.make("k", given)
		given.Probes[0].Holder, is.Probes[0].Holder = "x", "y"
		s.row("k").Probes[0].Holder = "z"
		if row := s.row("k"); row.Probes[0].Holder != "a" {
			s.Errorf("somebody else's probe is now %q's", row.Probes[0].Holder)
		}
		dismissed := []fleet.Accusation{{Suspect: "b", Number: 1}}
		asked := map[string]fleet.Report{"k": {Instance: "a", Number: 1, Dismissed: dismissed}}
		views, err := s.Exchange(s.ctx, "a", asked)
		if err != nil {
			s.Fatal(err)
		}
		dismissed[0].Suspect = "x"
		s.report(views["k"], "a").Dismissed[0].Suspect = "y"
		views["k"].Reports[0] = fleet.Report{Instance: "w"}
		delete(asked, "k")
		view := s.view("k")
		s.report(view, "a").Dismissed[0].Suspect = "z"
		if got := s.report(s.view("k"), "a").Dismissed[0].Suspect; got != "b" {
			s.Errorf("somebody else's dismissal is now about %q", got)
		}
	}},
}

// late says that a remaining time is not what it was or a little less.
func late(remaining, was time.Duration) bool {
	return remaining > was+grain || remaining < was-patience
}
