package highway_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/logtest"
	"github.com/highway-engine/highway/internal/memory"
)

// fleetTest runs f in a bubble with n protectors of one key on one storage.
func fleetTest(t *testing.T, n int, rule fleet.Rule, f func(t *testing.T, fleet []*highway.CircuitProtector)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		defer func() {
			if err := storage.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		var protectors []*highway.CircuitProtector
		for range n {
			protectors = append(protectors, newProtector(t, highway.CircuitProtectorPolicy{
				ResourceKey: "shop", FailureLimit: highway.Fraction(5, 10), Storage: storage, Rule: rule,
			}))
		}
		time.Sleep(15 * time.Second) // they have come to know each other
		f(t, protectors)
	})
}

// traffic makes calls through all protectors for d, ten a second each.
func traffic(protectors []*highway.CircuitProtector, d time.Duration, fails func(i int) float64) (made int) {
	random := rand.New(rand.NewPCG(1, 2))
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for i, p := range protectors {
			_ = p.Do(context.Background(), func(context.Context) error {
				made++
				if random.Float64() < fails(i) {
					return errDown
				}
				return nil
			})
		}
	}
	return made
}

func states(protectors []*highway.CircuitProtector) string {
	s := ""
	for _, p := range protectors {
		s += fmt.Sprint(p.Status(), " ")
	}
	return s
}

func TestAnOutageOpensTheWholeFleetAndItRecovers(t *testing.T) {
	fleetTest(t, 5, nil, func(t *testing.T, protectors []*highway.CircuitProtector) {
		traffic(protectors, 10*time.Second, func(int) float64 { return 0.01 })
		traffic(protectors, 5*time.Second, func(int) float64 { return 1 })
		if got, want := states(protectors), "OPEN OPEN OPEN OPEN OPEN "; got != want {
			t.Fatalf("states are %s", got)
		}
		for i, p := range protectors {
			if s := p.Snapshot(); s.Reason != highway.FleetDecided {
				t.Errorf("protector %d is open because %v", i, s.Reason)
			}
		}
		made := traffic(protectors, 50*time.Second, func(int) float64 { return 1 })
		if made != 0 {
			t.Errorf("%d calls were made while all are open", made)
		}
		traffic(protectors, 20*time.Second, func(int) float64 { return 0 })
		if got, want := states(protectors), "CLOSED CLOSED CLOSED CLOSED CLOSED "; got != want {
			t.Fatalf("states are %s", got)
		}
	})
}

func TestOneSickInstanceOpensAlone(t *testing.T) {
	fleetTest(t, 5, nil, func(t *testing.T, protectors []*highway.CircuitProtector) {
		traffic(protectors, 30*time.Second, func(i int) float64 {
			if i == 2 {
				return 1
			}
			return 0.01
		})
		if got, want := states(protectors), "CLOSED CLOSED OPEN CLOSED CLOSED "; got != want {
			t.Fatalf("states are %s", got)
		}
	})
}

func TestTheFirstTripRule(t *testing.T) {
	fleetTest(t, 5, fleet.FirstTrip{}, func(t *testing.T, protectors []*highway.CircuitProtector) {
		traffic(protectors, 5*time.Second, func(i int) float64 {
			if i == 2 {
				return 1
			}
			return 0
		})
		if got, want := states(protectors), "OPEN OPEN OPEN OPEN OPEN "; got != want {
			t.Fatalf("states are %s", got)
		}
	})
}

func TestACommandIsForTheWholeFleetAtOnce(t *testing.T) {
	fleetTest(t, 3, nil, func(t *testing.T, protectors []*highway.CircuitProtector) {
		ctx := context.Background()
		for _, c := range []struct {
			name    string
			command func(*highway.CircuitProtector) error
			want    highway.CircuitState
			hold    highway.Hold
		}{
			{"Isolate", func(p *highway.CircuitProtector) error { return p.Isolate(ctx) }, highway.Open, highway.Isolated},
			{"Release", func(p *highway.CircuitProtector) error { return p.Release(ctx) }, highway.HalfOpen, highway.NoHold},
			{"Close", func(p *highway.CircuitProtector) error { return p.Close(ctx) }, highway.Closed, highway.NoHold},
			{"Disable", func(p *highway.CircuitProtector) error { return p.Disable(ctx) }, highway.Closed, highway.Disabled},
			{"Open", func(p *highway.CircuitProtector) error { return p.Open(ctx, time.Hour) }, highway.Open, highway.NoHold},
			{"HalfOpen", func(p *highway.CircuitProtector) error { return p.HalfOpen(ctx) }, highway.HalfOpen, highway.NoHold},
		} {
			if err := c.command(protectors[0]); err != nil {
				t.Fatal(c.name, err)
			}
			if got := protectors[0].Status(); got != c.want {
				t.Errorf("%s: the commanded one is %v", c.name, got)
			}
			time.Sleep(10 * time.Millisecond)
			for i, p := range protectors {
				if s := p.Snapshot(); s.State != c.want || s.Hold != c.hold {
					t.Errorf("%s: protector %d is %v, held %v", c.name, i, s.State, s.Hold)
				}
			}
		}
	})
}

func TestADisabledFleetNeverOpens(t *testing.T) {
	fleetTest(t, 3, nil, func(t *testing.T, protectors []*highway.CircuitProtector) {
		if err := protectors[0].Disable(context.Background()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		traffic(protectors, 30*time.Second, func(int) float64 { return 1 })
		if got := states(protectors); got != "CLOSED CLOSED CLOSED " {
			t.Errorf("states are %s", got)
		}
	})
}

// badStorage is a storage that can be broken.
type badStorage struct {
	highway.Storage
	mode atomic.Value // "", "fails", "panics" or "hangs"
}

var errStorage = errors.New("storage is down")

func (s *badStorage) misbehave(ctx context.Context) error {
	switch s.mode.Load() {
	case "fails":
		return errStorage
	case "panics":
		panic("storage is broken")
	case "hangs":
		time.Sleep(time.Hour) // whatever ctx says
	}
	return nil
}

func (s *badStorage) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	if err := s.misbehave(ctx); err != nil {
		return nil, err
	}
	return s.Storage.Exchange(ctx, instance, reports)
}

func (s *badStorage) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	if err := s.misbehave(ctx); err != nil {
		return fleet.Row{}, err
	}
	return s.Storage.Change(ctx, key, from, row)
}

func (s *badStorage) Sweep(ctx context.Context, after string, limit int) ([]string, error) {
	if err := s.misbehave(ctx); err != nil {
		return nil, err
	}
	return s.Storage.Sweep(ctx, after, limit)
}

// TestAStorageThatMisbehavesReachesNoCall (S9): each instance goes on alone, says so, and
// comes back by itself (L1).
func TestAStorageThatMisbehavesReachesNoCall(t *testing.T) {
	for _, mode := range []string{"fails", "panics", "hangs"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := logtest.Capture(t)
				storage := &badStorage{Storage: highway.NewInMemoryStorage()}
				storage.mode.Store("")
				var protectors []*highway.CircuitProtector
				for range 3 {
					protectors = append(protectors, newProtector(t, highway.CircuitProtectorPolicy{
						ResourceKey: "shop", FailureLimit: highway.Fraction(5, 10), Storage: storage,
					}))
				}
				time.Sleep(15 * time.Second)
				if s := protectors[0].Snapshot().Fleet; !s.Shared || !s.Live || s.Err != nil {
					t.Errorf("signal is %+v", s)
				}
				storage.mode.Store(mode)
				start := time.Now()
				traffic(protectors, 10*time.Second, func(int) float64 { return 0 })
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("calls were held up: %v", took)
				}
				if s := protectors[0].Snapshot().Fleet; s.Live || s.Err == nil || s.Since.Before(start) {
					t.Errorf("signal is %+v", s)
				}
				// Everyone trips, and recovers, alone.
				traffic(protectors, 5*time.Second, func(int) float64 { return 1 })
				if got := states(protectors); got != "OPEN OPEN OPEN " {
					t.Errorf("states are %s", got)
				}
				traffic(protectors, 70*time.Second, func(int) float64 { return 0 })
				if got := states(protectors); got != "CLOSED CLOSED CLOSED " {
					t.Errorf("states are %s", got)
				}
				storage.mode.Store("")
				time.Sleep(2 * time.Hour) // what hangs comes back
				if s := protectors[0].Snapshot().Fleet; !s.Live {
					t.Errorf("signal is %+v", s)
				}
				traffic(protectors, 10*time.Second, func(int) float64 { return 0 })
				traffic(protectors, 5*time.Second, func(int) float64 { return 1 })
				if s := protectors[1].Snapshot(); s.Reason != highway.FleetDecided {
					t.Errorf("the fleet did not open again: %v, %v", s.State, s.Reason)
				}
				if n := strings.Count(log.String(), "storage of the fleet is away"); n != 1 {
					t.Errorf("%d lines about one outage:\n%s", n, log)
				}
				if err := highway.CloseStorage(context.Background(), storage); err != nil {
					t.Error(err)
				}
				synctest.Wait()
			})
		})
	}
}

func TestACommandSaysWhenItIsNotDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &badStorage{Storage: highway.NewInMemoryStorage()}
		storage.mode.Store("fails")
		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage})
		if err := p.Isolate(context.Background()); !errors.Is(err, highway.ErrNotDone) || !errors.Is(err, errStorage) {
			t.Errorf("got %v", err)
		}
		wantStatus(t, p, highway.Closed)
		if err := highway.CloseStorage(context.Background(), storage); err != nil {
			t.Error(err)
		}
	})
}

// TestAnEngineEndsWithItsLastProtector: nobody has to close a storage whose protectors
// are gone. (A goroutine that stays makes the bubble fail.)
func TestAnEngineEndsWithItsLastProtector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		func() {
			storage := highway.NewInMemoryStorage()
			for i := range 100 {
				p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: fmt.Sprint(i), Storage: storage})
				play(t, p, "xxxx")
			}
			time.Sleep(time.Second)
		}()
		for range 3 {
			runtime.GC()
		}
		time.Sleep(time.Hour)
	})
}

// TestAProtectorOutlivesItsEngine: after Close each is on its own, and says so.
func TestAProtectorOutlivesItsEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage})
		time.Sleep(15 * time.Second)
		play(t, p, "xxxx")
		time.Sleep(time.Second)
		if s := p.Snapshot(); s.Reason != highway.FleetDecided { // it is the whole fleet
			t.Fatalf("open because %v", s.Reason)
		}
		for range 2 {
			if err := storage.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if s := p.Snapshot().Fleet; !s.Shared || s.Live || s.Err == nil {
			t.Errorf("signal is %+v", s)
		}
		time.Sleep(time.Minute)
		play(t, p, "..")
		wantStatus(t, p, highway.Closed)
		if err := p.Isolate(context.Background()); err != nil {
			t.Errorf("a command to a protector that is on its own: %v", err)
		}
		wantStatus(t, p, highway.Open)
	})
}

// TestAFleetOfManyKeysStaysApart (S12): 50 circuits, of which one fails.
func TestAFleetOfManyKeysStaysApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		defer func() { _ = storage.Close(context.Background()) }()
		keys := make([][]*highway.CircuitProtector, 50)
		for i := range keys {
			for range 3 {
				keys[i] = append(keys[i], newProtector(t, highway.CircuitProtectorPolicy{
					ResourceKey: fmt.Sprint("key ", i), FailureLimit: highway.Fraction(5, 10), Storage: storage,
				}))
			}
		}
		time.Sleep(15 * time.Second)
		for range 50 {
			for i, protectors := range keys {
				call := succeed
				if i == 7 {
					call = fail
				}
				for _, p := range protectors {
					_ = p.Do(context.Background(), call)
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		for i, protectors := range keys {
			want := "CLOSED CLOSED CLOSED "
			if i == 7 {
				want = "OPEN OPEN OPEN "
			}
			if got := states(protectors); got != want {
				t.Errorf("key %d: %s", i, got)
			}
		}
	})
}

// TestAProtectorMadeAnewIsHeard: the storage must not take its reports for late ones of
// the protector that had the name before.
func TestAProtectorMadeAnewIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		defer func() { _ = storage.Close(context.Background()) }()
		policy := highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage}
		watcher := newProtector(t, policy)
		func() {
			old := newProtector(t, policy)
			time.Sleep(15 * time.Second)
			play(t, old, "xxxx") // and many reports
			time.Sleep(5 * time.Minute)
			runtime.KeepAlive(old)
		}()
		for range 3 {
			runtime.GC()
		}
		time.Sleep(time.Minute)
		if err := watcher.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		anew := newProtector(t, policy)
		time.Sleep(15 * time.Second)
		play(t, anew, "xxxx")
		time.Sleep(time.Second)
		wantStatus(t, watcher, highway.Open)
	})
}

// TestACallWaitsAMomentForTheProbeItAsksFor (L3): or a fleet that is called seldom would
// never recover.
func TestACallWaitsAMomentForTheProbeItAsksFor(t *testing.T) {
	fleetTest(t, 3, fleet.FirstTrip{}, func(t *testing.T, protectors []*highway.CircuitProtector) {
		traffic(protectors, 5*time.Second, func(int) float64 { return 1 })
		for range 4 {
			time.Sleep(5 * time.Minute)
			for _, p := range protectors {
				_ = p.Do(context.Background(), succeed)
			}
		}
		if got := states(protectors); got != "CLOSED CLOSED CLOSED " {
			t.Errorf("states are %s", got)
		}
	})
}

// TestAFleetThatRecoveredWithoutItsStorage learns that together when it is back (L1).
func TestAFleetThatRecoveredWithoutItsStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &badStorage{Storage: highway.NewInMemoryStorage()}
		storage.mode.Store("")
		defer func() { _ = highway.CloseStorage(context.Background(), storage) }()
		var protectors []*highway.CircuitProtector
		for range 3 {
			protectors = append(protectors, newProtector(t, highway.CircuitProtectorPolicy{
				ResourceKey: "shop", Storage: storage, Rule: fleet.FirstTrip{},
			}))
		}
		time.Sleep(15 * time.Second)
		traffic(protectors, 5*time.Second, func(int) float64 { return 1 })
		storage.mode.Store("fails")
		traffic(protectors, 90*time.Second, func(int) float64 { return 0 })
		storage.mode.Store("")
		traffic(protectors, 2*time.Minute, func(int) float64 { return 0 })
		if got := states(protectors); got != "CLOSED CLOSED CLOSED " {
			t.Errorf("states are %s", got)
		}
		keys, err := storage.Sweep(context.Background(), "", 10)
		if err != nil || len(keys) != 0 {
			t.Errorf("something goes on still at %q, %v", keys, err)
		}
	})
}

// panickingRule is a rule of somebody's own, with a bug.
type panickingRule struct{ fleet.SequentialTest }

func (panickingRule) Weight(float64, bool) float64     { panic("bug") }
func (panickingRule) Judge(float64, int) fleet.Verdict { panic("bug") }

// endingRule is one with a bug that no recover finds.
type endingRule struct{ fleet.SequentialTest }

func (endingRule) Weight(float64, bool) float64 { runtime.Goexit(); return 0 }
func (endingRule) Judge(float64, int) fleet.Verdict {
	runtime.Goexit()
	return fleet.Opens
}

func TestARuleWithABugHarmsNoCall(t *testing.T) {
	for name, rule := range map[string]fleet.Rule{"panics": panickingRule{}, "ends its goroutine": endingRule{}} {
		t.Run(name, func(t *testing.T) {
			fleetTest(t, 4, rule, func(t *testing.T, protectors []*highway.CircuitProtector) {
				log := logtest.Capture(t)
				made := traffic(protectors, 5*time.Second, func(i int) float64 { return float64(i % 2) })
				if got := states(protectors); made < 100 || got != "CLOSED OPEN CLOSED OPEN " {
					t.Errorf("after %d calls states are %s", made, got)
				}
				for _, method := range []string{"Rule.Weight", "Rule.Judge"} {
					if !strings.Contains(log.String(), method) {
						t.Errorf("nothing is logged of %s", method)
					}
				}
			})
		})
	}
}

func TestACommandObeysItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &badStorage{Storage: highway.NewInMemoryStorage()}
		storage.mode.Store("hangs")
		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		if err := p.Isolate(ctx); !errors.Is(err, highway.ErrNotDone) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
		time.Sleep(3 * time.Hour) // what hangs comes back
		if err := highway.CloseStorage(context.Background(), storage); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Hour)
	})
}

// TestAKeyThatTheStorageHasForgottenIsNoNews (S11): its row comes back as another one,
// closed, and members whose circuits are closed have nothing to tell of it.
func TestAKeyThatTheStorageHasForgottenIsNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := memory.New(time.Now)
		var told atomic.Int64
		var protectors []*highway.CircuitProtector
		for range 3 {
			protectors = append(protectors, newProtector(t, highway.CircuitProtectorPolicy{
				ResourceKey: "shop", FailureLimit: highway.Fraction(5, 10), Storage: storage,
				OnStatusChange: func(highway.StatusChange) { told.Add(1) },
			}))
		}
		time.Sleep(15 * time.Second)
		before := storage.Row("shop")
		for range 3 {
			storage.Forget("shop")
			time.Sleep(10 * time.Minute)
		}
		after := storage.Row("shop")
		if after.Incarnation == before.Incarnation || after.Incarnation == 0 || after.Epoch != 0 {
			t.Errorf("%+v has become %+v", before, after)
		}
		if n := told.Load(); n != 0 {
			t.Errorf("listeners were told %d times", n)
		}
		// Forgotten once more, just before an outage, it keeps nobody from opening.
		traffic(protectors, 10*time.Second, func(int) float64 { return 0.01 })
		storage.Forget("shop")
		traffic(protectors, 5*time.Second, func(int) float64 { return 1 })
		if got := states(protectors); got != "OPEN OPEN OPEN " || storage.Row("shop").State != fleet.Open {
			t.Errorf("states are %s, the row %+v", got, storage.Row("shop"))
		}
		if err := highway.CloseStorage(context.Background(), storage); err != nil {
			t.Error(err)
		}
	})
}
