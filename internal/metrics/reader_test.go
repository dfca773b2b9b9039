package metrics_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
	"weak"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/metrics"
)

const none = -1

func TestPointsOfAProtector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "a", CountCalls: true, Cooldown: time.Minute})
		r := newReader(t, 0, &[]*highway.CircuitProtector{p})
		want(t, read(t, r), map[string]float64{
			"circuit.state{a,closed}":                           1,
			"circuit.state{a,open}":                             0,
			"circuit.state{a,half_open}":                        0,
			"circuit.transitions{a,open,failure_limit_reached}": 0, // there before it happens
			"circuit.transitions{a,open,probes_failed}":         0,
			"circuit.transitions{a,open,fleet_decided}":         none,
			"circuit.transitions{a,closed,started}":             none,
			"circuit.calls{a,success}":                          0,
			"circuit.failure.ratio{a}":                          0,
			"fleet.up{a}":                                       none,
			"fleet.leases{a}":                                   none,
			"fleet.report.age{a}":                               none,
		})

		play(p, ".x.x..") // the last two are refused
		want(t, read(t, r), map[string]float64{
			"circuit.state{a,closed}":                           0,
			"circuit.state{a,open}":                             1,
			"circuit.transitions{a,open,failure_limit_reached}": 1,
			"circuit.calls{a,success}":                          2,
			"circuit.calls{a,failure}":                          2,
			"circuit.calls{a,ignored}":                          0,
			"circuit.calls{a,refused}":                          2,
			"circuit.window.outcomes{a}":                        4,
			"circuit.window.failures{a}":                        2,
			"circuit.failure.ratio{a}":                          0.5,
			"circuit.probes.in_flight{a}":                       0,
		})

		time.Sleep(time.Minute)
		permit, err := p.Acquire(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		want(t, read(t, r), map[string]float64{
			"circuit.state{a,half_open}":                     1,
			"circuit.transitions{a,half_open,cooldown_over}": 1,
			"circuit.probes.in_flight{a}":                    1,
		})
		permit.Success()
		play(p, ".")
		if err := p.Disable(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(t, read(t, r), map[string]float64{
			"circuit.state{a,closed}":                             1,
			"circuit.held{a,disabled}":                            1,
			"circuit.held{a,isolated}":                            0,
			"circuit.transitions{a,closed,success_limit_reached}": 1,
			"circuit.probes.in_flight{a}":                         0,
		})
	})
}

func TestSuccessesAndRefusalsAreThereOnlyIfSomebodyCounts(t *testing.T) {
	quiet := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "a"})
	all := []*highway.CircuitProtector{quiet}
	r := newReader(t, 0, &all)
	play(quiet, "x")
	want(t, read(t, r), map[string]float64{
		"circuit.calls{a,success}": none, "circuit.calls{a,refused}": none, "circuit.calls{a,failure}": 1, "circuit.calls{a,ignored}": 0,
	})
	all = append(all, newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "a", CountCalls: true}))
	play(all[1], "..")
	want(t, read(t, r), map[string]float64{"circuit.calls{a,success}": 2, "circuit.calls{a,refused}": 0})
}

func TestAFleetIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		var all []*highway.CircuitProtector
		for range 2 {
			all = append(all, newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "a", Storage: storage}))
		}
		r := newReader(t, 0, &all)
		time.Sleep(time.Second)
		synctest.Wait()
		got := read(t, r)
		want(t, got, map[string]float64{
			"fleet.up{a}": 1, "fleet.leases{a}": 0, "circuit.transitions{a,open,fleet_decided}": 0, "circuit.state{a,closed}": 2,
		})
		if age, there := got["fleet.report.age{a}"]; !there || age < 0 || age > 1 {
			t.Errorf("the report is %v old (there: %v)", age, there)
		}

		// One that is on its own makes the signal of both zero.
		gone := highway.NewInMemoryStorage()
		all = append(all, newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "a", Storage: gone}))
		if err := gone.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(t, read(t, r), map[string]float64{"fleet.up{a}": 0, "circuit.state{a,closed}": 3})

		if err := storage.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestProtectorsOfOneKeyAreAddedUp(t *testing.T) {
	a := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "a"})
	b := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "a"})
	play(a, ".x.x")
	play(b, "x")
	// A sequence may be careless.
	r := newReader(t, 0, &[]*highway.CircuitProtector{a, nil, b, a})
	for range 2 {
		want(t, read(t, r), map[string]float64{
			"circuit.state{a,closed}": 1, "circuit.state{a,open}": 1,
			"circuit.calls{a,failure}": 3, "circuit.window.outcomes{a}": 5, "circuit.window.failures{a}": 3,
			"circuit.failure.ratio{a}": 0.6, "circuit.transitions{a,open,failure_limit_reached}": 1,
		})
	}
}

func TestLabelsAreBoundedAndKept(t *testing.T) {
	var all []*highway.CircuitProtector
	for i := range 5 {
		p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: fmt.Sprint(i)})
		play(p, "x")
		all = append(all, p)
	}
	r := newReader(t, 2, &all)
	first := map[string]float64{
		"circuit.calls{0,failure}": 1, "circuit.calls{1,failure}": 1, "circuit.calls{2,failure}": none,
		"circuit.calls{_other,failure}": 3, "circuit.state{_other,closed}": 3,
	}
	want(t, read(t, r), first)
	slices.Reverse(all)
	want(t, read(t, r), first)

	// Who has a label keeps it, also while it is away; nobody else gets it.
	all = all[:4] // without "0"
	play(all[0], "x")
	want(t, read(t, r), map[string]float64{
		"circuit.calls{0,failure}": 1, "circuit.state{0,closed}": none, "circuit.calls{1,failure}": 1,
		"circuit.calls{_other,failure}": 4, "circuit.state{_other,closed}": 3,
	})
}

func TestCountersNeverFall(t *testing.T) {
	all := []*highway.CircuitProtector{nil, nil}
	r := newReader(t, 1, &all)
	for i := 1; i <= 20; i++ {
		all[0] = newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "a"})
		all[1] = newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "b"})
		play(all[0], "x.x.x")
		play(all[1], "x")
		for range 2 {
			want(t, read(t, r), map[string]float64{
				"circuit.calls{a,failure}": float64(2 * i), "circuit.calls{_other,failure}": float64(i),
				"circuit.transitions{a,open,failure_limit_reached}": float64(i), "circuit.state{a,open}": 1,
			})
		}
	}
}

// TestWhatIsAwayForAReadingIsNotCountedTwice: a registry may retire a protector that
// somebody still holds, and show it again.
func TestWhatIsAwayForAReadingIsNotCountedTwice(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "a"})
	all := []*highway.CircuitProtector{p}
	r := newReader(t, 0, &all)
	play(p, "x")
	read(t, r)
	all = nil
	read(t, r)
	play(p, "x")
	all = append(all, p)
	want(t, read(t, r), map[string]float64{"circuit.calls{a,failure}": 2})
}

func TestNoProtectorIsKeptAliveOrRemembered(t *testing.T) {
	var all []*highway.CircuitProtector
	var gone []weak.Pointer[highway.CircuitProtector]
	for i := range 100 {
		all = append(all, newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: fmt.Sprint(i)}))
		gone = append(gone, weak.Make(all[i]))
	}
	r := newReader(t, 0, &all)
	read(t, r)
	if known := metrics.Known(r); known != 100 {
		t.Errorf("%d are known", known)
	}
	all = nil
	for _, p := range gone {
		for tries := 0; p.Value() != nil; tries++ {
			if tries == 100 {
				t.Fatal("a protector is kept alive")
			}
			runtime.GC()
		}
	}
	read(t, r)
	if known := metrics.Known(r); known != 0 {
		t.Errorf("%d are remembered", known)
	}
}

func TestLabelsAreValid(t *testing.T) {
	long := strings.Repeat("ü", 200)
	all := []*highway.CircuitProtector{
		newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "a\xff\xfeb"}),
		newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: long + "1"}),
		newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: long + "2"}),
		newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "_other"}),
		newProtector(t, highway.CircuitProtectorPolicy{}),
	}
	r := newReader(t, 0, &all)
	r.OnAttempt("\xff")(context.Background(), highway.Attempt{Number: 1})
	got := read(t, r)
	want(t, got, map[string]float64{
		"circuit.state{a\uFFFDb,closed}":                         1,
		"circuit.state{" + strings.Repeat("ü", 127) + ",closed}": 2,
		"circuit.state{_other,closed}":                           1,
		"circuit.state{,closed}":                                 1,
		"retry.attempts{\uFFFD,success}":                         1,
	})
	for name := range got {
		if !utf8.ValidString(name) {
			t.Errorf("%q is not UTF-8", name)
		}
	}
}

func TestAttemptsAreCounted(t *testing.T) {
	r := newReader(t, 2, &[]*highway.CircuitProtector{})
	policy := highway.RetryWithBackoffPolicy{MaxRetries: 2, Backoff: highway.FixedDelay{}, OnAttempt: r.OnAttempt("a")}
	succeedAt := func(number int) {
		attempts := 0
		_ = policy.Do(context.Background(), func(context.Context) error {
			if attempts++; attempts == number {
				return nil
			}
			return errDown
		})
	}
	succeedAt(1)
	succeedAt(3)
	succeedAt(4) // too late
	open := newProtector(t, highway.CircuitProtectorPolicy{})
	play(open, "xxxx")
	net := highway.Must(highway.NewSafetyNet(policy, open))
	_ = net.Do(context.Background(), func(context.Context) error { return nil })

	r.OnAttempt("a")(context.Background(), highway.Attempt{Number: 1}) // of one name, added up
	for _, name := range []string{"b", "c", "d"} {
		r.OnAttempt(name)(context.Background(), highway.Attempt{Number: 1})
	}
	want(t, read(t, r), map[string]float64{
		"retry.attempts{a,success}": 2, "retry.attempts{a,recovered}": 1, "retry.attempts{a,retried}": 4,
		"retry.attempts{a,failed}": 1, "retry.attempts{a,refused}": 1,
		"retry.attempts{b,success}": 1, "retry.attempts{c,success}": none, "retry.attempts{_other,success}": 2,
	})
}

// TestReadingsMayMeet is for the race detector, and for counters under its eyes.
func TestReadingsMayMeet(t *testing.T) {
	var all []*highway.CircuitProtector
	for i := range 20 {
		all = append(all, newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: fmt.Sprint(i % 7), CountCalls: true}))
	}
	r := newReader(t, 5, &all)
	on := r.OnAttempt("a")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 200 {
				play(all[i%len(all)], "..x")
				on(context.Background(), highway.Attempt{Number: 1})
			}
		})
		group.Go(func() {
			before := map[string]float64{}
			for range 50 {
				now := read(t, r)
				for name, value := range before {
					if strings.HasPrefix(name, "circuit.calls") && now[name] < value {
						t.Errorf("%s fell from %v to %v", name, value, now[name])
					}
				}
				before = now
			}
		})
	}
	group.Wait()
	want(t, read(t, r), map[string]float64{"retry.attempts{a,success}": 800})
}

func TestWhatMakesNoSense(t *testing.T) {
	if _, err := metrics.NewReader(nil, 0); err == nil {
		t.Error("no sequence is fine")
	}
	if _, err := metrics.NewReader(slices.Values([]*highway.CircuitProtector{}), -1); err == nil {
		t.Error("a negative limit is fine")
	}
}
