package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"go.uber.org/goleak"
)

// checkSums checks what is true of every summary.
func checkSums(t *testing.T, s Summary) {
	t.Helper()
	if s.Calls != s.SucceededCalls+s.FailedCalls+s.RefusedCalls {
		t.Errorf("%d calls are not %d succeeded + %d failed + %d refused", s.Calls, s.SucceededCalls, s.FailedCalls, s.RefusedCalls)
	}
	if s.CallsUnshared != s.SucceededCallsUnshared+s.FailedCallsUnshared+s.RefusedCallsUnshared {
		t.Errorf("%d calls unshared are not %d succeeded + %d failed + %d refused", s.CallsUnshared, s.SucceededCallsUnshared, s.FailedCallsUnshared, s.RefusedCallsUnshared)
	}
	if s.CallsUnprotected != s.SucceededCallsUnprotected+s.FailedCallsUnprotected {
		t.Errorf("%d calls unprotected are not %d succeeded + %d failed", s.CallsUnprotected, s.SucceededCallsUnprotected, s.FailedCallsUnprotected)
	}
	if len(s.ByInstance) != s.Instances {
		t.Errorf("%d instances in detail, want %d", len(s.ByInstance), s.Instances)
	}
	var calls, wasted, unshared, unprotected int64
	var changes, changesUnshared uint64
	sick := 0
	for _, in := range s.ByInstance {
		calls += in.Calls
		wasted += in.WastedCalls
		unprotected += in.WastedCallsUnprotected
		unshared += in.WastedCallsUnshared
		changes += in.StatusChanges
		changesUnshared += in.StatusChangesUnshared
		if in.Sick {
			sick++
		}
	}
	if calls != s.Calls || wasted != s.WastedCalls || unshared != s.WastedCallsUnshared || unprotected != s.WastedCallsUnprotected {
		t.Errorf("the instances' sums are %d calls, %d wasted, %d unshared, %d unprotected; the summary says %+v",
			calls, wasted, unshared, unprotected, s)
	}
	if sick != s.Sick || changes != s.StatusChanges || changesUnshared != s.StatusChangesUnshared {
		t.Errorf("the instances' sums are %d sick, %d changes, %d unshared; the summary says %+v",
			sick, changes, changesUnshared, s)
	}
}

func TestBreakersSpareTheServerAndCloseAgain(t *testing.T) {
	defer goleak.VerifyNone(t)
	config := Config{Instances: 3, Duration: 3 * time.Second, Outage: 1200 * time.Millisecond, Seed: 7}
	run, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	s, err := run.Wait()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%v", s)
	checkSums(t, s)
	if s.Interrupted {
		t.Error("it was interrupted")
	}
	if s.Instances != 3 || s.OutageMS != 1200 || s.Seed != 7 || s.DurationMS < 3000 {
		t.Errorf("%+v is not the run that was asked for", s)
	}
	if s.SucceededCalls == 0 || s.FailedCalls == 0 || s.RefusedCalls == 0 {
		t.Errorf("%d succeeded, %d failed, %d refused: want some of each", s.SucceededCalls, s.FailedCalls, s.RefusedCalls)
	}
	if s.WastedCallsUnprotected == 0 || s.WastedCalls >= s.WastedCallsUnprotected/2 {
		t.Errorf("%d requests wasted with breakers, %d without: want less than half", s.WastedCalls, s.WastedCallsUnprotected)
	}
	for _, row := range run.frame().rows {
		opened, closed := false, false
		for _, c := range row.history {
			opened = opened || c.from == highway.Closed && c.to == highway.Open
			closed = closed || opened && c.to == highway.Closed
		}
		if !opened || !closed {
			t.Errorf("%s: opened %v, closed again %v; its history: %v", row.name, opened, closed, row.history)
		}
	}
}

// check makes a run and looks for what is wrong with it. On a machine that is busy with
// other things calls to a healthy server time out, so a run has three chances.
func check(t *testing.T, config Config, wrong func(f frame, s Summary) error) {
	t.Helper()
	for chance := 1; ; chance++ {
		run, err := Start(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		s, err := run.Wait()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("\n%v", s)
		checkSums(t, s)
		switch err := wrong(run.frame(), s); {
		case err == nil:
			return
		case chance == 3:
			t.Fatal(err)
		default:
			t.Log(err)
		}
	}
}

func TestTheFleetSparesMoreThanBreakersOnTheirOwn(t *testing.T) {
	defer goleak.VerifyNone(t)
	config := Config{Instances: 8, Duration: 4 * time.Second, Outage: time.Second, Seed: 3}
	check(t, config, func(_ frame, s Summary) error {
		switch {
		case s.WastedCalls >= s.WastedCallsUnshared:
			return fmt.Errorf("%d requests wasted as one fleet, %d each on its own: want fewer", s.WastedCalls, s.WastedCallsUnshared)
		case s.OpenOnAllMS == nil || *s.OpenOnAllMS > s.OutageMS:
			return errors.New("the fleet was not open on all instances in the outage")
		case s.ClosedOnAllMS == nil:
			return errors.New("the fleet has not closed on all instances")
		}
		return nil
	})
}

func TestASickInstanceOpensAlone(t *testing.T) {
	defer goleak.VerifyNone(t)
	config := Config{Instances: 5, Sick: 1, Duration: 5 * time.Second, Outage: time.Second, Seed: 3}
	check(t, config, func(f frame, s Summary) error {
		if s.OpenOnAllMS == nil || s.ClosedOnAllMS == nil {
			return errors.New("the fleet has not opened and closed on all healthy instances")
		}
		for _, row := range f.rows {
			early := slices.ContainsFunc(row.history, func(c change) bool {
				return c.from == highway.Closed && c.at < f.scenario.breaks()
			})
			if early != row.sick {
				return fmt.Errorf("%s, sick %v: opened before the outage %v; its history: %v", row.name, row.sick, early, row.history)
			}
		}
		return nil
	})
}

func TestRunEndsWhenItsContextDoes(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	run, err := Start(ctx, Config{Instances: 2, Duration: time.Hour, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for run.frame().protected.calls() < 5 {
		if run.clock.wait(ctx, run.clock.elapsed()+10*time.Millisecond) != nil {
			t.Fatal(ctx.Err())
		}
	}
	cancel()
	s, err := run.Wait()
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, s)
	if !s.Interrupted || s.Calls < 5 || s.OutageMS != (30*time.Minute).Milliseconds() {
		t.Errorf("got %+v, want an interrupted run with its calls so far", s)
	}
}

func TestStopEndsARunInItsSlowPhase(t *testing.T) {
	defer goleak.VerifyNone(t)
	run, err := Start(t.Context(), Config{Instances: 2, Duration: 2 * time.Second, Outage: 1900 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := run.clock.wait(t.Context(), 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	run.Stop()
	s, err := run.Wait()
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, s)
	if !s.Interrupted {
		t.Error("it was not interrupted")
	}
}

func TestStartRefusesABadConfig(t *testing.T) {
	if _, err := Start(t.Context(), Config{}); err == nil {
		t.Error("a run with no instances and no duration has started")
	}
}
