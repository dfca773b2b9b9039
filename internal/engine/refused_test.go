package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/protocol"
)

var errKey = errors.New("no such key")

// refuses is a script in which the storage refuses exchanges about one key, beside good
// answers about others.
func refuses(storage *fake, bad string) script {
	return script{exchange: func(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
		good := map[string]fleet.Report{}
		for key, r := range reports {
			if key != bad {
				good[key] = r
			}
		}
		views, err := storage.memory.Exchange(ctx, instance, good)
		if len(good) < len(reports) {
			err = errKey
		}
		return views, err
	}}
}

func asksAbout(key string) func(request) bool {
	return func(r request) bool { _, ok := r.reports[key]; return ok }
}

// TestARefusedKeyIsNoStorageThatIsAway: its member backs off alone, the others and the
// log are left in peace, also while nothing else is asked about.
func TestARefusedKeyIsNoStorageThatIsAway(t *testing.T) {
	for _, others := range []int{0, 3} {
		t.Run(fmt.Sprint("beside ", others), func(t *testing.T) {
			bubble(t, func(t *testing.T, storage *fake, log *lineLog) {
				bad := join(storage, "bad")
				var good []*place
				for i := range others {
					good = append(good, join(storage, fmt.Sprint("good ", i)))
				}
				time.Sleep(5 * time.Second)
				storage.plays(refuses(storage, "bad"))
				hint := func() {
					for _, p := range append(good, bad) {
						p.With(context.Background(), func(m *protocol.Member, now time.Time) { m.Hint(now) })
						p.Due(time.Now())
					}
				}
				hint()
				storage.forget()
				time.Sleep(time.Minute)
				// After the first few attempts one every 3.2 s, give or take a fifth.
				if n := len(storage.asked("exchange", asksAbout("bad"))); n < 60*10/38 || n > 6+60*10/25 {
					t.Errorf("it was asked about the bad key %d times in a minute", n)
				}
				if s := bad.Signal(); s.Live || !errors.Is(s.Err, errKey) || time.Since(s.Since) < 59*time.Second {
					t.Errorf("the bad one: %+v", s)
				}
				for _, p := range good {
					if s := p.Signal(); !s.Live || s.Err != nil || time.Since(s.Since) < time.Minute {
						t.Errorf("a good one: %+v", s)
					}
				}
				log.want(t, 1, "refuses", "bad", errKey.Error())
				log.want(t, 1, "")

				storage.plays(script{})
				time.Sleep(5 * time.Second)
				if s := bad.Signal(); !s.Live || s.Err != nil {
					t.Errorf("it is taken again: %+v", s)
				}
				log.want(t, 1, "takes", "bad")
				log.want(t, 2, "")
			})
		})
	}
}

// TestAKeyWithoutAnAnswerIsRefused, also without an error.
func TestAKeyWithoutAnAnswerIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, log *lineLog) {
		storage.plays(script{exchange: func(ctx context.Context, instance string, _ map[string]fleet.Report) (map[string]fleet.View, error) {
			return storage.memory.Exchange(ctx, instance, nil)
		}})
		p := join(storage, "k")
		time.Sleep(time.Minute)
		if s := p.Signal(); s.Live || !errors.Is(s.Err, errSilent) {
			t.Errorf("%+v", s)
		}
		log.want(t, 1, "refuses", "k", errSilent.Error())
		log.want(t, 1, "")
	})
}

// TestARefusedChangeIsNoStorageThatIsAway, and is asked for again at a pace of its own,
// though the exchanges in between are answered.
func TestARefusedChangeIsNoStorageThatIsAway(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, log *lineLog) {
		storage.plays(script{change: func(context.Context, string, fleet.Identity, fleet.Row) (fleet.Row, error) {
			return fleet.Row{}, errKey
		}})
		p := join(storage, "k")
		time.Sleep(15 * time.Second) // it is the whole fleet, and knows that by now
		p.With(context.Background(), func(m *protocol.Member, now time.Time) {
			for range 4 {
				ticket, _ := m.Admit(now)
				m.Done(ticket, circuit.Failure, now)
			}
		})
		p.Due(time.Now())
		time.Sleep(10 * time.Second)
		changes := len(storage.asked("change", nil))
		if changes < 2 || changes > 18 { // one a second, as the sweep hints, and a few at first
			t.Errorf("%d changes were asked for", changes)
		}
		log.want(t, 1, "refuses to change", "key=k", errKey.Error())
		log.want(t, 1, "")
	})
}

// TestManyRefusedKeysAreOneLine for each exchange.
func TestManyRefusedKeysAreOneLine(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, log *lineLog) {
		storage.plays(script{exchange: func(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
			time.Sleep(time.Millisecond) // so that all have joined by the time that the first returns
			if len(reports) > 0 {
				return nil, errKey
			}
			return storage.memory.Exchange(ctx, instance, nil)
		}})
		for i := range 100 {
			join(storage, fmt.Sprint("key ", i))
		}
		time.Sleep(time.Minute)
		n, text := log.lines("refuses")
		if n == 0 || n > 5 {
			t.Errorf("%d lines:\n%s", n, text)
		}
		if n, _ := log.lines("more"); n == 0 {
			t.Errorf("all are named:\n%s", text)
		}
	})
}

// TestAStorageThatCannotBeSweptIsOneLine, and otherwise there.
func TestAStorageThatCannotBeSweptIsOneLine(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, log *lineLog) {
		storage.plays(script{sweep: func(context.Context, string, int) ([]string, error) { return nil, errScript }})
		p := join(storage, "k")
		time.Sleep(time.Minute)
		if s := p.Signal(); !s.Live {
			t.Errorf("%+v", s)
		}
		log.want(t, 1, "swept", errScript.Error())
		log.want(t, 1, "")
	})
}
