package memory

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// enter locks the storage for someone who asks, unless it is too late for that.
func (s *Storage) enter(ctx context.Context) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, fleet.ErrClosed
	}
	return s.mu.Unlock, nil
}

// List implements [fleet.Ledger].
func (s *Storage) List(ctx context.Context, q fleet.Query) ([]fleet.Circuit, error) {
	unlock, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	now := s.now()
	s.forgetSilent(now)
	var page []fleet.Circuit
	for key := range s.all.from(max(q.Prefix, q.After)) {
		if !strings.HasPrefix(key, q.Prefix) || len(page) == limit(q.Limit) {
			break
		}
		if key <= q.After {
			continue
		}
		e := s.entries[key]
		if !selects(q.States, e.row.State) || !selects(q.Holds, e.row.Hold) {
			continue
		}
		s.list(e)
		if q.Busy && !e.listed {
			continue
		}
		page = append(page, s.look(e, now).Circuit)
	}
	return page, nil
}

// selects says whether a filter lets one through.
func selects[T comparable](filter []T, one T) bool {
	return len(filter) == 0 || slices.Contains(filter, one)
}

// look is all that there is about a key. Nobody counts as having asked about it.
func (s *Storage) look(e *entry, now time.Time) fleet.Detail {
	s.removeSilent(e)
	d := fleet.Detail{Circuit: fleet.Circuit{Key: e.key, Row: e.read(now), Changed: now.Sub(e.changed)}, Live: len(s.instances)}
	d.Reports = make([]fleet.Told, len(e.reports))
	for i, r := range e.reports {
		if r.Suspicion != 0 {
			r.Age = now.Sub(e.senders[i].since)
		}
		d.Reports[i] = fleet.Told{Report: r, Ago: now.Sub(e.senders[i].told)}
	}
	d.Sum()
	return d
}

// Look implements [fleet.Ledger].
func (s *Storage) Look(ctx context.Context, key string) (fleet.Detail, error) {
	if err := check(key); err != nil {
		return fleet.Detail{}, err
	}
	unlock, err := s.enter(ctx)
	if err != nil {
		return fleet.Detail{}, err
	}
	defer unlock()
	now := s.now()
	s.forgetSilent(now)
	e := s.entries[key]
	if e == nil {
		return fleet.Detail{Circuit: fleet.Circuit{Key: key}, Live: len(s.instances)}, nil
	}
	return s.look(e, now), nil
}

// Instances implements [fleet.Ledger].
func (s *Storage) Instances(ctx context.Context) ([]fleet.Instance, error) {
	unlock, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	now := s.now()
	s.forgetSilent(now)
	all := make([]fleet.Instance, 0, len(s.instances))
	for name, i := range s.instances {
		all = append(all, fleet.Instance{Name: name, Seen: now.Sub(i.last)})
	}
	slices.SortFunc(all, func(a, b fleet.Instance) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Remove implements [fleet.Ledger].
func (s *Storage) Remove(ctx context.Context, key string, from fleet.Identity, by, note string) (is fleet.Row, removed bool, err error) {
	if err := check(key); err != nil {
		return fleet.Row{}, false, err
	}
	if err := fleet.CheckNote(note); err != nil {
		return fleet.Row{}, false, err
	}
	is, removed, err = s.remove(ctx, key, from, by, note)
	if removed {
		s.watch.tell(key)
	}
	return is, removed, err
}

func (s *Storage) remove(ctx context.Context, key string, from fleet.Identity, by, note string) (is fleet.Row, removed bool, err error) {
	unlock, err := s.enter(ctx)
	if err != nil {
		return fleet.Row{}, false, err
	}
	defer unlock()
	now := s.now()
	e := s.entries[key]
	if e == nil {
		return fleet.Row{}, false, nil
	}
	if e.row.Identity != from {
		return e.read(now), false, nil
	}
	s.history.add(fleet.Transition{
		At: now, Key: key, Identity: from, From: e.row.State, Deleted: true,
		Hold: e.row.Hold, Reason: fleet.Commanded, By: by, Note: note,
	})
	s.drop(e)
	return fleet.Row{}, true, nil
}
