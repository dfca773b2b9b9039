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
	{"a key that nobody has asked about gets a row of its own", func(s *store) {
		view := s.view("k")
		if !untouched(view.Row) || len(view.Reports) != 0 {
			s.Errorf("got %+v", view)
		}
		if row := s.row("k"); !reflect.DeepEqual(row, view.Row) {
			s.Errorf("asked again: %+v after %+v", row, view.Row)
		}
		views, err := s.Exchange(s.ctx, "a", map[string]fleet.Report{"l": {}, "m": {}}) // which only look
		if err != nil || !untouched(views["l"].Row) || !untouched(views["m"].Row) {
			s.Errorf("got %+v, %v", views, err)
		}
		s.wantSweep(3)
	}},
	{"a change where there is no row makes none", func(s *store) {
		for _, from := range []fleet.Identity{{}, {Epoch: 1}, {Nonce: 1}, {Incarnation: 1}, {Incarnation: 1, Epoch: 1, Nonce: 1}} {
			if is := s.change("k", from, open(time.Minute)); !reflect.DeepEqual(is, fleet.Row{}) {
				s.Errorf("a change from %+v has made %+v", from, is)
			}
		}
		s.wantSweep(3)
		if row := s.row("k"); !untouched(row) {
			s.Errorf("changes that were not made have left %+v", row)
		}
	}},
	{"the zero identity is that of no row", func(s *store) {
		row := s.row("k")
		for range 2 { // a row that nobody has changed, and one that somebody has
			if is := s.change("k", fleet.Identity{}, open(time.Minute)); !reflect.DeepEqual(is, row) {
				s.Errorf("%+v has become %+v", row, is)
			}
			row = s.mustChange("k", row.Identity, after(row, 1, fleet.Closed))
		}
	}},
	{"a row keeps all that a change puts there", func(s *store) {
		row := fleet.Row{
			Identity:  fleet.Identity{Epoch: math.MaxInt64, Nonce: math.MaxUint64},
			State:     fleet.HalfOpen,
			Hold:      fleet.HeldOpen,
			Reason:    fleet.HoldOver,
			By:        `o'brien "the" \ 世界`,
			Note:      `it's "down" \ 世界`,
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
			"no incarnation":      {Epoch: is.Epoch, Nonce: is.Nonce},
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
			first := s.row("k")
			if seen[first.Incarnation] {
				s.Fatalf("incarnation %d is there again", first.Incarnation)
			}
			seen[first.Incarnation] = true
			if !untouched(first) {
				s.Fatalf("after the deletion: %+v", first)
			}
			row := s.mustChange("k", first.Identity, open(time.Hour))
			if is := s.change("k", last.Identity, after(last, 1, fleet.Closed)); is.Identity != row.Identity {
				s.Fatalf("a change from the row that was deleted has left %+v", is)
			}
			s.exchange("a", "k", fleet.Report{Number: 5, Suspicion: 1, About: row.Identity})
			if err := deleter.Delete("k"); err != nil {
				s.Fatal(err)
			}
			for _, from := range []fleet.Row{first, row} {
				if is := s.change("k", from.Identity, after(from, 1, fleet.Open)); !reflect.DeepEqual(is, fleet.Row{}) {
					s.Fatalf("a change from the row that was deleted has made %+v", is)
				}
			}
			last = row
		}
	}},
	{"a first change that comes late is not made of another row at the key", func(s *store) {
		deleter, ok := s.Storage.(Deleter)
		if !ok {
			s.Skip("the storage is no storagetest.Deleter")
		}
		first := s.row("k")
		delayed := after(first, 1, fleet.Open)
		s.mustChange("k", first.Identity, after(first, 1, fleet.HalfOpen))
		if err := deleter.Delete("k"); err != nil {
			s.Fatal(err)
		}
		again := s.row("k") // like the first, as far as one can see
		for range 2 {
			if is := s.change("k", first.Identity, delayed); !reflect.DeepEqual(is, again) {
				s.Fatalf("%+v has become %+v", again, is)
			}
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
	{"those who ask about a key at once are shown one row, and one of them changes it", func(s *store) {
		const makers = 8
		storages := []fleet.Storage{s.Storage, s.other()}
		for round := range 5 {
			key := fmt.Sprint("k", round)
			shown := make([]fleet.Identity, makers)
			var asking sync.WaitGroup
			for i := range makers {
				asking.Go(func() {
					views, err := storages[i%2].Exchange(s.ctx, fmt.Sprint("i", i), map[string]fleet.Report{key: {}})
					if err != nil {
						s.Error(err)
					}
					shown[i] = views[key].Row.Identity
				})
			}
			asking.Wait()
			for _, id := range shown {
				if id != shown[0] || id.Incarnation == 0 {
					s.Fatalf("they were shown %+v", shown)
				}
			}
			got := make([]fleet.Row, makers)
			var wg sync.WaitGroup
			for i := range makers {
				wg.Go(func() {
					row := open(time.Hour)
					row.Nonce = uint64(i) + 1
					is, err := storages[i%2].Change(s.ctx, key, shown[i], row)
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
		views["k"].Reports[0] = fleet.Report{Instance: "w"}
		delete(asked, "k")
		view := s.view("k")
		for i := range view.Reports {
			view.Reports[i].Instance, view.Reports[i].Dismissed = "x", nil
		}
		if got := s.report(s.view("k"), "a").Dismissed[0].Suspect; got != "b" {
			s.Errorf("somebody else's dismissal is now about %q", got)
		}
	}},
}

// untouched says that a row is as one is made.
func untouched(row fleet.Row) bool {
	return row.Incarnation != 0 && row.Epoch == 0 && reflect.DeepEqual(row, fleet.Row{Identity: row.Identity})
}

// late says that a remaining time is not what it was or a little less.
func late(remaining, was time.Duration) bool {
	return remaining > was+grain || remaining < was-patience
}
