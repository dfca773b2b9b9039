package engine

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// rests are the times between the end of a watch and the next.
func rests(storage *fake, lasted time.Duration) (all []time.Duration) {
	watches := storage.asked("watch", nil)
	for i := 1; i < len(watches); i++ {
		all = append(all, watches[i].at.Sub(watches[i-1].at)-lasted)
	}
	return all
}

func about(got, want time.Duration) bool {
	return got >= want*8/10 && got <= want*12/10
}

func TestAWatchThatEndsRestsLongerEachTime(t *testing.T) {
	for _, how := range []struct {
		name string
		end  func() error
	}{
		{"by an error", func() error { return errScript }},
		{"without one", func() error { return nil }},
		{"by a panic", func() error { panic("bug") }},
		{"with its goroutine", func() error { runtime.Goexit(); return nil }},
	} {
		t.Run(how.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
				storage.plays(script{watch: func(context.Context, func(string)) error { return how.end() }})
				join(storage, "k")
				time.Sleep(time.Minute)
				got := rests(storage, 0)
				want := 100 * time.Millisecond
				for i, rest := range got {
					if !about(rest, want) {
						t.Errorf("rest %d is %v, want about %v", i, rest, want)
					}
					want = min(2*want, 5*time.Second)
				}
				if len(got) < 12 {
					t.Errorf("%d rests in a minute", len(got))
				}
			})
		})
	}
}

// TestAWatchThatLastedRestsShortly: a database that is restarted once a day is watched
// again at once, each time.
func TestAWatchThatLastedRestsShortly(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		storage.plays(failing(errScript))
		join(storage, "k")
		time.Sleep(time.Minute) // it rests for long by now
		const lasts = 10 * time.Minute
		storage.plays(script{watch: func(ctx context.Context, _ func(string)) error {
			select {
			case <-time.After(lasts):
			case <-ctx.Done():
			}
			return errScript
		}})
		time.Sleep(10 * time.Second)
		storage.mu.Lock()
		last := storage.requests[:0]
		for _, r := range storage.requests {
			if r.what == "watch" {
				last = append(last[:0], r)
			}
		}
		storage.requests = last
		storage.mu.Unlock()
		time.Sleep(5 * lasts)
		got := rests(storage, lasts)
		if len(got) < 4 {
			t.Fatalf("rests: %v", got)
		}
		for _, rest := range got {
			if !about(rest, shortestRest) {
				t.Errorf("rests: %v", got)
			}
		}
	})
}

// TestAHintIsFollowedAtOnce: what a watch tells of is read within the same instant here,
// without waiting for the sweep.
func TestAHintIsFollowedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		storage.plays(script{sweep: func(context.Context, string, int) ([]string, error) { return nil, nil }})
		p := join(storage, "k")
		time.Sleep(time.Second)
		storage.isolate(t, "k")
		time.Sleep(time.Millisecond)
		if got := p.look(); got.State != fleet.Open {
			t.Errorf("%+v", got)
		}
	})
}

// TestASweepFindsWhatNoWatchTellsOf (L1).
func TestASweepFindsWhatNoWatchTellsOf(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		storage.plays(script{watch: func(ctx context.Context, _ func(string)) error { <-ctx.Done(); return ctx.Err() }})
		p := join(storage, "k")
		time.Sleep(time.Second)
		storage.isolate(t, "k")
		time.Sleep(1300 * time.Millisecond)
		if got := p.look(); got.State != fleet.Open {
			t.Errorf("%+v", got)
		}
	})
}
