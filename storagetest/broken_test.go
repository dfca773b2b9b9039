package storagetest_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/storagetest"
)

// broken are storages that break one promise each, with a test that must notice.
var broken = map[string]struct {
	open    func() fleet.Storage
	noticed string
}{
	"a change without looking at the identity": {
		func() fleet.Storage { return &blind{newInMemory()} }, "a_change_from_the_right_identity",
	},
	"a change that reads first and then writes": {
		func() fleet.Storage { return &racing{inMemory: newInMemory(), rows: map[string]fleet.Row{}} }, "what_clients_see_could_have",
	},
	"an exchange that reads first and then stores": {
		func() fleet.Storage { return &readsFirst{inMemory: newInMemory()} }, "of_those_who_report_at_once,_one_sees_all",
	},
	"a report that comes late replaces a newer one": {
		func() fleet.Storage { return &latest{inMemory: newInMemory()} }, "a_report_that_comes_late_never",
	},
	"reports without what people want to see": {
		func() fleet.Storage { return &taciturn{newInMemory()} }, "a_report_keeps_the_window",
	},
	"a deadline that starts anew with each change": {
		func() fleet.Storage { return &restarting{newInMemory()} }, "no_change_within_the_epoch_moves",
	},
	"one bad key loses its batch": {
		func() fleet.Storage { return &allOrNothing{newInMemory()} }, "one_bad_key_loses_no_other",
	},
	"a sweep that forgets where it was": {
		func() fleet.Storage { return &forgetful{newInMemory()} }, "exactly_what_goes_on",
	},
	"a watch that hears nothing": {
		func() fleet.Storage { return &deaf{newInMemory()} }, "a_watch_hears_of_changes",
	},
	"keys in lower case": {
		func() fleet.Storage { return &lower{newInMemory()} }, "keys_are_independent",
	},
	"a row that is made again is the one before": {
		func() fleet.Storage { return &oneIncarnation{newInMemory()} }, "a_row_that_is_deleted_and_made_again",
	},
	"a first change that comes late, of a row that is made again as it was": {
		func() fleet.Storage { return &oneIncarnation{newInMemory()} }, "a_first_change_that_comes_late",
	},
	"a change that makes the row": {
		func() fleet.Storage { return &making{newInMemory()} }, "a_change_where_there_is_no_row_makes_none",
	},
	"a row that nobody has changed has no identity": {
		func() fleet.Storage { return &nameless{newInMemory()} }, "the_zero_identity_is_that_of_no_row",
	},
	"a clock that is set back makes deadlines longer": {
		func() fleet.Storage { return &longer{inMemory: newInMemory()} }, "a_clock_that_is_set_back",
	},
	"a note that is lost": {
		func() fleet.Storage { return &noteless{newInMemory()} }, "a_note_is_kept_as_it_is",
	},
	"a note of any length": {
		func() fleet.Storage { return &endless{newInMemory()} }, "a_note_that_cannot_be_kept",
	},
	"a list that begins anew with each page": {
		func() fleet.Storage { return &listless{newInMemory()} }, "a_list_has_every_circuit_once",
	},
	"a look that makes a row": {
		func() fleet.Storage { return &asks{newInMemory()} }, "who_looks_makes_no_row",
	},
	"a history without the words of people": {
		func() fleet.Storage { return &silent{newInMemory()} }, "the_history_has_every_epoch",
	},
	"a removal without looking at the identity": {
		func() fleet.Storage { return &removing{newInMemory()} }, "a_row_is_removed_by_whoever_knows_it",
	},
	"a removal that somebody else has made": {
		func() fleet.Storage { return &claiming{newInMemory()} }, "a_row_is_removed_by_whoever_knows_it",
	},
	"deadlines from when a change was asked for": {
		func() fleet.Storage { return &asking{newInMemory()} }, "a_change_that_has_to_wait",
	},
}

// TestTheSuiteNotices runs the suite on each broken storage, in a process of its own
// because it has to fail there.
func TestTheSuiteNotices(t *testing.T) {
	if name := os.Getenv("STORAGETEST_BROKEN"); name != "" {
		*storagetest.Patience = time.Second
		storagetest.Run(t, func(*testing.T) fleet.Storage { return broken[name].open() })
		return
	}
	for _, name := range slices.Sorted(maps.Keys(broken)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.Command(os.Args[0], "-test.run=^TestTheSuiteNotices$/./^"+broken[name].noticed, "-test.v", "-test.timeout=60s")
			command.Env = append(os.Environ(), "STORAGETEST_BROKEN="+name)
			output, err := command.CombinedOutput()
			if err == nil || !strings.Contains(string(output), "--- FAIL") || !strings.Contains(string(output), broken[name].noticed) {
				t.Errorf("the suite has not noticed: %v\n%s", err, output)
			}
		})
	}
}

type blind struct{ *inMemory }

func (s *blind) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	return s.inMemory.Change(ctx, key, s.Row(key).Identity, row)
}

// racing keeps the rows itself.
type racing struct {
	*inMemory
	mu   sync.Mutex
	rows map[string]fleet.Row
}

func (s *racing) read(key string) fleet.Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows[key]
}

func (s *racing) Change(_ context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	if is := s.read(key); is.Identity != from {
		return is, nil
	}
	time.Sleep(100 * time.Microsecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	row.Incarnation = 1
	s.rows[key] = row
	return row, nil
}

func (s *racing) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	views, err := s.inMemory.Exchange(ctx, instance, reports)
	for key, view := range views {
		view.Row = s.read(key)
		views[key] = view
	}
	return views, err
}

// readsFirst answers with what there was before, and what was just stored: like one
// statement in a database, which sees its own snapshot.
type readsFirst struct {
	*inMemory
	n atomic.Uint64
}

func (s *readsFirst) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	look := map[string]fleet.Report{}
	for key := range reports {
		look[key] = fleet.Report{Number: s.n.Add(1)}
	}
	before, err := s.inMemory.Exchange(ctx, "ghost", look)
	if err != nil {
		return nil, err
	}
	time.Sleep(time.Millisecond)
	views, err := s.inMemory.Exchange(ctx, instance, reports)
	for key, view := range views {
		old := before[key]
		mine := func(r fleet.Report) bool { return r.Instance == instance }
		other := func(r fleet.Report) bool { return r.Instance == instance || r.Instance == "ghost" }
		old.Reports = slices.DeleteFunc(old.Reports, other)
		old.Reports = append(old.Reports, view.Reports[slices.IndexFunc(view.Reports, mine)])
		views[key] = old
	}
	return views, err
}

// latest numbers the reports by when they come.
type latest struct {
	*inMemory
	mu sync.Mutex
	n  uint64
}

func (s *latest) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	numbered := map[string]fleet.Report{}
	for key, r := range reports {
		s.n++
		r.Number = s.n
		numbered[key] = r
	}
	return s.inMemory.Exchange(ctx, instance, numbered)
}

type taciturn struct{ *inMemory }

func (s *taciturn) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	views, err := s.inMemory.Exchange(ctx, instance, reports)
	for _, view := range views {
		for i := range view.Reports {
			view.Reports[i].Settings = fleet.Settings{}
		}
	}
	return views, err
}

type restarting struct{ *inMemory }

func (s *restarting) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	is, err := s.inMemory.Change(ctx, key, from, row)
	is.Remaining = row.Remaining
	return is, err
}

type allOrNothing struct{ *inMemory }

func (s *allOrNothing) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	views, err := s.inMemory.Exchange(ctx, instance, reports)
	if err != nil {
		return nil, err
	}
	return views, nil
}

type forgetful struct{ *inMemory }

func (s *forgetful) Sweep(ctx context.Context, after string, limit int) ([]string, error) {
	page, err := s.inMemory.Sweep(ctx, after, limit)
	if len(page) > 1 && after != "" {
		page = page[1:]
	}
	return page, err
}

type deaf struct{ *inMemory }

func (s *deaf) Watch(ctx context.Context, _ func(string)) error {
	return s.inMemory.Watch(ctx, func(string) {})
}

type lower struct{ *inMemory }

func (s *lower) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	return s.inMemory.Change(ctx, strings.ToLower(key), from, row)
}

// oneIncarnation shows every row as of incarnation 1.
type oneIncarnation struct{ *inMemory }

func (s *oneIncarnation) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	if from.Incarnation == 1 {
		from.Incarnation = s.Row(key).Incarnation
	}
	is, err := s.inMemory.Change(ctx, key, from, row)
	if is.Incarnation != 0 {
		is.Incarnation = 1
	}
	return is, err
}

func (s *oneIncarnation) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	views, err := s.inMemory.Exchange(ctx, instance, reports)
	for key, view := range views {
		view.Row.Incarnation = 1
		views[key] = view
	}
	return views, err
}

// making makes a row of which nobody knows.
type making struct{ *inMemory }

func (s *making) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	if from == (fleet.Identity{}) && s.Row(key).Incarnation == 0 {
		views, err := s.inMemory.Exchange(ctx, "a", map[string]fleet.Report{key: {}})
		if err != nil {
			return fleet.Row{}, err
		}
		from = views[key].Row.Identity
	}
	return s.inMemory.Change(ctx, key, from, row)
}

// nameless takes the zero identity for that of any row that nobody has changed.
type nameless struct{ *inMemory }

func (s *nameless) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	if is := s.Row(key); from == (fleet.Identity{}) && is.Epoch == 0 {
		from = is.Identity
	}
	return s.inMemory.Change(ctx, key, from, row)
}

// longer keeps instants only, and says what is left until then.
type longer struct {
	*inMemory
	back atomic.Int64
}

func (s *longer) Advance(d time.Duration) {
	s.back.Add(int64(-d))
	s.inMemory.Advance(d)
}

func (s *longer) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	views, err := s.inMemory.Exchange(ctx, instance, reports)
	for key, view := range views {
		if view.Row.Remaining != 0 {
			view.Row.Remaining += max(0, time.Duration(s.back.Load()))
			views[key] = view
		}
	}
	return views, err
}

// asking reads its clock before it waits.
type asking struct{ *inMemory }

func (s *asking) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	asked := s.clock.read()
	is, err := s.inMemory.Change(ctx, key, from, row)
	if is.Remaining > 0 {
		is.Remaining -= s.clock.read().Sub(asked)
	}
	return is, err
}

type noteless struct{ *inMemory }

func (s *noteless) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	row.Note = strings.TrimSpace(row.Note)
	return s.inMemory.Change(ctx, key, from, row)
}

type endless struct{ *inMemory }

func (s *endless) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	row.Note = strings.ToValidUTF8(row.Note[:min(len(row.Note), fleet.LongestNote)], "")
	return s.inMemory.Change(ctx, key, from, row)
}

type listless struct{ *inMemory }

func (s *listless) List(ctx context.Context, q fleet.Query) ([]fleet.Circuit, error) {
	q.After = ""
	return s.inMemory.List(ctx, q)
}

type asks struct{ *inMemory }

func (s *asks) Look(ctx context.Context, key string) (fleet.Detail, error) {
	if _, err := s.Exchange(ctx, "people", map[string]fleet.Report{key: {}}); err != nil {
		return fleet.Detail{}, err
	}
	return s.inMemory.Look(ctx, key)
}

type silent struct{ *inMemory }

func (s *silent) History(ctx context.Context, q fleet.HistoryQuery) ([]fleet.Transition, error) {
	page, err := s.inMemory.History(ctx, q)
	for i := range page {
		page[i].Note = ""
	}
	return page, err
}

type removing struct{ *inMemory }

func (s *removing) Remove(ctx context.Context, key string, _ fleet.Identity, by, note string) (fleet.Row, bool, error) {
	return s.inMemory.Remove(ctx, key, s.Row(key).Identity, by, note)
}

// claiming takes a row that is gone for one that it has removed.
type claiming struct{ *inMemory }

func (s *claiming) Remove(ctx context.Context, key string, from fleet.Identity, by, note string) (fleet.Row, bool, error) {
	is, _, err := s.inMemory.Remove(ctx, key, from, by, note)
	return is, err == nil && is.Incarnation == 0, err
}
