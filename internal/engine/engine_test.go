package engine

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/protocol"
)

func TestMembersOfOneKeyInAProcessAreDifferentInstances(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		a, b, c, other := join(storage, "k"), join(storage, "k"), join(storage, "k"), join(storage, "l")
		name := a.membership.Instance
		if got := b.membership.Instance; got != name+"#2" {
			t.Errorf("the second is %q", got)
		}
		if got := c.membership.Instance; got != name+"#3" {
			t.Errorf("the third is %q", got)
		}
		if got := other.membership.Instance; got != name {
			t.Errorf("the one of another key is %q", got)
		}
		time.Sleep(5 * time.Second)
		views, err := storage.memory.Exchange(t.Context(), "looks", map[string]fleet.Report{"k": {}})
		if err != nil || len(views["k"].Reports) != 4 || views["k"].Live != 4 {
			t.Errorf("%+v, %v", views, err)
		}
	})
}

// TestACollectedPartIsForgotten, and its name is free for another, whose numbers are
// higher than any that had the name before.
func TestACollectedPartIsForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		stays, first := join(storage, "stays"), join(storage, "k")
		second := join(storage, "k")
		time.Sleep(5 * time.Second)
		first.collect()
		time.Sleep(marking + time.Second) // it is touched by then
		e := stays.engine
		e.mu.Lock()
		count, left, due := e.count, len(e.keys["k"].all), first.index
		e.mu.Unlock()
		if count != 2 || left != 1 || due >= 0 {
			t.Errorf("%d entries, %d of the key, the collected one at %d in the queue", count, left, due)
		}
		third := join(storage, "k")
		if third.membership.Instance != first.membership.Instance {
			t.Errorf("its name is not used again: %q", third.membership.Instance)
		}
		if third.membership.First <= second.membership.First || second.membership.First <= first.membership.First {
			t.Errorf("numbers begin at %d, %d, %d", first.membership.First, second.membership.First, third.membership.First)
		}
	})
}

// TestAnEngineEndsWithItsLastMember: nobody has to close it, and a member that comes
// later has another.
func TestAnEngineEndsWithItsLastMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newFake()
		p := join(storage, "k")
		time.Sleep(time.Second)
		p.collect()
		time.Sleep(time.Minute)
		engines.Lock()
		_, runs := engines.of[storage]
		engines.Unlock()
		if runs || !p.Ended() {
			t.Errorf("it runs: %v, ended: %v", runs, p.Ended())
		}
		again := join(storage, "k")
		time.Sleep(time.Second)
		if again.engine == p.engine || !again.Signal().Live {
			t.Errorf("%+v", again.Signal())
		}
		if err := Close(context.Background(), storage); err != nil {
			t.Error(err)
		}
	})
}

// TestCloseLeavesNothingBehind: what would stay makes the bubble fail.
func TestCloseLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		storage := newFake()
		p := join(storage, "k")
		time.Sleep(15 * time.Second)
		for range 2 {
			if err := Close(t.Context(), storage); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if now := runtime.NumGoroutine(); now > before {
			t.Errorf("%d goroutines are left", now-before)
		}
		if s := p.Signal(); s.Live || !errors.Is(s.Err, errEnded) || !p.Ended() {
			t.Errorf("%+v", s)
		}
		storage.forget()
		p.Due(time.Now())
		time.Sleep(time.Hour)
		for _, what := range []string{"exchange", "change", "sweep", "watch"} {
			if n := len(storage.asked(what, nil)); n > 0 {
				t.Errorf("%d times %s after the end", n, what)
			}
		}
	})
}

// TestCloseObeysItsContext though the storage does not obey its own.
func TestCloseObeysItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage, release := newFake(), make(chan struct{})
		storage.plays(script{watch: func(context.Context, func(string)) error { <-release; return errScript }})
		join(storage, "k")
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := Close(ctx, storage); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v", took)
		}
		close(release)
	})
}

// TestFailuresAreReportedForPeople within ReportInterval, though the member was not told
// of them; and once, not for as long as they are in the window.
func TestFailuresAreReportedForPeople(t *testing.T) {
	if ReportInterval != 13*time.Second {
		t.Errorf("docs/fleet.md says 13 s, not %v", ReportInterval)
	}
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		p := join(storage, "k")
		report := func() fleet.Report {
			views, err := storage.memory.Exchange(t.Context(), "looks", map[string]fleet.Report{"k": {}})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range views["k"].Reports {
				if r.Instance == p.membership.Instance {
					return r
				}
			}
			t.Fatal("there is no report")
			return fleet.Report{}
		}
		record := func(failed ...bool) {
			p.With(context.Background(), func(m *protocol.Member, now time.Time) {
				for _, f := range failed {
					m.Local().Record(m.Local().Epoch(), f, now)
				}
			})
		}
		time.Sleep(7 * time.Second)
		if r := report(); r.Failures != 0 || r.Outcomes != 0 || r.Settings != (fleet.Settings{Failures: 2, Window: 4, Successes: 1, Probes: 2, Cooldown: 30 * time.Second}) {
			t.Errorf("at first: %+v", r)
		}
		for round := range 5 {
			storage.forget()
			record(true, false, false)
			time.Sleep(ReportInterval + time.Millisecond)
			if r := report(); r.Failures != 1 || r.Outcomes != min(3+4*round, 4) {
				t.Errorf("with failures: %+v", r)
			}
			time.Sleep(time.Minute)
			if n := len(storage.asked("exchange", asksAbout("k"))); n != 1 {
				t.Errorf("%d reports of what has changed once", n)
			}
			record(false, false, false, false)
			time.Sleep(ReportInterval + time.Millisecond)
			if r := report(); r.Failures != 0 || r.Outcomes != 4 {
				t.Errorf("without: %+v", r)
			}
		}
	})
}
