package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/protocol"
)

func hasReports(r request) bool { return len(r.reports) > 0 }
func isSign(r request) bool     { return len(r.reports) == 0 }

func TestAnExchangeIsAboutNoMoreThanABatch(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		// All have joined by the time that the first exchange returns.
		storage.plays(script{exchange: func(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
			time.Sleep(time.Millisecond)
			return storage.memory.Exchange(ctx, instance, reports)
		}})
		const members = 2*batch + 201
		for i := range members {
			join(storage, fmt.Sprint("key ", i))
		}
		time.Sleep(time.Second)
		seen, requests := map[string]bool{}, storage.asked("exchange", hasReports)
		for _, r := range requests {
			if len(r.reports) > batch {
				t.Errorf("an exchange about %d circuits", len(r.reports))
			}
			for key := range r.reports {
				seen[key] = true
			}
		}
		if len(seen) != members {
			t.Errorf("%d circuits of %d", len(seen), members)
		}
		if len(requests) > 10 {
			t.Errorf("%d exchanges for what fits into 3", len(requests))
		}
	})
}

func TestOneRequestIsUnderWayAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		storage.plays(script{
			exchange: func(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
				time.Sleep(300 * time.Millisecond)
				return storage.memory.Exchange(ctx, instance, reports)
			},
			sweep: func(ctx context.Context, after string, limit int) ([]string, error) {
				time.Sleep(300 * time.Millisecond)
				return storage.memory.Sweep(ctx, after, limit)
			},
		})
		for i := range 20 {
			p := join(storage, fmt.Sprint("key ", i))
			go func() {
				for range 100 {
					time.Sleep(time.Duration(i) * 10 * time.Millisecond)
					p.With(context.Background(), func(m *protocol.Member, now time.Time) { m.Hint(now) })
					p.Due(time.Now())
				}
			}()
		}
		time.Sleep(30 * time.Second)
		if most := storage.peak(); most != 1 {
			t.Errorf("%d requests at once", most)
		}
		if n := len(storage.asked("exchange", hasReports)); n < 20 {
			t.Errorf("only %d exchanges", n)
		}
		storage.plays(script{})
		time.Sleep(time.Second) // what is under way comes back
	})
}

// TestAStorageThatHangsCostsOneGoroutine (S9): for as long as it hangs, however much
// there is to ask.
func TestAStorageThatHangsCostsOneGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		var places []*place
		for i := range 50 {
			places = append(places, join(storage, fmt.Sprint("key ", i)))
		}
		time.Sleep(5 * time.Second)
		before := runtime.NumGoroutine()
		release := make(chan struct{})
		storage.plays(script{exchange: func(context.Context, string, map[string]fleet.Report) (map[string]fleet.View, error) {
			<-release // whatever ctx says
			return nil, errScript
		}})
		for range 60 {
			time.Sleep(time.Second)
			if now := runtime.NumGoroutine(); now > before+1 {
				t.Fatalf("%d goroutines more", now-before)
			}
		}
		if s := places[0].Signal(); s.Live || !errors.Is(s.Err, errHung) {
			t.Errorf("%+v", s)
		}
		storage.plays(script{})
		close(release)
		time.Sleep(5 * time.Second)
		if s := places[0].Signal(); !s.Live || s.Err != nil {
			t.Errorf("%+v", s)
		}
	})
}

// TestAStorageThatObeysItsContextDoesNotHang: it has returned when it is asked again.
func TestAStorageThatObeysItsContextDoesNotHang(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		p := join(storage, "k")
		time.Sleep(5 * time.Second)
		storage.plays(script{
			exchange: func(ctx context.Context, _ string, _ map[string]fleet.Report) (map[string]fleet.View, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
			sweep: func(ctx context.Context, _ string, _ int) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() },
		})
		for range 100 {
			time.Sleep(333 * time.Millisecond)
			if err := p.Signal().Err; errors.Is(err, errHung) {
				t.Fatal(err)
			}
		}
		if s := p.Signal(); s.Live || !errors.Is(s.Err, context.DeadlineExceeded) {
			t.Errorf("%+v", s)
		}
	})
}

// TestWhatAStorageDoesToItsGoroutineIsAnError (S9), and passes.
func TestWhatAStorageDoesToItsGoroutineIsAnError(t *testing.T) {
	for _, how := range []struct {
		name, says string
		do         func()
	}{
		{"panic", "panicked: bug", func() { panic("bug") }},
		{"Goexit", errVanished.Error(), runtime.Goexit},
	} {
		t.Run(how.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, storage *fake, log *lineLog) {
				p := join(storage, "k")
				time.Sleep(5 * time.Second)
				storage.plays(script{
					exchange: func(context.Context, string, map[string]fleet.Report) (map[string]fleet.View, error) {
						how.do()
						return nil, nil
					},
					change: func(context.Context, string, fleet.Identity, fleet.Row) (fleet.Row, error) {
						how.do()
						return fleet.Row{}, nil
					},
					sweep: func(context.Context, string, int) ([]string, error) { how.do(); return nil, nil },
					watch: func(context.Context, func(string)) error { how.do(); return nil },
				})
				time.Sleep(time.Minute)
				if s := p.Signal(); s.Live || s.Err == nil || !strings.Contains(s.Err.Error(), how.says) {
					t.Errorf("%+v", s)
				}
				if err := p.Command(t.Context(), protocol.Command{State: fleet.Closed}); !errors.Is(err, ErrNotDone) || !strings.Contains(err.Error(), how.says) {
					t.Errorf("a command: %v", err)
				}
				storage.plays(script{})
				time.Sleep(5 * time.Second)
				if s := p.Signal(); !s.Live {
					t.Errorf("%+v", s)
				}
				log.want(t, 1, "is away", how.says)
			})
		})
	}
}

// TestAnOutageIsTwoLines of the log, however long it is.
func TestAnOutageIsTwoLines(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, log *lineLog) {
		for i := range 10 {
			join(storage, fmt.Sprint("key ", i))
		}
		time.Sleep(5 * time.Second)
		log.want(t, 0, "")
		for range 2 {
			storage.plays(failing(errScript))
			time.Sleep(10 * time.Minute)
			storage.plays(script{})
			time.Sleep(time.Minute)
		}
		log.want(t, 2, "level=WARN", "is away", errScript.Error())
		log.want(t, 2, "level=INFO", "answers again")
		log.want(t, 4, "")
	})
}

// TestAStorageThatOnlyReadsIsAway, and does not come and go with each look at it.
func TestAStorageThatOnlyReadsIsAway(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, log *lineLog) {
		p := join(storage, "k")
		time.Sleep(5 * time.Second)
		reads := failing(errScript)
		reads.sweep, reads.watch = nil, nil
		storage.plays(reads)
		time.Sleep(10 * time.Minute)
		if s := p.Signal(); s.Live || time.Since(s.Since) < 9*time.Minute {
			t.Errorf("%+v", s)
		}
		storage.plays(script{})
		time.Sleep(10 * time.Second)
		if s := p.Signal(); !s.Live {
			t.Errorf("then %+v", s)
		}
		log.want(t, 1, "level=WARN", "is away", errScript.Error())
		log.want(t, 1, "level=INFO", "answers again")
		log.want(t, 2, "")
	})
}

func TestTheEngineHasItsPace(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		join(storage, "k")
		time.Sleep(time.Minute)
		storage.forget()
		time.Sleep(10 * time.Minute)
		for _, c := range []struct {
			what  string
			count int
			want  int
		}{
			{"signs of life", len(storage.asked("exchange", isSign)), int(10 * time.Minute / heartbeat)},
			{"sweeps", len(storage.asked("sweep", nil)), int(10 * time.Minute / sweeping)},
		} {
			if c.count < c.want*9/10 || c.count > c.want*11/10 {
				t.Errorf("%d %s in ten minutes, want about %d", c.count, c.what, c.want)
			}
		}
		if n := len(storage.asked("exchange", hasReports)); n > 3 {
			t.Errorf("%d exchanges about a circuit at which nothing goes on", n)
		}
	})
}

// TestASweepReadsAllPages: each key is hinted at, though a page holds no more than a batch.
func TestASweepReadsAllPages(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		const held = 2*batch + 7
		for i := range held {
			storage.isolate(t, fmt.Sprintf("key %04d", i))
		}
		p := join(storage, fmt.Sprintf("key %04d", held-1))
		time.Sleep(time.Minute)
		storage.forget()
		time.Sleep(10 * time.Second)
		// Held, it is asked about no more than it is swept: so it is the sweep that hints.
		if n := len(storage.asked("exchange", hasReports)); n < 8 {
			t.Errorf("the last of %d keys was hinted at %d times", held, n)
		}
		if p.look().Hold != fleet.Isolated {
			t.Error("it does not know")
		}
	})
}
