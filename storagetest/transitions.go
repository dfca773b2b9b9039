package storagetest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// notes are words that something on the way might take for a command.
var notes = []string{
	"", " ", `it's "down" \ {}`, `'; DELETE FROM hw_transitions; --`, "\\u0000 $1 %s $$", "a\r\nb\t", "\x1b[31m", "世界 🚦 \u202e",
	"null", `{"note": 1}`, strings.Repeat("n", fleet.LongestNote), strings.Repeat("世", fleet.LongestNote/3),
}

// badNotes are notes that a storage must refuse.
var badNotes = []string{"\x00", "a\x00b", "\xff", "a\xc3\x28", strings.Repeat("n", fleet.LongestNote+1), strings.Repeat("n", 10_000)}

// past reads all pages of the history.
func (s *store) past(q fleet.HistoryQuery) (all []fleet.Transition) {
	s.Helper()
	for {
		page, err := s.ledger().History(s.ctx, q)
		if err != nil {
			s.Fatalf("%+v: %v", q, err)
		}
		if len(page) == 0 {
			return all
		}
		if q.Limit > 0 && len(page) > q.Limit {
			s.Fatalf("%+v: a page of %d", q, len(page))
		}
		all, q.Before = append(all, page...), page[len(page)-1].ID
		if len(all) > 1000 {
			s.Fatalf("%+v: it does not end", q)
		}
	}
}

func (s *store) remove(key string, from fleet.Identity, by, note string) (is fleet.Row, removed bool) {
	s.Helper()
	is, removed, err := s.ledger().Remove(s.ctx, key, from, by, note)
	if err != nil {
		s.Fatalf("removal of %q: %v", key, err)
	}
	return is, removed
}

var noteTests = []test{
	{"a note is kept as it is with its row, and a later change has its own", func(s *store) {
		row := s.row("k")
		for _, note := range notes {
			next := after(row, 1, fleet.HalfOpen)
			next.Note, next.Probes = note, []fleet.Probe{{Holder: "a", Number: 1, Remaining: time.Hour}}
			row = s.mustChange("k", row.Identity, next)
			if seen := s.row("k"); row.Note != note || seen.Note != note {
				s.Errorf("%.40q became %.40q, and then %.40q", note, row.Note, seen.Note)
			}
			within := after(row, 0, fleet.HalfOpen)
			within.Note = "of the same epoch"
			if row = s.mustChange("k", row.Identity, within); s.row("k").Note != within.Note {
				s.Errorf("%q is still there", s.row("k").Note)
			}
		}
		s.mustChange("k", row.Identity, after(row, 1, fleet.Closed))
		if is := s.row("k"); is.Note != "" {
			s.Errorf("%q is left", is.Note)
		}
	}},
	{"a note that cannot be kept is refused, and changes nothing", func(s *store) {
		row := s.make("k", open(time.Hour))
		for _, note := range badNotes {
			next := after(row, 1, fleet.Closed)
			next.Note = note
			if is, err := s.Change(s.ctx, "k", row.Identity, next); err == nil {
				s.Errorf("%.20q is kept as %.20q", note, is.Note)
			}
			if is := s.row("k"); is.Identity != row.Identity {
				s.Fatalf("%.20q: %+v is there", note, is)
			}
		}
	}},
}

var transitions = []test{
	{"the history has every epoch, the newest first, in pages", func(s *store) {
		s.ledger()
		row := s.row("k")
		s.row("calm")
		other := s.make("other", open(time.Hour))
		var want []fleet.Transition // the oldest first
		for i, to := range []fleet.Row{
			{State: fleet.Open, Reason: fleet.Testified, By: "a", Remaining: time.Hour},
			{State: fleet.HalfOpen, Reason: fleet.CooldownOver, By: "b"},
			{State: fleet.Open, Hold: fleet.Isolated, Reason: fleet.Commanded, By: `o'brien "x"`, Note: notes[3]},
			{State: fleet.Closed, Hold: fleet.Disabled, Reason: fleet.Commanded, By: "ann", Note: notes[2]},
			{State: fleet.Closed, Reason: fleet.HoldOver, By: "c"},
		} {
			to.Identity = fleet.Identity{Epoch: row.Epoch + 1, Nonce: uint64(i) + 7}
			is := s.mustChange("k", row.Identity, to)
			want = append(want, fleet.Transition{Key: "k", Identity: is.Identity, From: row.State, To: to.State,
				Hold: to.Hold, Reason: to.Reason, By: to.By, Note: to.Note})
			// What happens within the epoch is no transition.
			row = s.mustChange("k", is.Identity, after(is, 0, to.State))
		}
		if is := s.change("k", want[0].Identity, after(row, 1, fleet.Open)); is.Identity != row.Identity {
			s.Fatalf("%+v", is)
		}
		for _, limit := range []int{0, 1, 3} {
			got := s.past(fleet.HistoryQuery{Key: "k", Limit: limit})
			if len(got) != len(want) {
				s.Fatalf("%d transitions, not %d: %+v", len(got), len(want), got)
			}
			for i, is := range got {
				was := want[len(want)-1-i]
				if is.ID == 0 || i > 0 && is.ID >= got[i-1].ID || is.Ago < 0 || is.Ago > patience || is.At.IsZero() {
					s.Errorf("%+v", is)
				}
				is.ID, is.At, is.Ago, is.Nonce, was.Nonce = 0, time.Time{}, 0, 0, 0
				if !reflect.DeepEqual(is, was) {
					s.Errorf("got %+v, want %+v", is, was)
				}
			}
		}
		if all := s.past(fleet.HistoryQuery{Limit: 2}); len(all) != len(want)+1 || all[0].Key != "k" || all[len(all)-1].Key != "other" || all[len(all)-1].By != other.By {
			s.Errorf("of all keys: %+v", all)
		}
		if none := s.past(fleet.HistoryQuery{Key: "calm"}); len(none) != 0 {
			s.Errorf("%+v", none)
		}
	}},
	{"a transition keeps what the reports said", func(s *store) {
		s.ledger()
		row := s.row("k")
		about := fleet.Accusation{Suspect: "b", Number: 7}
		s.tell("b", "k", row, fleet.Report{Suspicion: 7, Refuses: true, Failures: 5, Outcomes: 10})
		s.tell("a", "k", row, fleet.Report{Suspicion: 1, Refuses: true, Failures: 3, Outcomes: 10})
		s.tell("c", "k", row, fleet.Report{Testimony: fleet.Testimony{About: about, Sum: 6.5, Calls: 9}, Failures: 1, Outcomes: 4})
		s.tell("d", "k", row, fleet.Report{Testimony: fleet.Testimony{About: about, Sum: -1.25, Calls: 8}, Outcomes: 5})
		s.exchange("idle", "k", fleet.Report{Number: 1, About: row.Identity, Failures: 50, Outcomes: 50})
		s.exchange("late", "k", fleet.Report{Number: 1, Active: true, About: fleet.Identity{Epoch: 5}, Failures: 50, Outcomes: 50})
		row = s.mustChange("k", row.Identity, open(time.Hour))
		half := after(row, 1, fleet.HalfOpen)
		half.Lost = 2
		half.Probes = []fleet.Probe{{Holder: "a", Number: 1, Result: fleet.Succeeded}, {Holder: "b", Number: 1, Result: fleet.Succeeded},
			{Holder: "c", Number: 1, Result: fleet.Failed}, {Holder: "d", Number: 1, Remaining: time.Hour}}
		row = s.mustChange("k", row.Identity, half)
		s.mustChange("k", row.Identity, after(row, 1, fleet.Closed))
		got := s.past(fleet.HistoryQuery{Key: "k"})
		for i, want := range []fleet.Evidence{
			{Succeeded: 2, Failed: 1, Pending: 1, Lost: 2},
			{},
			{Instances: 4, Refusing: 2, Suspects: []string{"b", "a"}, Witnesses: 2, Calls: 17, Testimony: 5.25, Failures: 9, Outcomes: 29},
		} {
			if !reflect.DeepEqual(got[i].Evidence, want) {
				s.Errorf("%v: got %+v, want %+v", got[i].To, got[i].Evidence, want)
			}
		}
	}},
	{"a row is removed by whoever knows it, with the reports, and the history says who and why", func(s *store) {
		s.ledger()
		for _, note := range append(badNotes, notes...) {
			row := s.row("k")
			s.tell("a", "k", row, fleet.Report{Suspicion: 1, Failures: 1})
			if slices.Contains(badNotes, note) {
				if is, removed, err := s.ledger().Remove(s.ctx, "k", row.Identity, "ann", note); err == nil || removed {
					s.Errorf("%.20q: %+v", note, is)
				}
				continue
			}
			for _, wrong := range []fleet.Identity{{}, {Epoch: row.Epoch, Nonce: row.Nonce}, {Incarnation: row.Incarnation, Epoch: row.Epoch + 1, Nonce: row.Nonce},
				{Incarnation: row.Incarnation, Epoch: row.Epoch, Nonce: row.Nonce + 1}} {
				if is, removed := s.remove("k", wrong, "bob", note); removed || is.Identity != row.Identity {
					s.Errorf("%+v has removed %+v", wrong, row.Identity)
				}
			}
			if is, removed := s.remove("k", row.Identity, `ann "x"`, note); !removed || !reflect.DeepEqual(is, fleet.Row{}) {
				s.Errorf("%+v is left", is)
			}
			if is, removed := s.remove("k", row.Identity, "bob", "again"); removed || !reflect.DeepEqual(is, fleet.Row{}) {
				s.Errorf("removed again: %v, %+v is left", removed, is)
			}
			if d := s.look("k"); d.Row.Incarnation != 0 || len(d.Reports) != 0 {
				s.Errorf("%+v", d)
			}
			if got := s.past(fleet.HistoryQuery{Key: "k", Limit: 10})[0]; !got.Deleted || got.Made || got.From != fleet.Closed || got.By != `ann "x"` || got.Note != note ||
				got.Incarnation != row.Incarnation || got.Reason != fleet.Commanded {
				s.Errorf("%+v", got)
			}
			// S11: what was decided about it does not apply to the next.
			again := s.row("k")
			if is, removed := s.remove("k", row.Identity, "bob", ""); removed || is.Identity != again.Identity || !untouched(again) || again.Incarnation == row.Incarnation {
				s.Errorf("%+v after %+v", again, row)
			}
		}
		if got := len(s.past(fleet.HistoryQuery{Key: "k"})); got != len(notes) {
			s.Errorf("%d removals in the history, not %d", got, len(notes))
		}
		s.wantSweep(3)
	}},
	{"of a removal and changes at once one is made (S1)", func(s *store) {
		s.ledger()
		others := []fleet.Ledger{s.ledger(), s.other().(fleet.Ledger)}
		for round := range 10 {
			key := fmt.Sprint("k", round)
			row := s.row(key)
			var acting sync.WaitGroup
			made := make([]bool, 4)
			for i := range made {
				acting.Go(func() {
					var is fleet.Row
					var err error
					if i%2 == 0 {
						_, made[i], err = others[i/2].Remove(s.ctx, key, row.Identity, fmt.Sprint(i), "")
					} else {
						to := after(row, 1, fleet.Open)
						to.Nonce = uint64(100 + i)
						is, err = others[i/2].Change(s.ctx, key, row.Identity, to)
						made[i] = is.Nonce == to.Nonce
					}
					if err != nil {
						s.Error(err)
					}
				})
			}
			acting.Wait()
			removed := s.look(key).Row.Incarnation == 0
			if removed != (made[0] != made[2]) || made[0] && made[2] || removed == (made[1] || made[3]) || made[1] && made[3] {
				s.Errorf("removed: %v, and they say %v", removed, made)
			}
			if got := s.past(fleet.HistoryQuery{Key: key}); len(got) != 1 || got[0].Deleted != removed || removed && !made[got[0].By[0]-'0'] {
				s.Errorf("they say %v: %+v", made, got)
			}
		}
	}},
}
