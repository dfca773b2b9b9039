// Package watch tells what happens to circuits, as it happens: by the storage's
// notifications, and by looking once a second, as some may be lost.
package watch

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/highway-engine/highway/cmd/highway/internal/output"
	"github.com/highway-engine/highway/fleet"
)

// A Kind says what an event is about.
type Kind string

// The kinds.
const (
	Watching  Kind = "watching"  // from now on nothing is missed
	Is        Kind = "is"        // how a circuit stands at the beginning
	Changed   Kind = "changed"   // its row has
	Suspected Kind = "suspected" // by an instance
	Cleared   Kind = "cleared"   // no instance suspects it any more
)

// An Event is something that has happened.
type Event struct {
	Kind       Kind
	Key        string
	Circuit    *fleet.Circuit    // of Is, Suspected and Cleared; nil where there is no row
	Transition *fleet.Transition // of Changed
	Suspects   []string          // of Suspected
}

const (
	// looking is how often it looks, in case it was not told.
	looking = time.Second
	// longest is how long it waits until it listens again where that fails: a user may have no
	// right to.
	longest = 30 * time.Second
	// late is how long a transition may take to become visible after another one that
	// has a higher number.
	late = 10 * time.Second
	// few is how many keys are looked at one by one.
	few = 20
)

// A Watcher watches one circuit, or those whose keys begin with Prefix.
type Watcher struct {
	Ledger      fleet.Ledger
	Key, Prefix string
	Timeout     time.Duration     // of a request
	Tell        func(Event) error // an error of it ends the watch
	Trouble     func(error)       // the storage does not answer; nil, it does so again

	floor     uint64              // transitions up to this one are not told
	told      map[uint64]struct{} // transitions above the floor
	highest   uint64
	marks     []mark
	suspected map[string]struct{}
	away      bool
}

// A mark is the highest number that was told at an instant.
type mark struct {
	at time.Time
	id uint64
}

// Run tells what happens until ctx ends, which is no error. An error of the storage is one
// at the beginning only; after that it is trouble, which may end.
func (w *Watcher) Run(ctx context.Context) error {
	w.told, w.suspected = map[uint64]struct{}{}, map[string]struct{}{}
	if err := w.begin(ctx); err != nil {
		return unlessOver(ctx, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	news := make(chan string, 1000)
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		w.listen(ctx, news)
	}()
	defer func() { cancel(); <-listening }()
	ticker := time.NewTicker(looking)
	defer ticker.Stop()
	for {
		var keys []string
		select {
		case <-ctx.Done():
			return nil
		case key := <-news:
			keys = waiting(news, key)
		case <-ticker.C:
		}
		asked, err := w.look(ctx, keys)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case asked != nil && !w.away:
			w.Trouble(asked)
		case asked == nil && w.away:
			w.Trouble(nil)
		}
		w.away = asked != nil
	}
}

func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// listen passes on the keys that the storage tells of. One that finds no room is found by
// looking.
func (w *Watcher) listen(ctx context.Context, news chan<- string) {
	pause := looking
	for ctx.Err() == nil {
		begun := time.Now()
		_ = w.Ledger.Watch(ctx, func(key string) {
			if !w.matches(key) {
				return
			}
			select {
			case news <- key:
			default:
			}
		})
		if pause *= 2; time.Since(begun) > pause { // it went well for a while
			pause = looking
		}
		pause = min(pause, longest)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (w *Watcher) matches(key string) bool {
	return (w.Key == "" || key == w.Key) && strings.HasPrefix(key, w.Prefix)
}

// waiting are the keys that there are news of, each once.
func waiting(news <-chan string, first string) []string {
	keys := []string{first}
	for {
		select {
		case key := <-news:
			if !slices.Contains(keys, key) && len(keys) <= few {
				keys = append(keys, key)
			}
		default:
			return keys
		}
	}
}

// begin tells how things stand.
func (w *Watcher) begin(ctx context.Context) error {
	// First what is not to be told: what happens meanwhile is rather told twice.
	for q := (fleet.HistoryQuery{Key: w.Key, Limit: few}); w.floor == 0; q.Limit = fleet.LargestPage {
		page, err := w.history(ctx, q)
		if err != nil {
			return err
		}
		for _, t := range page {
			if w.highest = max(w.highest, t.ID); t.Ago > late {
				w.floor = t.ID
				break
			}
			w.told[t.ID] = struct{}{}
			q.Before = t.ID
		}
		if len(page) < q.Limit {
			break
		}
	}
	var now []Event
	if w.Key != "" {
		d, err := w.detail(ctx, w.Key)
		if err != nil {
			return err
		}
		now = append(now, w.stands(d.Circuit))
	} else {
		q := fleet.Query{Prefix: w.Prefix, Busy: true}
		for {
			page, err := w.page(ctx, q)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, c := range page {
				now = append(now, w.stands(c))
			}
			q.After = page[len(page)-1].Key
		}
	}
	for _, e := range append([]Event{{Kind: Watching}}, now...) {
		if err := w.Tell(e); err != nil {
			return err
		}
	}
	return nil
}

func (w *Watcher) stands(c fleet.Circuit) Event {
	e := Event{Kind: Is, Key: c.Key}
	if c.Row.Incarnation != 0 {
		e.Circuit = &c
	}
	if c.Suspects > 0 {
		w.suspected[c.Key] = struct{}{}
	}
	return e
}

// look tells what is new: of keys, or of all if there are none or many. What the storage
// says is apart from what Tell does.
func (w *Watcher) look(ctx context.Context, keys []string) (asked, err error) {
	if len(keys) == 0 || len(keys) > few {
		if asked, err = w.transitions(ctx, w.Key); asked != nil || err != nil {
			return asked, err
		}
		w.raise(time.Now())
		for key := range w.suspected {
			if keys = append(keys, key); len(keys) == few {
				break
			}
		}
		return w.suspicions(ctx, keys)
	}
	for _, key := range keys {
		if asked, err = w.transitions(ctx, key); asked != nil || err != nil {
			return asked, err
		}
	}
	return w.suspicions(ctx, keys)
}

// transitions tells those that were not told, the oldest first.
func (w *Watcher) transitions(ctx context.Context, key string) (asked, err error) {
	var found []fleet.Transition
	q := fleet.HistoryQuery{Key: key, Limit: 50}
	for above := true; above; {
		page, err := w.history(ctx, q)
		if err != nil {
			return err, nil
		}
		above = len(page) == q.Limit
		for _, t := range page {
			if t.ID <= w.floor {
				above = false
				break
			}
			if _, done := w.told[t.ID]; !done && w.matches(t.Key) {
				found = append(found, t)
			}
			q.Before = t.ID
		}
		q.Limit = fleet.LargestPage
	}
	slices.Reverse(found)
	for _, t := range found {
		w.told[t.ID] = struct{}{}
		w.highest = max(w.highest, t.ID)
		delete(w.suspected, t.Key) // a suspicion is about an epoch
		if err := w.Tell(Event{Kind: Changed, Key: t.Key, Transition: &t}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// suspicions tells which have come, and which are over.
func (w *Watcher) suspicions(ctx context.Context, keys []string) (asked, err error) {
	for _, key := range keys {
		d, err := w.detail(ctx, key)
		if err != nil {
			return err, nil
		}
		_, known := w.suspected[key]
		e := Event{Kind: Suspected, Key: key, Circuit: &d.Circuit, Suspects: output.Suspects(d)}
		switch {
		case d.Suspects > 0 && !known:
			w.suspected[key] = struct{}{}
		case d.Suspects == 0 && known:
			delete(w.suspected, key)
			e.Kind = Cleared
		default:
			continue
		}
		if err := w.Tell(e); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// raise forgets what was told so long ago that nothing with a lower number comes any more.
func (w *Watcher) raise(now time.Time) {
	w.marks = append(w.marks, mark{now, w.highest})
	for len(w.marks) > 0 && now.Sub(w.marks[0].at) > late {
		w.floor = w.marks[0].id
		w.marks = w.marks[1:]
	}
	for id := range w.told {
		if id <= w.floor {
			delete(w.told, id)
		}
	}
}

func (w *Watcher) history(ctx context.Context, q fleet.HistoryQuery) ([]fleet.Transition, error) {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return w.Ledger.History(ctx, q)
}

func (w *Watcher) detail(ctx context.Context, key string) (fleet.Detail, error) {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return w.Ledger.Look(ctx, key)
}

func (w *Watcher) page(ctx context.Context, q fleet.Query) ([]fleet.Circuit, error) {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return w.Ledger.List(ctx, q)
}
