// Package memory keeps the shared state of a fleet in this process.
package memory

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// idleFor is how long nobody must have asked about a key at which nothing goes on for
// it to be forgotten.
const idleFor = 10 * time.Minute

// A Storage is a [fleet.Ledger] in memory. It is safe for concurrent use.
//
// It keeps the keys that somebody has asked about in the last ten minutes, and those
// at which something goes on.
type Storage struct {
	clock func() time.Time
	watch watch

	// mu guards what follows. No watcher is called under it.
	mu           sync.Mutex
	closed       bool
	latest       time.Time // that clock has said
	entries      map[string]*entry
	touched      list.List // of all entries, the last touched at the back
	all          keys      // of all entries
	active       keys      // of the entries at which something may go on
	history      history
	instances    map[string]*instance
	signs        list.List // of all live instances, the last heard of at the back
	silenced     uint64    // instances that have fallen silent, ever
	suspicions   uint64
	incarnations uint64
	spare        [][]fleet.Report // of views that nobody has any more
}

// An instance is one that lives. Its reports point to it, so that they fall silent
// with it, at however many keys.
type instance struct {
	name   string
	last   time.Time // that it was heard of
	silent bool
	place  *list.Element
}

// New returns an empty storage whose clock is clock.
func New(clock func() time.Time) *Storage {
	return &Storage{
		clock:     clock,
		entries:   map[string]*entry{},
		instances: map[string]*instance{},
	}
}

// Exchange implements [fleet.Storage].
func (s *Storage) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	views, suspected, err := s.exchange(instance, reports)
	s.watch.tell(suspected...)
	return views, err
}

func (s *Storage) exchange(instance string, reports map[string]fleet.Report) (views map[string]fleet.View, suspected []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, fleet.ErrClosed
	}
	now := s.now()
	from := s.hear(instance, now)
	var failed []error
	views = make(map[string]fleet.View, len(reports))
	for _, key := range slices.Sorted(maps.Keys(reports)) { // so that suspicions have an order
		if err := check(key); err != nil {
			failed = append(failed, err)
			continue
		}
		e := s.touch(key, now)
		s.removeSilent(e)
		if s.store(e, from, reports[key], now) {
			suspected = append(suspected, key)
		}
		s.list(e)
		views[key] = s.view(e, now)
	}
	s.forgetIdle(now)
	return views, suspected, errors.Join(failed...)
}

// check says whether key can be kept.
func check(key string) error {
	if key == "" || len(key) > fleet.LongestKey {
		return fmt.Errorf("%w: memory: a key has 1 to %d bytes, this one has %d", fleet.ErrRefused, fleet.LongestKey, len(key))
	}
	return nil
}

// now is the present instant. Where the clock has been put back, nothing shall seem to
// have happened in the future.
func (s *Storage) now() time.Time {
	now := s.clock()
	if now.Before(s.latest) {
		for _, i := range s.instances {
			i.last = earlier(i.last, now)
		}
		for _, e := range s.entries {
			e.touched, e.changed = earlier(e.touched, now), earlier(e.changed, now)
			for i := range e.senders {
				sender := &e.senders[i]
				sender.since, sender.told = earlier(sender.since, now), earlier(sender.told, now)
			}
		}
	}
	s.latest = now
	return now
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// hear notes a sign of an instance, and who has fallen silent.
func (s *Storage) hear(name string, now time.Time) *instance {
	s.forgetSilent(now)
	i := s.instances[name]
	if i == nil {
		i = &instance{name: name}
		i.place = s.signs.PushBack(i)
		s.instances[name] = i
	}
	i.last = now
	s.signs.MoveToBack(i.place)
	return i
}

func (s *Storage) forgetSilent(now time.Time) {
	for front := s.signs.Front(); front != nil; front = s.signs.Front() {
		i := front.Value.(*instance)
		if now.Sub(i.last) <= fleet.SilentAfter {
			return
		}
		i.silent = true
		s.silenced++
		s.signs.Remove(front)
		delete(s.instances, i.name)
	}
}

// removeSilent removes the reports of instances that have fallen silent, if there may be
// any.
func (s *Storage) removeSilent(e *entry) {
	if e.silenced != s.silenced {
		e.silenced = s.silenced
		e.forgetSilent()
	}
}

// touch returns the entry of key. If there is none it is made, with a row that no other
// has been before (S11).
func (s *Storage) touch(key string, now time.Time) *entry {
	e := s.entries[key]
	if e == nil {
		s.incarnations++
		e = &entry{key: key, silenced: s.silenced, changed: now}
		e.row.Incarnation = s.incarnations
		e.place = s.touched.PushBack(e)
		s.entries[key] = e
		s.all.insert(key)
	}
	e.touched = now
	s.touched.MoveToBack(e.place)
	return e
}

// forgetIdle drops the entries that nobody uses any more, a few at a time: more than
// one operation makes, so that they do not pile up.
func (s *Storage) forgetIdle(now time.Time) {
	for range 4 {
		front := s.touched.Front()
		if front == nil {
			return
		}
		e := front.Value.(*entry)
		if now.Sub(e.touched) <= idleFor {
			return
		}
		s.list(e)
		if e.listed {
			e.touched = now // look again later
			s.touched.MoveToBack(front)
			continue
		}
		s.drop(e)
	}
}

// drop forgets an entry. A row that is made in its place has another incarnation (S11).
func (s *Storage) drop(e *entry) {
	s.touched.Remove(e.place)
	delete(s.entries, e.key)
	s.all.remove(e.key)
	s.active.remove(e.key)
}

// list keeps the active keys up to date with e.
func (s *Storage) list(e *entry) {
	active := e.active()
	if active == e.listed {
		return
	}
	e.listed = active
	if active {
		s.active.insert(e.key)
	} else {
		s.active.remove(e.key)
	}
}

// store keeps a report, and says whether it holds a new suspicion.
func (s *Storage) store(e *entry, from *instance, r fleet.Report, now time.Time) bool {
	at, ok := e.find(from.name)
	if !ok {
		e.reports = slices.Insert(e.reports, at, fleet.Report{})
		e.senders = slices.Insert(e.senders, at, sender{from: from})
	}
	old, sender := &e.reports[at], &e.senders[at]
	if ok && r.Number <= old.Number {
		return false // it comes late, or again
	}
	isNew := r.Suspicion != 0 && (r.Suspicion != old.Suspicion || !sameEpoch(r.About, old.About))
	if old.Suspicion != 0 {
		e.suspects--
	}
	r.Instance, r.Order, r.Age = from.name, old.Order, 0
	switch {
	case isNew:
		s.suspicions++
		r.Order, sender.since = s.suspicions, now
	case r.Suspicion == 0:
		r.Order = 0
	}
	if r.Suspicion != 0 {
		e.suspects++
	}
	r.Dismissed = slices.Clip(slices.Clone(r.Dismissed)) // views share it
	*old, sender.told = r, now
	return isNew
}

// view is what there is about a key from whose reports the silent ones are removed. A
// large fleet spends most of its time here.
func (s *Storage) view(e *entry, now time.Time) fleet.View {
	var room []fleet.Report
	if last := len(s.spare) - 1; last >= 0 {
		room, s.spare = s.spare[last], s.spare[:last]
	}
	v := fleet.View{Row: e.read(now), Live: len(s.instances), Reports: append(room, e.reports...)}
	if e.suspects == 0 {
		return v
	}
	for i := range v.Reports {
		if r := &v.Reports[i]; r.Suspicion != 0 {
			r.Age = now.Sub(e.senders[i].since)
		}
	}
	return v
}

// Change implements [fleet.Storage].
func (s *Storage) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	if err := ctx.Err(); err != nil {
		return fleet.Row{}, err
	}
	if err := check(key); err != nil {
		return fleet.Row{}, err
	}
	if err := fleet.CheckNote(row.Note); err != nil {
		return fleet.Row{}, err
	}
	is, changed, err := s.change(key, from, row)
	if changed {
		s.watch.tell(key)
	}
	return is, err
}

func (s *Storage) change(key string, from fleet.Identity, row fleet.Row) (is fleet.Row, changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fleet.Row{}, false, fleet.ErrClosed
	}
	now := s.now()
	if s.entries[key] == nil {
		return fleet.Row{}, false, nil // whatever it was decided on is gone (S11)
	}
	e := s.touch(key, now)
	if from == e.row.Identity {
		row.Incarnation = from.Incarnation
		if row.Epoch != from.Epoch {
			s.record(e, row, now)
		}
		e.write(row, now)
		s.list(e)
		changed = true
	}
	s.forgetIdle(now)
	return e.read(now), changed, nil
}

// Sweep implements [fleet.Storage]. The order of keys is that of their bytes.
func (s *Storage) Sweep(ctx context.Context, after string, limit int) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fleet.ErrClosed
	}
	s.forgetSilent(s.now())
	var found []string
	for len(found) < limit {
		page := s.active.after(after, limit-len(found))
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1]
		for _, key := range page {
			e := s.entries[key]
			s.list(e) // its suspect may have fallen silent
			if e.listed {
				found = append(found, key)
			}
		}
	}
	return found, nil
}

// Watch implements [fleet.Storage]. It calls changed itself, one key at a time.
func (s *Storage) Watch(ctx context.Context, changed func(key string)) error {
	return s.watch.run(ctx, changed)
}

// Close implements [fleet.Storage]. It ends what watches.
func (s *Storage) Close(context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.watch.close()
	return nil
}

// Reuse takes back the reports of a view that nobody has any more. In a large fleet it
// takes longer to make room for them than to fill it.
func (s *Storage) Reuse(reports []fleet.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = append(s.spare, reports[:0])
}

// Row returns the row at key, for those who look at the storage from outside. It is the
// zero Row if there is none.
func (s *Storage) Row(key string) fleet.Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		return e.read(s.now())
	}
	return fleet.Row{}
}

// Forget loses what there is about key, as a person's DELETE does.
func (s *Storage) Forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		s.drop(e)
	}
}

// SkipIncarnations lets the incarnations to come be other than the first n, which another
// storage has given.
func (s *Storage) SkipIncarnations(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.incarnations = max(s.incarnations, n)
}

// Incarnations is how many rows there have been.
func (s *Storage) Incarnations() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.incarnations
}

// Suspicions is how many suspicions there have been.
func (s *Storage) Suspicions() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.suspicions
}
