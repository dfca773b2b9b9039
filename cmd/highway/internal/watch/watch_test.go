package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

// A patient is a ledger that can be deaf, or away.
type patient struct {
	fleet.Ledger
	mu   sync.Mutex
	deaf bool
	away error
}

func (p *patient) Watch(ctx context.Context, changed func(key string)) error {
	if p.deaf {
		return errors.New("deaf")
	}
	return p.Ledger.Watch(ctx, changed)
}

func (p *patient) History(ctx context.Context, q fleet.HistoryQuery) ([]fleet.Transition, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away != nil {
		return nil, p.away
	}
	return p.Ledger.History(ctx, q)
}

func (p *patient) be(away error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
}

// A viewer watches a ledger in a bubble.
type viewer struct {
	*testing.T
	ledger *patient
	mu     sync.Mutex
	lines  []string
	stop   func()
	ended  chan error
}

func view(t *testing.T, ledger *patient, w Watcher) *viewer {
	ctx, cancel := context.WithCancel(t.Context())
	v := &viewer{T: t, ledger: ledger, stop: cancel, ended: make(chan error, 1)}
	w.Ledger, w.Timeout = ledger, time.Second
	say := func(format string, args ...any) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.lines = append(v.lines, fmt.Sprintf(format, args...))
	}
	w.Tell = func(e Event) error {
		switch {
		case e.Transition != nil:
			say("%s %s %v-%v", e.Kind, e.Key, highway.CircuitState(e.Transition.From), highway.CircuitState(e.Transition.To))
		case e.Circuit != nil && e.Kind != Cleared:
			say("%s %s %v %v", e.Kind, e.Key, highway.CircuitState(e.Circuit.Row.State), e.Suspects)
		default:
			say("%s %s", e.Kind, e.Key)
		}
		return nil
	}
	w.Trouble = func(err error) { say("trouble %v", err) }
	go func() { v.ended <- w.Run(ctx) }()
	synctest.Wait()
	return v
}

// sees says what was told since it was last asked.
func (v *viewer) sees(want ...string) {
	v.Helper()
	synctest.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.Equal(v.lines, want) {
		v.Errorf("it tells\n%s\nwant\n%s", strings.Join(v.lines, "\n"), strings.Join(want, "\n"))
	}
	v.lines = nil
}

func (v *viewer) end() {
	v.Helper()
	v.stop()
	if err := <-v.ended; err != nil {
		v.Error(err)
	}
	_ = v.ledger.Close(context.Background())
}

func (v *viewer) order(key string, action operate.Action) {
	v.Helper()
	if _, err := operate.Do(v.Context(), v.ledger.Ledger, operate.Order{Key: key, Action: action, By: "ann", Create: true}); err != nil {
		v.Fatal(err)
	}
}

func tell(t *testing.T, ledger fleet.Ledger, key string, r fleet.Report) fleet.Row {
	t.Helper()
	views, err := ledger.Exchange(t.Context(), r.Instance, map[string]fleet.Report{key: r})
	if err != nil {
		t.Fatal(err)
	}
	return views[key].Row
}

// bubble runs a test in one, with a storage in memory.
func bubble(t *testing.T, test func(t *testing.T, ledger *patient)) {
	synctest.Test(t, func(t *testing.T) { test(t, &patient{Ledger: highway.NewInMemoryStorage()}) })
}

func TestItTellsHowThingsStandAndThenWhatChanges(t *testing.T) {
	bubble(t, func(t *testing.T, ledger *patient) {
		tell(t, ledger, "quiet", fleet.Report{Instance: "a", Number: 1})
		row := tell(t, ledger, "shaky", fleet.Report{Instance: "a", Number: 1})
		tell(t, ledger, "shaky", fleet.Report{Instance: "a", Number: 2, About: row.Identity, Suspicion: 1})
		v := view(t, ledger, Watcher{})
		v.sees("watching ", "is shaky CLOSED []")
		v.order("payments", operate.Isolate)
		v.order("payments", operate.Close)
		v.sees("changed payments CLOSED-OPEN", "changed payments OPEN-CLOSED")
		time.Sleep(time.Minute) // nothing is told twice, and the suspect has fallen silent
		v.sees("cleared shaky")
		v.end()
	})
}

func TestWithoutNotificationsItLooksOnceASecond(t *testing.T) {
	bubble(t, func(t *testing.T, ledger *patient) {
		ledger.deaf = true
		v := view(t, ledger, Watcher{Prefix: "p"})
		v.sees("watching ")
		v.order("payments", operate.Isolate)
		v.order("search", operate.Isolate)
		v.sees()
		time.Sleep(looking)
		v.sees("changed payments CLOSED-OPEN")
		for range 2100 { // more than two pages of the history
			v.order("payments", operate.Close)
		}
		time.Sleep(looking)
		synctest.Wait()
		if len(v.lines) == 0 || len(v.lines) > 2100 || slices.ContainsFunc(v.lines, func(l string) bool { return !strings.HasPrefix(l, "changed payments ") }) {
			t.Errorf("it tells %d lines", len(v.lines))
		}
		v.end()
	})
}

func TestItTellsOfSuspicionsUntilTheyAreOver(t *testing.T) {
	bubble(t, func(t *testing.T, ledger *patient) {
		v := view(t, ledger, Watcher{Key: "payments"})
		v.sees("watching ", "is payments")
		row := tell(t, ledger, "payments", fleet.Report{Instance: "a", Number: 1})
		v.sees()
		tell(t, ledger, "search", fleet.Report{Instance: "a", Number: 2, About: row.Identity, Suspicion: 1})
		tell(t, ledger, "payments", fleet.Report{Instance: "a", Number: 3, About: row.Identity, Suspicion: 1})
		v.sees("suspected payments CLOSED [a]")
		tell(t, ledger, "payments", fleet.Report{Instance: "a", Number: 4, About: row.Identity})
		time.Sleep(looking)
		v.sees("cleared payments")
		tell(t, ledger, "payments", fleet.Report{Instance: "a", Number: 5, About: row.Identity, Suspicion: 2})
		v.sees("suspected payments CLOSED [a]")
		v.order("payments", operate.Isolate) // ends it too
		time.Sleep(time.Minute)
		v.sees("changed payments CLOSED-OPEN")
		v.end()
	})
}

func TestAStorageThatGoesAwayIsAskedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, ledger *patient) {
		v := view(t, ledger, Watcher{})
		v.sees("watching ")
		ledger.be(errors.New("down"))
		time.Sleep(10 * time.Second)
		v.order("payments", operate.Isolate)
		v.sees("trouble down")
		ledger.be(nil)
		time.Sleep(looking)
		v.sees("changed payments CLOSED-OPEN", "trouble <nil>")
		v.end()
	})
}

func TestAStorageThatIsAwayAtFirstIsAnError(t *testing.T) {
	bubble(t, func(t *testing.T, ledger *patient) {
		down := errors.New("down")
		ledger.be(down)
		v := view(t, ledger, Watcher{})
		if err := <-v.ended; !errors.Is(err, down) {
			t.Error(err)
		}
		ledger.be(nil)
		full := errors.New("no space left")
		w := Watcher{Ledger: ledger, Timeout: time.Second, Tell: func(Event) error { return full }}
		if err := w.Run(t.Context()); !errors.Is(err, full) {
			t.Error(err)
		}
		w.Tell = func(e Event) error {
			if e.Kind == Changed {
				return full
			}
			return nil
		}
		go func() { v.ended <- w.Run(t.Context()) }()
		synctest.Wait()
		v.order("payments", operate.Isolate)
		if err := <-v.ended; !errors.Is(err, full) {
			t.Error(err)
		}
		_ = ledger.Close(context.Background())
	})
}

func TestATransitionThatShowsLateIsToldToo(t *testing.T) {
	now := time.Now()
	w := Watcher{told: map[uint64]struct{}{5: {}, 9: {}}, highest: 9}
	w.raise(now)
	w.highest = 20
	w.raise(now.Add(late))
	if w.floor != 0 || len(w.told) != 2 {
		t.Errorf("it forgets too early: %+v", w)
	}
	w.raise(now.Add(late + time.Second))
	if w.floor != 9 || len(w.told) != 0 {
		t.Errorf("it does not forget: %+v", w)
	}
}
