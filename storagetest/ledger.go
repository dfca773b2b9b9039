package storagetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// ledger is the storage as people see it. If they cannot look into it the test is skipped.
func (s *store) ledger() fleet.Ledger {
	s.Helper()
	ledger, ok := s.Storage.(fleet.Ledger)
	if !ok {
		s.Skip("the storage is no fleet.Ledger")
	}
	return ledger
}

// look looks at key as people do.
func (s *store) look(key string) fleet.Detail {
	s.Helper()
	d, err := s.ledger().Look(s.ctx, key)
	if err != nil {
		s.Fatalf("look at %q: %v", key, err)
	}
	return d
}

// list reads all pages, and gives the keys.
func (s *store) list(q fleet.Query) (keys []string, all []fleet.Circuit) {
	s.Helper()
	for {
		page, err := s.ledger().List(s.ctx, q)
		if err != nil {
			s.Fatalf("%+v: %v", q, err)
		}
		if len(page) == 0 {
			return keys, all
		}
		if q.Limit > 0 && len(page) > q.Limit {
			s.Fatalf("%+v: a page of %d", q, len(page))
		}
		for _, c := range page {
			keys = append(keys, c.Key)
		}
		all, q.After = append(all, page...), page[len(page)-1].Key
		if len(keys) > 1000 {
			s.Fatalf("%+v: it does not end: %q", q, keys[:20])
		}
	}
}

func (s *store) wantList(q fleet.Query, want ...string) {
	s.Helper()
	if keys, _ := s.list(q); !slices.Equal(keys, want) {
		s.Errorf("%+v: got %q, want %q", q, keys, want)
	}
}

// tell lets an instance that uses a circuit report about its row.
func (s *store) tell(instance, key string, row fleet.Row, r fleet.Report) {
	s.Helper()
	r.Number, r.Active, r.About = r.Number+1, true, row.Identity
	s.exchange(instance, key, r)
}

var ledgers = []test{
	{"who looks makes no row and is no instance", func(s *store) {
		if d := s.look("k"); !reflect.DeepEqual(d.Row, fleet.Row{}) || len(d.Reports) != 0 || d.Live != 0 {
			s.Errorf("%+v", d)
		}
		s.wantList(fleet.Query{})
		s.make("k", open(time.Hour)) // with an instance that looks
		s.look("k")
		s.wantList(fleet.Query{}, "k")
		if all, err := s.ledger().Instances(s.ctx); err != nil || len(all) != 1 || all[0].Name != observer || all[0].Seen < 0 || all[0].Seen > patience {
			s.Errorf("%+v, %v", all, err)
		}
	}},
	{"a list has every circuit once, in the order of the bytes, whatever is in the keys", func(s *store) {
		want := s.hostile()
		views := map[string]fleet.Report{}
		for _, key := range want {
			views[key] = fleet.Report{Instance: "a", Number: 1}
		}
		s.ledger()
		if _, err := s.Exchange(s.ctx, "a", views); err != nil {
			s.Fatal(err)
		}
		slices.Sort(want)
		for _, limit := range []int{0, 1, 7} {
			s.wantList(fleet.Query{Limit: limit}, want...)
		}
		for _, prefix := range []string{"k", "k%", "k_", `k\`, "'", "世", "\u00e9", "nothing"} {
			var begin []string
			for _, key := range want {
				if strings.HasPrefix(key, prefix) {
					begin = append(begin, key)
				}
			}
			s.wantList(fleet.Query{Prefix: prefix, Limit: 5}, begin...)
			s.wantList(fleet.Query{Prefix: prefix, After: prefix}, slices.DeleteFunc(begin, func(key string) bool { return key == prefix })...)
		}
		s.wantList(fleet.Query{Prefix: "k", After: "zzz"})
		for _, key := range want {
			if d := s.look(key); d.Key != key || d.Row.Incarnation == 0 || len(d.Reports) != 1 {
				s.Errorf("%q: %+v", key, d)
			}
		}
	}},
	{"a list is of what is asked for", func(s *store) {
		s.ledger()
		row := func(state fleet.State, hold fleet.Hold) fleet.Row {
			return fleet.Row{Identity: fleet.Identity{Epoch: 1, Nonce: 9}, State: state, Hold: hold}
		}
		s.row("calm")
		suspected := s.row("suspected")
		s.tell("a", "suspected", suspected, fleet.Report{Suspicion: 1})
		old := s.row("suspected before")
		s.tell("a", "suspected before", old, fleet.Report{Suspicion: 1})
		s.mustChange("suspected before", old.Identity, row(fleet.Closed, fleet.NoHold))
		s.make("open", open(time.Hour))
		s.make("half", row(fleet.HalfOpen, fleet.NoHold))
		s.make("isolated", row(fleet.Open, fleet.Isolated))
		s.make("disabled", row(fleet.Closed, fleet.Disabled))
		s.wantList(fleet.Query{States: []fleet.State{fleet.Open}}, "isolated", "open")
		s.wantList(fleet.Query{States: []fleet.State{fleet.Open, fleet.HalfOpen}, Limit: 1}, "half", "isolated", "open")
		s.wantList(fleet.Query{Holds: []fleet.Hold{fleet.Isolated, fleet.Disabled}}, "disabled", "isolated")
		s.wantList(fleet.Query{States: []fleet.State{fleet.Closed}, Holds: []fleet.Hold{fleet.NoHold}, Prefix: "s"}, "suspected", "suspected before")
		s.wantList(fleet.Query{Busy: true}, "disabled", "half", "isolated", "open", "suspected")
		s.wantList(fleet.Query{Busy: true, States: []fleet.State{fleet.Closed}}, "disabled", "suspected")
	}},
	{"a list sums up what the instances say, and a look has it all", func(s *store) {
		s.ledger()
		row := s.make("k", fleet.Row{Identity: fleet.Identity{Epoch: 1, Nonce: 5}, State: fleet.Open, Hold: fleet.HeldOpen,
			Reason: fleet.Commanded, By: "ann", Note: "INC-7", Remaining: time.Hour})
		same := fleet.Settings{Failures: 3, Window: 10, Successes: 2, Probes: 4, Cooldown: time.Minute}
		s.tell("c", "k", row, fleet.Report{Failures: 2, Outcomes: 10, Settings: same, Suspicion: 4})
		s.tell("b", "k", row, fleet.Report{Failures: 5, Outcomes: 9, Settings: same})
		s.exchange("a", "k", fleet.Report{Number: 1, Failures: 1, Outcomes: 1, Suspicion: 3, About: fleet.Identity{Epoch: 9}}) // of no use here
		s.tell("a", "other", s.row("other"), fleet.Report{Failures: 100, Outcomes: 100})
		want := fleet.Circuit{Key: "k", Row: row, Failures: 8, Outcomes: 20, Active: 2, Suspects: 1}
		check := func(got fleet.Circuit) {
			s.Helper()
			if late(got.Row.Remaining, time.Hour) || got.Changed < 0 || got.Changed > patience {
				s.Errorf("%+v", got)
			}
			got.Row.Remaining, got.Changed = row.Remaining, 0
			if !reflect.DeepEqual(got, want) {
				s.Errorf("got %+v, want %+v", got, want)
			}
		}
		_, all := s.list(fleet.Query{Prefix: "k"})
		check(all[0])
		d := s.look("k")
		check(d.Circuit)
		if names := fmt.Sprint(d.Reports[0].Instance, d.Reports[1].Instance, d.Reports[2].Instance); len(d.Reports) < 3 || names != "abc" {
			s.Fatalf("%+v", d.Reports)
		}
		view := s.exchange("a", "k", fleet.Report{}) // which reads
		if len(d.View().Reports) != len(d.Reports) || d.View().Live != view.Live {
			s.Errorf("people see %+v, and instances %+v", d.View(), view)
		}
		for _, told := range d.Reports {
			was := s.report(view, told.Instance)
			if told.Ago < 0 || told.Ago > patience || told.Age > was.Age+grain {
				s.Errorf("%+v", told)
			}
			told.Age = was.Age
			if !reflect.DeepEqual(told.Report, was) {
				s.Errorf("people see %+v, and instances %+v", told.Report, was)
			}
		}
		other := same
		other.Cooldown += time.Second
		s.tell("b", "k", row, fleet.Report{Number: 1, Failures: 5, Outcomes: 9, Settings: other})
		want.Disagree = true
		_, all = s.list(fleet.Query{Prefix: "k"})
		check(all[0])
		check(s.look("k").Circuit)
	}},
	{"what is told has an age, and vanishes with who has told it", func(s *store) {
		s.ledger()
		s.clock()
		row := s.make("k", open(time.Hour))
		s.tell("a", "k", row, fleet.Report{Failures: 2, Outcomes: 2, Suspicion: 1})
		s.pass(4 * time.Second)
		s.tell("b", "k", row, fleet.Report{Failures: 1, Outcomes: 2})
		s.pass(2 * time.Second)
		near := func(got, want time.Duration) bool { return got >= want && got < want+patience/2 }
		d := s.look("k")
		if !near(d.Changed, 6*time.Second) || !near(d.Reports[0].Ago, 6*time.Second) || !near(d.Reports[0].Age, 6*time.Second) || d.Reports[1].Ago >= d.Reports[0].Ago {
			s.Errorf("%+v", d)
		}
		again := s.mustChange("k", row.Identity, after(row, 0, fleet.Open)) // the epoch goes on
		if d := s.look("k"); !near(d.Changed, 6*time.Second) {
			s.Errorf("a change within the epoch: %v", d.Changed)
		}
		s.heartbeat("b")
		s.pass(5 * time.Second)
		d = s.look("k")
		if len(d.Reports) != 1 || d.Failures != 1 || d.Suspects != 0 || d.Active != 1 {
			s.Errorf("%+v", d)
		}
		if _, all := s.list(fleet.Query{}); all[0].Failures != 1 || all[0].Active != 1 || all[0].Suspects != 0 {
			s.Errorf("%+v", all)
		}
		if all, err := s.ledger().Instances(s.ctx); err != nil || len(all) != 1 || all[0].Name != "b" || !near(all[0].Seen, 5*time.Second) {
			s.Errorf("%+v, %v", all, err)
		}
		s.mustChange("k", again.Identity, after(again, 1, fleet.HalfOpen))
		if d := s.look("k"); near(d.Changed, 11*time.Second) {
			s.Errorf("a new epoch: %v", d.Changed)
		}
		s.pass(-time.Hour)
		if d := s.look("k"); d.Changed < 0 || d.Changed > patience {
			s.Errorf("with a clock that is set back: %v", d.Changed)
		}
	}},
	{"a row that makes no sense reads as a closed one, and hides no other", func(s *store) {
		s.ledger()
		spoiler, ok := s.Storage.(Spoiler)
		if !ok {
			s.Skip("the storage is no storagetest.Spoiler")
		}
		s.make("k", open(time.Hour))
		s.make("l", open(time.Hour))
		if err := spoiler.Spoil("k"); err != nil {
			s.Fatal(err)
		}
		if d := s.look("k"); d.Row.State != fleet.Closed || d.Row.Hold != fleet.NoHold {
			s.Errorf("%+v", d)
		}
		if keys, _ := s.list(fleet.Query{}); !slices.Contains(keys, "l") {
			s.Errorf("%q", keys)
		}
		s.wantList(fleet.Query{Busy: true}, "l")
		s.wantList(fleet.Query{States: []fleet.State{fleet.Open}}, "l")
	}},
	{"keys that cannot be held are errors, and so is a context that has ended", func(s *store) {
		l := s.ledger()
		for _, key := range bad[1:] {
			if d, err := l.Look(s.ctx, key); err == nil {
				s.Errorf("%.20q: %+v", key, d)
			}
			if is, removed, err := l.Remove(s.ctx, key, fleet.Identity{Incarnation: 1}, "ann", ""); err == nil || removed {
				s.Errorf("%.20q: %+v", key, is)
			}
		}
		if _, err := l.Look(s.ctx, ""); !errors.Is(err, fleet.ErrRefused) {
			s.Error(err)
		}
		row := s.make("k", open(time.Hour))
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		for what, err := range map[string]error{
			"list":      second(l.List(ctx, fleet.Query{})),
			"look":      second(l.Look(ctx, "k")),
			"history":   second(l.History(ctx, fleet.HistoryQuery{})),
			"instances": second(l.Instances(ctx)),
			"remove":    third(l.Remove(ctx, "k", row.Identity, "ann", "")),
		} {
			if !errors.Is(err, context.Canceled) {
				s.Errorf("%s: %v", what, err)
			}
		}
		if err := s.Close(s.ctx); err != nil {
			s.Fatal(err)
		}
		for what, err := range map[string]error{
			"list":      second(l.List(s.ctx, fleet.Query{})),
			"look":      second(l.Look(s.ctx, "k")),
			"history":   second(l.History(s.ctx, fleet.HistoryQuery{})),
			"instances": second(l.Instances(s.ctx)),
			"remove":    third(l.Remove(s.ctx, "k", row.Identity, "ann", "")),
		} {
			if !errors.Is(err, fleet.ErrClosed) {
				s.Errorf("%s of a closed storage: %v", what, err)
			}
		}
	}},
}
