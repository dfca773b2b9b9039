package highway_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
)

func configure(t testing.TB, p *highway.CircuitProtector, s highway.Settings) {
	t.Helper()
	if err := p.Configure(s); err != nil {
		t.Fatal(err)
	}
}

func TestSettingsAreThoseInForce(t *testing.T) {
	p, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{Cooldown: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	want := highway.Settings{
		Cooldown: time.Second, FailureLimit: highway.Fraction(10, 20),
		SuccessLimit: highway.Fraction(2, 3), ProbeTimeout: highway.DefaultProbeTimeout,
	}
	if got := p.Settings(); got != want {
		t.Errorf("of the policy: %+v", got)
	}
	want = highway.Settings{
		Cooldown: highway.DefaultCooldown, FailureLimit: highway.Fraction(1, 2),
		SuccessLimit: highway.Fraction(3, 4), ProbeTimeout: time.Hour,
	}
	configure(t, p, highway.Settings{FailureLimit: want.FailureLimit, SuccessLimit: want.SuccessLimit, ProbeTimeout: time.Hour})
	if got := p.Settings(); got != want {
		t.Errorf("configured: %+v", got)
	}
	if s := p.Snapshot(); s.FailureLimit != want.FailureLimit || s.SuccessLimit != want.SuccessLimit {
		t.Errorf("snapshot is %+v", s)
	}
}

func TestSenselessSettingsChangeNothing(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{})
	before := p.Settings()
	err := p.Configure(highway.Settings{
		Cooldown: -1, FailureLimit: highway.Fraction(4, 3), SuccessLimit: highway.Fraction(0, 0), ProbeTimeout: -1,
	})
	wantInvalid(t, err, "Cooldown", "FailureLimit", "SuccessLimit", "ProbeTimeout")
	wantInvalid(t, p.Configure(highway.Settings{Cooldown: time.Hour, ProbeTimeout: -1}), "ProbeTimeout")
	if got := p.Settings(); got != before {
		t.Errorf("settings are %+v", got)
	}
	play(t, p, "xxxx")
	wantStatus(t, p, highway.Open)
}

func TestAWindowKeepsTheOutcomesThatFit(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(4, 6)})
	play(t, p, ".x.xx")
	configure(t, p, highway.Settings{FailureLimit: highway.Fraction(3, 4)})
	wantLog(t, p, "x.xx")
	wantStatus(t, p, highway.Closed) // until the next outcome
	configure(t, p, highway.Settings{FailureLimit: highway.Fraction(3, 8)})
	play(t, p, "...")
	wantLog(t, p, "x.xx...")
	wantStatus(t, p, highway.Closed) // until it is full
	play(t, p, ".")
	wantStatus(t, p, highway.Open)
}

func TestAShrunkWindowTripsWithTheNextOutcome(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(5, 10)})
	play(t, p, "..xxx")
	configure(t, p, highway.Settings{FailureLimit: highway.Fraction(2, 3)})
	wantStatus(t, p, highway.Closed)
	play(t, p, ".")
	wantStatus(t, p, highway.Open)
}

// TestAQuietWindowThatGrowsRecordsAgain: calls under way see it too.
func TestAQuietWindowThatGrowsRecordsAgain(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(2, 4)})
	play(t, p, "......")
	permit := acquire(t, p, context.Background())
	_ = p.Do(context.Background(), func(context.Context) error {
		configure(t, p, highway.Settings{FailureLimit: highway.Fraction(2, 10)})
		return nil
	})
	permit.Success()
	wantLog(t, p, "......")
	play(t, p, ".....")
	wantLog(t, p, "..........")
	configure(t, p, highway.Settings{FailureLimit: highway.Fraction(1, 1)})
	play(t, p, ".x")
	wantStatus(t, p, highway.Open)
}

func TestTheDeadlineOfAnOpenStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{Cooldown: time.Minute})
		play(t, p, "xxxx")
		configure(t, p, highway.Settings{Cooldown: time.Second, SuccessLimit: highway.Fraction(1, 1)})
		since := p.Snapshot().Since
		if got := wantRefused(t, p).RetryAfter(); got != time.Minute {
			t.Errorf("refused for %v", got)
		}
		time.Sleep(time.Minute - time.Nanosecond)
		wantRefused(t, p)
		if got := p.Snapshot().Since; got != since {
			t.Error("a new episode")
		}
		time.Sleep(time.Nanosecond)
		play(t, p, "x")
		if got := wantRefused(t, p).RetryAfter(); got != time.Second {
			t.Errorf("the next time for %v", got)
		}
		_ = p.Open(context.Background(), 0)
		if got := wantRefused(t, p).RetryAfter(); got != time.Second {
			t.Errorf("by command for %v", got)
		}
	})
}

func TestProbesAreJudgedByTheNewSettingsAtOnce(t *testing.T) {
	var changes []highway.StatusChange
	p := newProtector(t, highway.CircuitProtectorPolicy{
		SuccessLimit:   highway.Fraction(4, 8),
		OnStatusChange: func(c highway.StatusChange) { changes = append(changes, c) },
	})
	ctx := context.Background()
	_ = p.HalfOpen(ctx)
	play(t, p, "x..")
	late := acquire(t, p, ctx)
	configure(t, p, highway.Settings{SuccessLimit: highway.Fraction(2, 3)})
	wantStatus(t, p, highway.Closed)
	late.Failure() // of an earlier episode
	wantLog(t, p, "")

	configure(t, p, highway.Settings{SuccessLimit: highway.Fraction(4, 8)})
	_ = p.HalfOpen(ctx)
	play(t, p, ".x")
	configure(t, p, highway.Settings{SuccessLimit: highway.Fraction(2, 2)})
	wantStatus(t, p, highway.Open)
	if n := len(changes); n != 4 || changes[1].Reason != highway.SuccessLimitReached || changes[3].Reason != highway.ProbesFailed {
		t.Errorf("told of %+v", changes)
	}
}

func TestTheRefusalOfAHalfOpenCircuitTellsTheNewPause(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{SuccessLimit: highway.Fraction(2, 3)})
	_ = p.HalfOpen(context.Background())
	probe := acquire(t, p, context.Background())
	configure(t, p, highway.Settings{Cooldown: 10 * time.Second, SuccessLimit: highway.Fraction(1, 1)})
	if got := wantRefused(t, p).RetryAfter(); got != time.Second || p.Snapshot().RetryAfter != got {
		t.Errorf("asked to wait for %v", got)
	}
	probe.Success() // of the same episode
	wantStatus(t, p, highway.Closed)
}

func TestAProbeUnderWayGetsAShorterTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{SuccessLimit: highway.Fraction(1, 1), ProbeTimeout: time.Hour})
		_ = p.HalfOpen(context.Background())
		acquire(t, p, context.Background())
		time.Sleep(time.Second)
		configure(t, p, highway.Settings{SuccessLimit: highway.Fraction(1, 1), ProbeTimeout: time.Minute})
		time.Sleep(time.Minute - time.Nanosecond)
		wantRefused(t, p)
		time.Sleep(time.Nanosecond)
		play(t, p, ".")
		wantStatus(t, p, highway.Closed)
	})
}

func TestAHoldStays(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{})
	_ = p.Isolate(context.Background())
	configure(t, p, highway.Settings{FailureLimit: highway.Fraction(1, 1)})
	if s := p.Snapshot(); s.State != highway.Open || s.Hold != highway.Isolated {
		t.Errorf("snapshot is %+v", s)
	}
	_ = p.Disable(context.Background())
	configure(t, p, highway.Settings{FailureLimit: highway.Fraction(1, 2)})
	play(t, p, "xxx")
	if s := p.Snapshot(); s.State != highway.Closed || s.Hold != highway.Disabled {
		t.Errorf("snapshot is %+v", s)
	}
}

// TestSettingsChangeUnderCalls: whatever a window says goes with the limit that is shown.
func TestSettingsChangeUnderCalls(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(1000, 1000)})
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for i := range 2 {
		callers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				call := succeed
				if n%7 == i {
					call = fail
				}
				_ = p.Do(context.Background(), call)
				runtime.Gosched()
			}
		})
	}
	for n := range 2000 {
		of := 1 + n%70
		configure(t, p, highway.Settings{FailureLimit: highway.Fraction(of, of), Cooldown: time.Microsecond})
		s := p.Snapshot()
		if s.FailureLimit.Of() != of || s.Log.Len() > max(of, s.SuccessLimit.Of()) {
			t.Fatalf("with %d: %+v", of, s)
		}
	}
	close(stop)
	callers.Wait()
}

func TestAFleetsMemberIsConfigured(t *testing.T) {
	fleetTest(t, 3, nil, func(t *testing.T, protectors []*highway.CircuitProtector) {
		traffic(protectors, 10*time.Second, func(int) float64 { return 0 })
		for _, p := range protectors {
			configure(t, p, highway.Settings{Cooldown: 3 * time.Second, FailureLimit: highway.Fraction(3, 5)})
		}
		traffic(protectors, 2*time.Second, func(int) float64 { return 1 })
		if got, want := states(protectors), "OPEN OPEN OPEN "; got != want {
			t.Fatalf("states are %s", got)
		}
		for i, p := range protectors {
			if s := p.Snapshot(); s.RetryAfter > 3*time.Second || s.FailureLimit != highway.Fraction(3, 5) || s.Log.Len() > 5 {
				t.Errorf("protector %d: %+v", i, s)
			}
		}
		traffic(protectors, 10*time.Second, func(int) float64 { return 0 })
		if got, want := states(protectors), "CLOSED CLOSED CLOSED "; got != want {
			t.Fatalf("states are %s", got)
		}
	})
}

// TestTheFleetSeesNewSettings, though nothing else happens at the circuit.
func TestTheFleetSeesNewSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		defer func() { _ = storage.Close(context.Background()) }()
		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage})
		time.Sleep(time.Minute)
		configure(t, p, highway.Settings{Cooldown: 7 * time.Second, FailureLimit: highway.Fraction(3, 5), SuccessLimit: highway.Fraction(1, 4)})
		time.Sleep(4 * time.Second)
		views, err := storage.Exchange(context.Background(), "somebody", map[string]fleet.Report{"shop": {Instance: "somebody", Number: 1}})
		if err != nil {
			t.Fatal(err)
		}
		want := fleet.Settings{Failures: 3, Window: 5, Successes: 1, Probes: 4, Cooldown: 7 * time.Second}
		for _, r := range views["shop"].Reports {
			if r.Instance != "somebody" && r.Settings != want {
				t.Errorf("the report says %+v", r.Settings)
			}
		}
		if n := len(views["shop"].Reports); n != 2 {
			t.Errorf("%d reports", n)
		}
	})
}

func ExampleCircuitProtector_Configure() {
	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{}))

	settings := protector.Settings()
	settings.FailureLimit = highway.Fraction(5, 50)
	fmt.Println(protector.Configure(settings), protector.Settings().FailureLimit)
	// Output: <nil> 5 of 50
}
