package memory

import (
	"context"
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// longestHistory is how many transitions are kept, of all keys together.
const longestHistory = 4096

// A history is the last transitions. The storage's lock guards it.
type history struct {
	ring []fleet.Transition // in the order of their IDs, from next on once it is full
	next int                // where the next one goes, once it is full
	last uint64             // the ID that was given last
}

// add keeps a transition, and forgets the oldest for it if there are too many.
func (h *history) add(t fleet.Transition) {
	h.last++
	t.ID = h.last
	if len(h.ring) < longestHistory {
		h.ring = append(h.ring, t)
		return
	}
	h.ring[h.next] = t
	h.next = (h.next + 1) % longestHistory
}

// newest returns those that q asks for.
func (h *history) newest(q fleet.HistoryQuery) (found []fleet.Transition) {
	for i := range h.ring {
		t := &h.ring[(h.next+len(h.ring)-1-i)%len(h.ring)]
		if q.Key != "" && t.Key != q.Key || q.Before != 0 && t.ID >= q.Before {
			continue
		}
		if found = append(found, *t); len(found) == limit(q.Limit) {
			break
		}
	}
	return found
}

// limit is how many entries a page has.
func limit(asked int) int {
	if asked <= 0 || asked > fleet.LargestPage {
		return fleet.LargestPage
	}
	return asked
}

// record keeps that row takes the place of what e has.
func (s *Storage) record(e *entry, row fleet.Row, now time.Time) {
	s.removeSilent(e)
	s.history.add(fleet.Transition{
		At: now, Key: e.key, Identity: row.Identity, From: e.row.State, To: row.State,
		Hold: row.Hold, Reason: row.Reason, By: row.By, Note: row.Note, Evidence: e.evidence(),
	})
}

// evidence is what the reports say about the present epoch.
func (e *entry) evidence() (sum fleet.Evidence) {
	var suspects []*fleet.Report
	for i := range e.reports {
		r := &e.reports[i]
		if !r.Active || !sameEpoch(r.About, e.row.Identity) {
			continue
		}
		sum.Instances++
		if r.Refuses {
			sum.Refusing++
		}
		if r.Suspicion != 0 {
			suspects = append(suspects, r)
		}
		if r.Testimony.About.Suspect != "" {
			sum.Witnesses++
			sum.Calls += r.Testimony.Calls
			sum.Testimony += r.Testimony.Sum
		}
		sum.Failures += r.Failures
		sum.Outcomes += r.Outcomes
	}
	slices.SortFunc(suspects, func(a, b *fleet.Report) int { return int(int64(a.Order - b.Order)) })
	for _, r := range suspects {
		sum.Suspects = append(sum.Suspects, r.Instance)
	}
	if e.row.State == fleet.HalfOpen {
		for _, p := range e.row.Probes {
			switch p.Result {
			case fleet.Succeeded:
				sum.Succeeded++
			case fleet.Failed:
				sum.Failed++
			default:
				sum.Pending++
			}
		}
		sum.Lost = e.row.Lost
	}
	return sum
}

// History implements [fleet.Ledger]. The last few thousand transitions are kept, of all
// keys together; what is forgotten because nobody uses it is none.
func (s *Storage) History(ctx context.Context, q fleet.HistoryQuery) ([]fleet.Transition, error) {
	if q.Key != "" {
		if err := check(q.Key); err != nil {
			return nil, err
		}
	}
	unlock, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	now := s.now()
	found := s.history.newest(q)
	for i := range found {
		found[i].Ago = max(0, now.Sub(found[i].At))
		found[i].Evidence.Suspects = slices.Clone(found[i].Evidence.Suspects)
	}
	return found, nil
}
