package main

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/benchmarks/internal/markdown"
)

const (
	// nearBare is how many times as long as a bare notification the news may take.
	nearBare     = 5
	commands     = 150
	outages      = 60
	mostNewsTime = 30 * time.Second // for either, should the machine be slow
)

// news measures how long it takes until the last instance of a fleet refuses: from a
// person's command, from a trip, and from the fleet's decision.
func news(ctx context.Context) (findings, error) {
	table := &markdown.Table{Head: []string{"instances", "from", "to", "rounds", "p50 ms", "p99 ms"}, Text: map[int]bool{1: true, 2: true}}
	var found findings
	var failed string
	for _, instances := range []int{20, 100} {
		m, err := measureNews(ctx, instances)
		if err != nil {
			return findings{}, err
		}
		if m.failed > 0 {
			failed += fmt.Sprintf("\n%d commands to %d instances were not answered in time, and said so; they are not in the table.\n", m.failed, instances)
		}
		for _, row := range []struct {
			from, to string
			times    []float64
			target   string
		}{
			{"bare UPDATE and NOTIFY", "the last listener has heard", m.bare, ""},
			{"a person's `Open` is called", "it has returned", m.returned, ""},
			{"a person's `Open` is called", "the last refuses", m.command, "a person's command"},
			{"the fleet decides", "the last refuses", m.decision, "the fleet's decision"},
			{"the first instance trips", "the last refuses", m.trip, ""},
			{"every call fails", "the last refuses", m.outage, ""},
		} {
			table.Add(strconv.Itoa(instances), row.from, row.to, strconv.Itoa(len(row.times)),
				three(median(row.times)), three(quantile(row.times, 0.99)))
			if row.target == "" {
				continue
			}
			p99, bare := quantile(row.times, 0.99), quantile(m.bare, 0.99)
			found.targets = append(found.targets, target{
				what:     fmt.Sprintf("From %s to the last of %d refusing, p99", row.target, instances),
				required: fmt.Sprintf("≤ %d× the bare notification's, %s ms", nearBare, three(bare)),
				measured: fmt.Sprintf("%s ms, %.1f×", three(p99), p99/bare),
				met:      p99 <= nearBare*bare,
			})
		}
	}
	found.text = "Each instance has a storage of its own: a pool and a connection that listens; all are in one process, which has " +
		"the processors in common with the server. Bare is one statement that updates a row and notifies as many connections that " +
		"do nothing else, in turns with the commands. An instance counts as refusing when its listener has been told. In the " +
		"outages a quarter of the instances make 200 calls a second, the others 10; limit 5 of 10, so that the first trip takes " +
		"five failed calls. The decision is the instant that the table of transitions has; an instance may refuse before it, on its own.\n\n" + table.String() + failed
	return found, nil
}

// newsTimes are the milliseconds of each round.
type newsTimes struct {
	bare, returned, command, decision, trip, outage []float64

	failed int // commands that said so, because the machine was too slow
}

func measureNews(ctx context.Context, instances int) (m newsTimes, err error) {
	d, err := startDatabase(ctx)
	if err != nil {
		return m, err
	}
	defer d.close()
	other, err := d.another(ctx)
	if err != nil {
		return m, err
	}
	bare, err := other.listen(ctx, instances)
	if err != nil {
		return m, err
	}
	defer bare.close()
	w := &witnesses{refused: make([]atomic.Int64, instances), tripped: make([]atomic.Bool, instances)}
	fleet, err := d.gather(ctx, instances, 1, func(instance int) highway.CircuitProtectorPolicy {
		return highway.CircuitProtectorPolicy{
			FailureLimit: highway.Fraction(5, 10), Cooldown: time.Hour,
			OnStatusChange: func(c highway.StatusChange) { w.saw(instance, c) },
		}
	})
	if err != nil {
		return m, err
	}
	for _, protectors := range fleet {
		w.all = append(w.all, protectors[0])
	}
	traffic := w.traffic(ctx)
	defer traffic()
	if err := pause(ctx, grace); err != nil {
		return m, err
	}
	for end := time.Now().Add(mostNewsTime); len(m.command) < commands && time.Now().Before(end); {
		if err := w.command(ctx, &m, len(m.bare)); err != nil {
			return m, err
		}
		took, err := bare.round(ctx)
		if err != nil {
			return m, err
		}
		m.bare = append(m.bare, milliseconds(took))
	}
	for end := time.Now().Add(mostNewsTime); len(m.outage) < outages && time.Now().Before(end); {
		if err := d.outage(ctx, w, &m); err != nil {
			return m, err
		}
	}
	return m, nil
}

// witnesses are the instances, and what has become of them since the last reset.
type witnesses struct {
	all     []*highway.CircuitProtector
	down    atomic.Bool    // every call fails
	refused []atomic.Int64 // when each was first told that it is open
	tripped []atomic.Bool  // it was on its own
}

func (w *witnesses) saw(instance int, c highway.StatusChange) {
	if c.To == highway.Open && w.refused[instance].CompareAndSwap(0, time.Now().UnixNano()) && c.Reason == highway.FailureLimitReached {
		w.tripped[instance].Store(true)
	}
}

// reset closes the fleet, and returns when that has come to rest.
func (w *witnesses) reset(ctx context.Context) error {
	for tries := 0; ; tries++ {
		err := w.all[0].Close(ctx)
		if err == nil {
			break
		}
		if tries == 10 {
			return err
		}
	}
	if err := await(ctx, time.Minute, "that the fleet closes", func() bool { return inState(w.all, highway.Closed) }); err != nil {
		return err
	}
	if err := pause(ctx, 50*time.Millisecond); err != nil {
		return err
	}
	for i := range w.all {
		w.refused[i].Store(0)
		w.tripped[i].Store(false)
	}
	return nil
}

// last is when the last instance came to refuse, and first when the first tripped.
func (w *witnesses) last(ctx context.Context) (last, first time.Time, err error) {
	err = await(ctx, time.Minute, "that the fleet refuses", func() bool {
		for i := range w.refused {
			if w.refused[i].Load() == 0 {
				return false
			}
		}
		return true
	})
	for i := range w.refused {
		at := time.Unix(0, w.refused[i].Load())
		if at.After(last) {
			last = at
		}
		if w.tripped[i].Load() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return last, first, err
}

// command lets a person open the fleet at one instance.
func (w *witnesses) command(ctx context.Context, m *newsTimes, round int) error {
	if err := w.reset(ctx); err != nil {
		return err
	}
	called := time.Now()
	if err := w.all[round%len(w.all)].Open(ctx, time.Hour); err != nil {
		m.failed++
		return ctx.Err()
	}
	returned := time.Now()
	last, _, err := w.last(ctx)
	m.returned = append(m.returned, milliseconds(returned.Sub(called)))
	m.command = append(m.command, milliseconds(last.Sub(called)))
	return err
}

// outage lets every call fail until all refuse.
func (d *database) outage(ctx context.Context, w *witnesses, m *newsTimes) error {
	w.down.Store(false)
	if err := w.reset(ctx); err != nil {
		return err
	}
	if err := pause(ctx, 150*time.Millisecond); err != nil { // windows fill
		return err
	}
	begun := time.Now()
	w.down.Store(true)
	last, first, err := w.last(ctx)
	if err != nil {
		return err
	}
	var decided time.Time
	if err := d.control.QueryRow(ctx, "SELECT happened_at FROM hw_transitions WHERE to_state = 'OPEN' ORDER BY id DESC LIMIT 1").Scan(&decided); err != nil {
		return err
	}
	m.outage = append(m.outage, milliseconds(last.Sub(begun)))
	if decided.After(begun) { // else each has tripped on its own
		m.decision = append(m.decision, milliseconds(max(0, last.Sub(decided))))
	}
	if !first.IsZero() {
		m.trip = append(m.trip, milliseconds(last.Sub(first)))
	}
	return nil
}

// traffic makes calls at every instance until it is ended.
func (w *witnesses) traffic(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for i, p := range w.all {
		every := 100 * time.Millisecond
		if i%4 == 0 {
			every = 5 * time.Millisecond
		}
		wg.Go(func() {
			for pause(ctx, every) == nil {
				_ = p.Do(ctx, func(context.Context) error {
					if w.down.Load() {
						return errDown
					}
					return nil
				})
			}
		})
	}
	return func() {
		cancel()
		wg.Wait()
		runtime.KeepAlive(w)
	}
}

// A listening is what notifications are measured with that do nothing else.
type listening struct {
	d     *database
	heard chan time.Time
	close func()
	count int
}

// listen makes so many connections listen.
func (d *database) listen(ctx context.Context, n int) (*listening, error) {
	if _, err := d.control.Exec(ctx, "CREATE TABLE bare (n integer) WITH (fillfactor = 50); INSERT INTO bare VALUES (0)"); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	l := &listening{d: d, heard: make(chan time.Time, n), count: n, close: func() { cancel(); wg.Wait() }}
	for range n {
		conn, err := pgx.Connect(ctx, d.dsn)
		if err != nil {
			l.close()
			return nil, err
		}
		if _, err := conn.Exec(ctx, "LISTEN bare"); err != nil {
			l.close()
			return nil, err
		}
		wg.Go(func() {
			defer func() { _ = conn.Close(context.Background()) }()
			for {
				if _, err := conn.WaitForNotification(waiting); err != nil {
					return
				}
				l.heard <- time.Now()
			}
		})
	}
	return l, nil
}

// round is how long it takes from an update with a notification until all have heard.
func (l *listening) round(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	if _, err := l.d.control.Exec(ctx, "WITH u AS (UPDATE bare SET n = n + 1 RETURNING n) SELECT pg_notify('bare', n::text) FROM u"); err != nil {
		return 0, err
	}
	var last time.Time
	for range l.count {
		select {
		case at := <-l.heard:
			if at.After(last) {
				last = at
			}
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return last.Sub(start), nil
}
