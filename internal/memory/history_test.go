package memory

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/highway-engine/highway/fleet"
)

// change makes the next epoch of the row at key.
func change(t *testing.T, s *Storage, key string) {
	t.Helper()
	views, err := s.Exchange(context.Background(), "a", map[string]fleet.Report{key: {}})
	if err != nil {
		t.Fatal(err)
	}
	row := views[key].Row
	row.Epoch++
	if _, err := s.Change(context.Background(), key, views[key].Row.Identity, row); err != nil {
		t.Fatal(err)
	}
}

func TestTheHistoryIsBounded(t *testing.T) {
	s, _ := newStorage()
	const more = 100
	for range longestHistory + more {
		change(t, s, "k")
	}
	if len(s.history.ring) != longestHistory {
		t.Errorf("%d are kept", len(s.history.ring))
	}
	var all []fleet.Transition
	for q := (fleet.HistoryQuery{Limit: 999}); ; q.Before = all[len(all)-1].ID {
		page, err := s.History(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
	}
	if len(all) != longestHistory || all[0].ID != longestHistory+more || all[len(all)-1].ID != more+1 || all[0].Epoch != longestHistory+more {
		t.Errorf("%d transitions, from %+v to %+v", len(all), all[0], all[len(all)-1])
	}
	if !slices.IsSortedFunc(all, func(a, b fleet.Transition) int { return int(b.ID) - int(a.ID) }) {
		t.Error("they are not in order")
	}
}

func TestAPageHasAnEnd(t *testing.T) {
	s, _ := newStorage()
	for i := range fleet.LargestPage + 10 {
		change(t, s, fmt.Sprint(i))
	}
	for _, limit := range []int{0, fleet.LargestPage + 1, -1} {
		if page, err := s.List(t.Context(), fleet.Query{Limit: limit}); err != nil || len(page) != fleet.LargestPage {
			t.Errorf("%d circuits, %v", len(page), err)
		}
		if page, err := s.History(t.Context(), fleet.HistoryQuery{Limit: limit}); err != nil || len(page) != fleet.LargestPage {
			t.Errorf("%d transitions, %v", len(page), err)
		}
	}
}
