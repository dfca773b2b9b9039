package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
	"github.com/highway-engine/highway/fleet"
)

// slow is a ledger that takes its time to be asked about one circuit.
type slow struct {
	fleet.Ledger
	takes time.Duration

	mu                sync.Mutex
	asked, busy, most int
}

func (s *slow) wait() {
	s.mu.Lock()
	s.asked++
	s.busy++
	s.most = max(s.most, s.busy)
	s.mu.Unlock()
	<-time.After(s.takes) // of the bubble
	s.mu.Lock()
	s.busy--
	s.mu.Unlock()
}

func (s *slow) Look(ctx context.Context, key string) (fleet.Detail, error) {
	s.wait()
	return s.Ledger.Look(ctx, key)
}

func (s *slow) History(ctx context.Context, q fleet.HistoryQuery) ([]fleet.Transition, error) {
	if q.Before != 0 {
		s.wait()
	}
	return s.Ledger.History(ctx, q)
}

// bubble is a dashboard over a slow ledger, in a time of its own.
func bubble(t *testing.T, takes time.Duration, test func(t *testing.T, s *slow, d *dashboard.Dashboard)) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{Ledger: highway.NewInMemoryStorage(), takes: takes}
		d, err := dashboard.New(dashboard.Config{Ledger: s, Access: anybody, Every: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		test(t, s, d)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// asks sends requests, one for each target, and waits until all are answered.
func asks(d http.Handler, targets ...string) (answers []*httptest.ResponseRecorder) {
	answers = make([]*httptest.ResponseRecorder, len(targets))
	var all sync.WaitGroup
	for i, target := range targets {
		all.Go(func() { answers[i] = ask(d, "GET", target, "") })
	}
	all.Wait()
	return answers
}

func TestOneLookIsEnoughForAllHoweverLongItTakes(t *testing.T) {
	for _, target := range []string{"/api/circuit?key=a", "/api/history?key=a&before=9"} {
		bubble(t, 3*time.Second, func(t *testing.T, s *slow, d *dashboard.Dashboard) {
			var all sync.WaitGroup
			for range 6 { // one each half second, while the first is not there: that is longer than an answer is good
				all.Go(func() { asks(d, target) })
				<-time.After(400 * time.Millisecond)
			}
			all.Wait()
			asks(d, target) // it has just come
			if s.asked != 1 {
				t.Errorf("%s: the ledger was asked %d times", target, s.asked)
			}
			<-time.After(time.Second)
			asks(d, target)
			if s.asked != 2 {
				t.Errorf("%s: an old answer is given for a new one: asked %d times", target, s.asked)
			}
		})
	}
}

func TestTheLedgerIsAskedAFewThingsAtOnce(t *testing.T) {
	bubble(t, 100*time.Millisecond, func(t *testing.T, s *slow, d *dashboard.Dashboard) {
		var targets []string
		for i := range 30 {
			targets = append(targets, fmt.Sprintf("/api/circuit?key=k%d", i), fmt.Sprintf("/api/history?key=k%d&before=9", i))
		}
		for i, w := range asks(d, targets...) {
			if w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", targets[i], w.Code, w.Body)
			}
		}
		if s.asked != len(targets) || s.most > 4 {
			t.Errorf("asked %d times, %d at once", s.asked, s.most)
		}
		for i := range 100 { // of more than can wait some are told so
			targets = append(targets, fmt.Sprintf("/api/circuit?key=more%d", i))
		}
		refused := 0
		for _, w := range asks(d, targets...) {
			if w.Code == http.StatusServiceUnavailable && strings.Contains(w.Body.String(), "too many others") && w.Header().Get("Retry-After") != "" {
				refused++
			}
		}
		if refused == 0 || refused > 100 || s.most > 4 {
			t.Errorf("%d refused, %d at once", refused, s.most)
		}
	})
}

func TestAnActionIsSeenThoughALookIsUnderWay(t *testing.T) {
	bubble(t, time.Second, func(t *testing.T, s *slow, d *dashboard.Dashboard) {
		use(t, s.Ledger, "payments")
		seen := seenOf(t, d, "payments")
		<-time.After(time.Minute)
		var early sync.WaitGroup
		early.Go(func() { asks(d, "/api/circuit?key=payments") })
		synctest.Wait()
		if w := ask(d, "POST", "/api/act", isolate(seen)); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if w := ask(d, "GET", "/api/circuit?key=payments", ""); !strings.Contains(w.Body.String(), "INC-7") {
			t.Error(w.Body)
		}
		early.Wait()
	})
}
