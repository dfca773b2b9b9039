package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

const (
	// mostCircuits is how many circuits are kept. Of more, those at which something goes on
	// are.
	mostCircuits = 10_000
	// mostTransitions is how many lines the timeline has.
	mostTransitions = 200
	// idle is how many times as long the ledger is left alone while nobody watches.
	idle = 5
	// rest is how many times as long as an answer took the ledger is left alone: it shall not be
	// busy with us for more than a fifth of the time.
	rest = 4
	// patience is how long the ledger may take to answer all that a sample asks.
	patience = 10 * time.Second
	// jitter is how far the instants may lie apart that two answers give for the same one.
	jitter = 400 // milliseconds
)

// A sampler looks at the ledger, for all browsers at once, and tells them what has changed.
type sampler struct {
	ledger fleet.Ledger
	every  time.Duration
	begun  time.Time // slots are counted from here
	wake   chan struct{}
	stop   context.CancelFunc
	ctx    context.Context
	ended  chan struct{}

	mu          sync.Mutex
	circuits    map[string]*tracked
	transitions []transitionJSON // newest first
	known       map[string]bool  // their IDs
	instances   int
	more        bool      // there are circuits that are not kept
	slot        int64     // the last one filled
	taken       time.Time // when; zero before the first answer
	since       time.Time // since when the ledger has not answered; zero if it has
	why         string    // and what it said last; empty if it has
	whole       []byte    // all that is known, as an event; nil once that has changed
	hub         hub
	upset       sync.Once // to log it
}

// tracked is what is kept of a circuit.
type tracked struct {
	circuitJSON
	past *past
}

func newSampler(ledger fleet.Ledger, every time.Duration) *sampler {
	s := &sampler{
		ledger: ledger, every: every, begun: time.Now(), wake: make(chan struct{}, 1), ended: make(chan struct{}),
		circuits: map[string]*tracked{}, known: map[string]bool{},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// close waits until nothing runs any more.
func (s *sampler) close() {
	s.stop()
	<-s.ended
}

// soon has the ledger looked at without waiting for the next turn.
func (s *sampler) soon() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sampler) run() {
	defer close(s.ended)
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hub.close()
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for s.ctx.Err() == nil {
		start := time.Now()
		s.sample()
		took := time.Since(start)
		timer.Reset(s.pause(took))
		select {
		case <-timer.C:
		case <-s.wake:
			// However many ask for it, the ledger has its rest.
			timer.Reset(rest * took)
			select {
			case <-timer.C:
			case <-s.ctx.Done():
			}
		case <-s.ctx.Done():
		}
	}
}

// pause is how long the ledger is left alone after it took so long.
func (s *sampler) pause(took time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	pause := s.every
	if s.hub.empty() {
		pause *= idle
	}
	return max(pause-took, rest*took, s.every/2)
}

// An answered sample is what the ledger has said.
type answered struct {
	circuits    []fleet.Circuit
	more        bool
	instances   int
	transitions []fleet.Transition
	closer      map[string]fleet.Detail // of those that closer picks
}

// sample looks once. Whatever a ledger says, it does not end the process.
func (s *sampler) sample() {
	defer func() {
		if r := recover(); r != nil {
			s.upset.Do(func() {
				slog.Error("highway/dashboard: what the ledger says cannot be shown", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			})
			s.restart(fmt.Errorf("what the ledger says cannot be shown: %v", r))
		}
	}()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	is, err := s.ask(ctx)
	why := ""
	if err != nil {
		why = short(err)
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	if err != nil {
		s.lost(why, now)
		return
	}
	s.since, s.why, s.whole = time.Time{}, "", nil
	s.hub.tell(event("sample", s.take(is, now)))
}

// lost keeps that the ledger has not answered, and tells it.
func (s *sampler) lost(why string, now time.Time) {
	if s.since.IsZero() {
		s.since = now
	}
	s.why, s.whole = why, nil
	s.hub.tell(event("lost", lostJSON{At: now.UnixMilli(), Since: s.since.UnixMilli(), Why: why}))
}

// restart forgets what has been half taken. Who listens comes back, and is told all anew.
func (s *sampler) restart(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.circuits)
	clear(s.known)
	s.transitions, s.taken = nil, time.Time{}
	s.lost(short(err), time.Now())
	for l := range s.hub.all {
		s.hub.leave(l)
	}
}

// short is what people need of an error.
func short(err error) string { return fmt.Sprintf("%.300s", err.Error()) }

// ask asks the ledger for everything. A ledger that panics has not answered.
func (s *sampler) ask(ctx context.Context) (is answered, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the ledger panicked: %v", r)
		}
	}()
	if is.circuits, is.more, err = list(ctx, s.ledger, fleet.Query{}, mostCircuits); err != nil {
		return is, err
	}
	if is.more {
		busy, _, err := list(ctx, s.ledger, fleet.Query{After: is.circuits[len(is.circuits)-1].Key, Busy: true}, mostCircuits/2)
		if err != nil {
			return is, err
		}
		is.circuits = append(is.circuits, busy...)
	}
	all, err := s.ledger.Instances(ctx)
	if err != nil {
		return is, err
	}
	is.instances = len(all)
	if is.closer, err = closer(ctx, s.ledger, is.circuits); err != nil {
		return is, err
	}
	if s.moved(is.circuits) {
		is.transitions, err = s.ledger.History(ctx, fleet.HistoryQuery{Limit: mostTransitions})
	}
	return is, err
}

// list reads page by page, up to a bound.
func list(ctx context.Context, ledger fleet.Ledger, q fleet.Query, most int) (all []fleet.Circuit, more bool, err error) {
	for {
		page, err := ledger.List(ctx, q)
		if err != nil || len(page) == 0 {
			return all, false, err
		}
		if all = append(all, page...); len(all) > most {
			return all[:most], true, nil
		}
		if page[len(page)-1].Key <= q.After {
			return all, false, errors.New("the ledger's pages are not in the order of keys")
		}
		q.After = page[len(page)-1].Key
	}
}

// moved says whether there can be transitions that are not known: a circuit is new, gone, or
// in another epoch. While nothing happens nobody needs to read the history.
func (s *sampler) moved(now []fleet.Circuit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken.IsZero() || len(now) != len(s.circuits) {
		return true
	}
	return slices.ContainsFunc(now, func(c fleet.Circuit) bool {
		t := s.circuits[name(c.Key)]
		return t == nil || t.Seen != seen(c.Row.Identity)
	})
}

// What events are made of.
type (
	sampleJSON struct {
		At          int64            `json:"at"`
		Slot        int64            `json:"slot"`
		Circuits    []circuitJSON    `json:"circuits,omitempty"` // those that have changed
		Gone        []string         `json:"gone,omitempty"`
		Transitions []transitionJSON `json:"transitions,omitempty"` // new ones, newest first
		Instances   int              `json:"instances"`
		More        bool             `json:"more,omitempty"`
	}
	wholeJSON struct {
		sampleJSON
		Every int64     `json:"every"` // milliseconds of a slot
		Slots int       `json:"slots"`
		Past  []string  `json:"past"` // of each circuit
		Known bool      `json:"known"`
		Lost  *lostJSON `json:"lost,omitempty"`
	}
	lostJSON struct {
		At    int64  `json:"at"`
		Since int64  `json:"since"`
		Why   string `json:"why"`
	}
)

// take keeps what the ledger has said, and returns what is new in it.
func (s *sampler) take(is answered, now time.Time) sampleJSON {
	before := s.slot
	s.slot = max(s.slot, int64(now.Sub(s.begun)/s.every))
	s.taken, s.instances, s.more = now, is.instances, is.more
	delta := sampleJSON{At: now.UnixMilli(), Slot: s.slot, Instances: is.instances, More: is.more}
	there := make(map[string]bool, len(is.circuits))
	for i := range is.circuits {
		c := wireCircuit(&is.circuits[i], now)
		if detail, ok := is.closer[is.circuits[i].Key]; ok {
			c.alone(&detail)
		}
		there[c.Key] = true
		t := s.circuits[c.Key]
		if t == nil {
			t = &tracked{past: newPast()}
			s.circuits[c.Key] = t
		} else if t.Seen == c.Seen {
			c.Since, c.Until = steady(t.Since, c.Since), steady(t.Until, c.Until)
		}
		t.past.put(before, s.slot, level(c.Failures, c.Outcomes))
		if t.circuitJSON != c {
			t.circuitJSON = c
			delta.Circuits = append(delta.Circuits, c)
		}
	}
	for key := range s.circuits {
		if !there[key] {
			delete(s.circuits, key)
			delta.Gone = append(delta.Gone, key)
		}
	}
	delta.Transitions = s.note(wireTransitions(is.transitions, now))
	return delta
}

// steady is the instant that was told before, if the new one is the same but for the time that
// answers take.
func steady(before, now int64) int64 {
	if d := now - before; before != 0 && now != 0 && -jitter < d && d < jitter {
		return before
	}
	return now
}

// note keeps those transitions that are new, and returns them.
func (s *sampler) note(latest []transitionJSON) (added []transitionJSON) {
	for _, t := range latest {
		if !s.known[t.ID] {
			added = append(added, t)
		}
	}
	if len(added) == 0 {
		return nil
	}
	s.transitions = append(slices.Clone(added), s.transitions...)
	slices.SortStableFunc(s.transitions, func(a, b transitionJSON) int { return cmp.Compare(b.At, a.At) })
	s.transitions = s.transitions[:min(len(s.transitions), mostTransitions)]
	clear(s.known)
	for _, t := range s.transitions {
		s.known[t.ID] = true
	}
	for _, t := range latest { // also those that fell off: they are not new the next time
		s.known[t.ID] = true
	}
	return added
}

// join adds somebody who listens, and returns what that one must know first.
func (s *sampler) join(who string) (*listener, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.hub.join(who)
	if err != nil {
		return nil, nil, err
	}
	if time.Since(s.taken) > s.every {
		s.soon() // what is known is from when nobody watched
	}
	if s.whole == nil {
		s.whole = s.all()
	}
	return l, s.whole, nil
}

// full says why nobody else can listen, if that is so.
func (s *sampler) full() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hub.full()
}

func (s *sampler) leave(l *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hub.leave(l)
}

// all is everything that is known, as an event.
func (s *sampler) all() []byte {
	now := time.Now()
	is := wholeJSON{Every: s.every.Milliseconds(), Slots: pastSlots, Known: !s.taken.IsZero(), Past: make([]string, 0, len(s.circuits))}
	is.sampleJSON = sampleJSON{At: now.UnixMilli(), Slot: s.slot, Transitions: s.transitions, Instances: s.instances, More: s.more}
	for _, t := range s.circuits {
		is.Circuits = append(is.Circuits, t.circuitJSON)
		is.Past = append(is.Past, t.past.text(s.slot))
	}
	if !s.since.IsZero() {
		is.Lost = &lostJSON{At: now.UnixMilli(), Since: s.since.UnixMilli(), Why: s.why}
	}
	return event("all", is)
}
