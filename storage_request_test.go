package highway_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/logtest"
)

// requests gathers what an observer is told.
type requests struct {
	mu  sync.Mutex
	all []highway.StorageRequest
}

func (r *requests) observe(q highway.StorageRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, q)
}

// take gives the requests since the last time, by operation.
func (r *requests) take() map[string][]highway.StorageRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	by := map[string][]highway.StorageRequest{}
	for _, q := range r.all {
		by[q.Operation] = append(by[q.Operation], q)
	}
	r.all = nil
	return by
}

func TestObserversHearOfEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &badStorage{Storage: highway.NewInMemoryStorage()}
		storage.mode.Store("")
		var heard requests
		stop := highway.ObserveStorage(storage, heard.observe)
		defer stop()
		time.Sleep(time.Minute)
		if got := heard.take(); len(got) != 0 {
			t.Errorf("nobody uses the storage, and heard %v", got)
		}

		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage})
		time.Sleep(time.Minute)
		got := heard.take()
		// A sweep each second and a sign of life every three, give or take a fifth.
		if s, e := len(got["sweep"]), len(got["exchange"]); s < 50 || s > 75 || e < 16 || e > 30 || len(got) != 2 {
			t.Errorf("in a minute %d sweeps, %d exchanges: %v", s, e, got)
		}
		for _, q := range append(got["sweep"], got["exchange"]...) {
			if q.Err != nil || q.Took != 0 {
				t.Errorf("heard %+v", q)
			}
		}

		if err := p.Isolate(context.Background()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the engine may have something to say at the same instant
		if got := heard.take(); len(got["exchange"]) == 0 || len(got["change"]) != 1 {
			t.Errorf("of a command heard %v", got)
		}

		storage.mode.Store("fails")
		time.Sleep(10 * time.Second)
		got = heard.take()
		if len(got["sweep"]) == 0 || len(got["exchange"]) == 0 {
			t.Errorf("heard %v", got)
		}
		for _, q := range append(got["sweep"], got["exchange"]...) {
			if !errors.Is(q.Err, errStorage) {
				t.Errorf("heard %+v", q)
			}
		}

		storage.mode.Store("hangs")
		time.Sleep(10 * time.Second)
		n := 0
		for _, of := range heard.take() {
			for _, q := range of {
				n++
				if !errors.Is(q.Err, context.DeadlineExceeded) || q.Took < time.Second || q.Took > 2*time.Second {
					t.Errorf("heard %+v", q)
				}
			}
		}
		if n != 1 {
			t.Errorf("heard of %d requests while the first hangs", n)
		}
		storage.mode.Store("")
		time.Sleep(2 * time.Hour)

		heard.take()
		stop()
		stop()
		time.Sleep(time.Minute)
		_ = p.Release(context.Background())
		if got := heard.take(); len(got) != 0 {
			t.Errorf("after stop heard %v", got)
		}
		if err := highway.CloseStorage(context.Background(), storage); err != nil {
			t.Error(err)
		}
	})
}

// TestObserversAreApart: of each other, of other storages, and of the engine. One stays
// when the engine ends and hears of the next.
func TestObserversAreApart(t *testing.T) {
	log := logtest.Capture(t)
	synctest.Test(t, func(t *testing.T) {
		storage, other := highway.NewInMemoryStorage(), highway.NewInMemoryStorage()
		var first, second, foreign requests
		var stopFirst func()
		stopFirst = highway.ObserveStorage(storage, func(q highway.StorageRequest) {
			first.observe(q)
			stopFirst() // no lock is held
			panic("clumsy")
		})
		defer highway.ObserveStorage(storage, second.observe)()
		defer highway.ObserveStorage(other, foreign.observe)()
		for _, nothing := range []func(){
			highway.ObserveStorage(nil, first.observe),
			highway.ObserveStorage(storage, nil),
			highway.ObserveStorage(incomparable{}, first.observe),
		} {
			nothing()
		}
		for range 2 {
			p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage})
			time.Sleep(time.Minute)
			runtime.KeepAlive(p)
			if n := len(second.take()["sweep"]); n < 50 {
				t.Errorf("the second heard of %d sweeps", n)
			}
			if err := highway.CloseStorage(context.Background(), storage); err != nil {
				t.Error(err)
			}
		}
		if n := len(first.all); n != 1 || len(foreign.all) != 0 {
			t.Errorf("the first, which stopped, heard %d times, that of another storage %d", n, len(foreign.all))
		}
		for _, s := range []*highway.InMemoryStorage{storage, other} {
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	if n := strings.Count(log.String(), "clumsy"); n == 0 || !strings.Contains(log.String(), "ObserveStorage") {
		t.Errorf("logged %q", log)
	}
}

// TestAnObserverThatEndsItsGoroutineEndsNothingElse, neither a command nor what serves the
// fleet.
func TestAnObserverThatEndsItsGoroutineEndsNothingElse(t *testing.T) {
	log := logtest.Capture(t)
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		var heard requests
		defer highway.ObserveStorage(storage, func(q highway.StorageRequest) {
			heard.observe(q)
			runtime.Goexit()
		})()
		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage})
		time.Sleep(time.Minute)
		commanded := false
		go func() {
			commanded = p.Isolate(context.Background()) == nil
		}()
		synctest.Wait()
		q := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage})
		time.Sleep(time.Second)
		if s := p.Snapshot().Fleet; !s.Live || !commanded || q.Status() != highway.Open {
			t.Errorf("%+v, commanded: %v, another has heard: %v", s, commanded, q.Status())
		}
		if got := heard.take(); len(got["sweep"]) < 50 || len(got["change"]) != 1 {
			t.Errorf("heard of %d sweeps and %d changes", len(got["sweep"]), len(got["change"]))
		}
		if err := storage.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if !strings.Contains(log.String(), "ended its goroutine") || !strings.Contains(log.String(), "ObserveStorage") {
		t.Errorf("logged %q", log)
	}
}

// incomparable is a storage that no policy takes.
type incomparable struct {
	highway.Storage
	_ []int
}

// TestTheSignalSaysWhoAndWhen: each protector of a key is an instance of its own, and
// knows when it was last told.
func TestTheSignalSaysWhoAndWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &badStorage{Storage: highway.NewInMemoryStorage()}
		storage.mode.Store("fails")
		policy := highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage}
		p, q := newProtector(t, policy), newProtector(t, policy)
		time.Sleep(time.Second)
		if s := p.Snapshot().Fleet; !s.Heard.IsZero() || s.Instance == "" || s.Instance == q.Snapshot().Fleet.Instance {
			t.Errorf("before the first answer: %+v, the other is %q", s, q.Snapshot().Fleet.Instance)
		}
		storage.mode.Store("")
		time.Sleep(time.Minute)
		heard := p.Snapshot().Fleet.Heard
		if heard.IsZero() {
			t.Error("it was never told")
		}
		time.Sleep(time.Minute)
		if err := p.Isolate(context.Background()); err != nil {
			t.Fatal(err)
		}
		if s := p.Snapshot().Fleet; !s.Heard.Equal(time.Now()) {
			t.Errorf("last told at %v, it is %v", s.Heard, time.Now())
		}
		storage.mode.Store("fails")
		heard = p.Snapshot().Fleet.Heard
		time.Sleep(time.Minute)
		if s := p.Snapshot().Fleet; !s.Heard.Equal(heard) {
			t.Errorf("a storage that is away told at %v", s.Heard)
		}
		if err := highway.CloseStorage(context.Background(), storage); err != nil {
			t.Error(err)
		}
		if s := newProtector(t, highway.CircuitProtectorPolicy{}).Snapshot().Fleet; s != (highway.FleetSignal{}) {
			t.Errorf("without a storage: %+v", s)
		}
	})
}

// TestProbesOfAFleetAreSeen: those of the instance itself, and those of all.
func TestProbesOfAFleetAreSeen(t *testing.T) {
	fleetTest(t, 3, nil, func(t *testing.T, protectors []*highway.CircuitProtector) {
		probes := func() (s string) {
			time.Sleep(time.Second) // all have heard
			for _, p := range protectors {
				n := p.Snapshot()
				s += fmt.Sprintf("%d of %d, ", n.ProbesInFlight, n.Fleet.Leases)
			}
			return strings.TrimSuffix(s, ", ")
		}
		want := func(want string) {
			t.Helper()
			if got := probes(); got != want {
				t.Errorf("probes are %s, want %s", got, want)
			}
		}
		want("0 of 0, 0 of 0, 0 of 0")
		if err := protectors[0].HalfOpen(context.Background()); err != nil {
			t.Fatal(err)
		}
		first := acquire(t, protectors[0], context.Background())
		want("1 of 1, 0 of 1, 0 of 1")
		second := acquire(t, protectors[1], context.Background())
		want("1 of 2, 1 of 2, 0 of 2")
		first.Failure()
		want("0 of 1, 1 of 1, 0 of 1")
		time.Sleep(time.Minute) // longer than the lease
		want("0 of 0, 0 of 0, 0 of 0")
		second.Failure() // decides nothing
		third := acquire(t, protectors[2], context.Background())
		want("0 of 1, 0 of 1, 1 of 1")
		third.Ignore() // its lease is for the next call
		want("0 of 1, 0 of 1, 0 of 1")
	})
}

// TestACommandToAFleetHasItsContext: also there the change is traced to its cause.
func TestACommandToAFleetHasItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		var heard []string
		policy := highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: storage}
		newProtector(t, policy)
		policy.OnStatusChange = func(c highway.StatusChange) {
			heard = append(heard, fmt.Sprintf("%v %v", c.To, c.Context.Value(traceKey{})))
		}
		p := newProtector(t, policy)
		time.Sleep(15 * time.Second)
		if err := p.Isolate(traced("a command")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(heard) != 1 || heard[0] != "OPEN a command" {
			t.Errorf("heard %q", heard)
		}
		if err := storage.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
