package highway_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
)

func TestSnapshotTellsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop", CountCalls: true})
		play(t, p, "..xx")
		wantRefused(t, p)
		wantRefused(t, p)
		time.Sleep(10 * time.Second)
		s := p.Snapshot()
		if s.ResourceKey != "shop" || s.State != highway.Open || s.Hold != highway.NoHold ||
			s.Reason != highway.FailureLimitReached || !s.Since.Equal(start) || s.RetryAfter != 50*time.Second ||
			s.FailureLimit != highway.Fraction(2, 4) || s.SuccessLimit != highway.Fraction(2, 3) ||
			s.Log.Failures() != 2 || s.Log.Successes() != 2 || s.Log.Len() != 4 || s.ProbesInFlight != 0 {
			t.Errorf("snapshot is %+v", s)
		}
		want := highway.Totals{Failures: 2, Successes: 2, Refusals: 2, StatusChanges: 1, Counted: true}
		if s.Totals != want {
			t.Errorf("totals are %+v, want %+v", s.Totals, want)
		}
		time.Sleep(50 * time.Second)
		if s := p.Snapshot(); s.State != highway.HalfOpen || s.Since.Sub(start) != time.Minute {
			t.Errorf("after the cooldown: %+v", s)
		}
	})
}

// TestChangesAreCountedByReason, whether or not somebody listens, in one order.
func TestChangesAreCountedByReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{})
		if got := p.Snapshot().Changes; len(got) != 0 {
			t.Errorf("at first %v", got)
		}
		play(t, p, "..xx")
		for range 2 {
			time.Sleep(time.Minute)
			play(t, p, "xx")
		}
		time.Sleep(time.Minute)
		play(t, p, "..")
		_ = p.Isolate(context.Background())
		_ = p.Isolate(context.Background()) // it is already
		_ = p.Disable(context.Background())
		s := p.Snapshot()
		want := []highway.ChangeCount{
			{To: highway.Closed, Reason: highway.SuccessLimitReached, Count: 1},
			{To: highway.Closed, Reason: highway.Commanded, Count: 1},
			{To: highway.Open, Reason: highway.FailureLimitReached, Count: 1},
			{To: highway.Open, Reason: highway.ProbesFailed, Count: 2},
			{To: highway.Open, Reason: highway.Commanded, Count: 1},
			{To: highway.HalfOpen, Reason: highway.CooldownOver, Count: 3},
		}
		if !slices.Equal(s.Changes, want) || s.Totals.StatusChanges != 9 {
			t.Errorf("changes are %v of %d, want %v", s.Changes, s.Totals.StatusChanges, want)
		}
		s.Changes[0].Count = 100 // is a copy
		if !slices.Equal(p.Snapshot().Changes, want) {
			t.Error("a snapshot changed what is counted")
		}
	})
}

func TestCountingCallsIsExact(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{CountCalls: true, FailureLimit: highway.Fraction(10, 10)})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { play(t, p, "..........................x......") })
	}
	wg.Wait()
	if got := p.Snapshot().Totals; got.Successes != 128 || got.Failures != 4 {
		t.Errorf("totals are %+v", got)
	}
}

// TestEveryRefusalIsCounted: by an open circuit, by one that probes, and when the last
// probe of one has to be waited for.
func TestEveryRefusalIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{CountCalls: true})
		play(t, p, "........xx")
		refused := func(n int) {
			for range n {
				wantRefused(t, p)
				if _, err := p.Acquire(context.Background()); err == nil {
					t.Error("the call was let through")
				}
			}
		}
		refused(50)
		time.Sleep(time.Minute - time.Millisecond) // refusals read the clock by now
		refused(50)
		time.Sleep(time.Millisecond)
		for range 3 {
			defer acquire(t, p, context.Background()).Ignore()
		}
		refused(50)
		want := highway.Totals{Counted: true, Successes: 8, Failures: 2, Refusals: 300, StatusChanges: 2}
		if got := p.Snapshot().Totals; got != want {
			t.Errorf("totals are %+v, want %+v", got, want)
		}
	})
}

func TestWithoutCountingOnlyWhatIsWrittenAnywayIsCounted(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{})
	play(t, p, "....xx")
	wantRefused(t, p)
	_ = p.HalfOpen(context.Background())
	for range 3 {
		acquire(t, p, context.Background())
	}
	wantRefused(t, p)
	want := highway.Totals{Failures: 2, StatusChanges: 2}
	if got := p.Snapshot().Totals; got != want {
		t.Errorf("totals are %+v, want %+v", got, want)
	}
}

// TestASnapshotIsConsistent: a state never goes with the figures of another.
func TestASnapshotIsConsistent(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = p.Do(context.Background(), fail)
				_ = p.Close(context.Background())
			}
		}
	})
	for range 2000 {
		s := p.Snapshot()
		switch {
		case s.State == highway.Open && (s.RetryAfter == 0 || s.Log.Failures() < 2 || s.Reason != highway.FailureLimitReached),
			s.State == highway.Closed && (s.RetryAfter != 0 || s.Log.Len() == 4 && s.Log.Failures() >= 2):
			t.Fatalf("snapshot is %+v", s)
		}
	}
	close(stop)
	wg.Wait()
}

func TestASnapshotIsReadableInJSON(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop"})
	play(t, p, ".x")
	got, err := json.Marshal(p.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"ResourceKey":"shop"`, `"State":"CLOSED"`, `"Hold":"none"`, `"Reason":"started"`,
		`"FailureLimit":"2 of 4"`, `"SuccessLimit":"2 of 3"`, `"Log":"1 of 2 failed"`, `"Failures":1`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

func TestStatesHaveNamesInJSON(t *testing.T) {
	got, err := json.Marshal([]any{highway.Closed, highway.Open, highway.HalfOpen, highway.Isolated, highway.ProbesFailed})
	if want := `["CLOSED","OPEN","HALF_OPEN","isolated","probes failed"]`; err != nil || string(got) != want {
		t.Errorf("got %s %v, want %s", got, err, want)
	}
	if got := highway.CircuitState(7).String(); got != "highway.CircuitState(7)" {
		t.Errorf("an unknown state is %q", got)
	}
}

func TestAnExecutionLogIsACopy(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{})
	play(t, p, "x.")
	log := p.ExecutionLog()
	play(t, p, "..")
	if log.Len() != 2 || log.Failures() != 1 || log.String() != "1 of 2 failed" {
		t.Errorf("the log changed: %v", log)
	}
	for range log.All() {
		break // early stop
	}
	var none highway.ExecutionLog
	if none.Len() != 0 || none.Successes() != 0 {
		t.Error("the zero log is not empty")
	}
	for range none.All() {
		t.Error("the zero log has outcomes")
	}
}
