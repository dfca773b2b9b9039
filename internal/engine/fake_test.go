package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/logtest"
	"github.com/highway-engine/highway/internal/memory"
	"github.com/highway-engine/highway/internal/protocol"
)

var errScript = errors.New("as the script says")

// A fake is a storage in memory that notes what it is asked, and does what a test's
// script says instead where there is one.
type fake struct {
	memory *memory.Storage

	mu       sync.Mutex
	script   script
	requests []request
	inside   int // requests that have not returned, but for watches
	most     int
}

type script struct {
	exchange func(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error)
	change   func(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error)
	sweep    func(ctx context.Context, after string, limit int) ([]string, error)
	watch    func(ctx context.Context, changed func(string)) error
}

type request struct {
	what     string
	at       time.Time
	instance string
	reports  map[string]fleet.Report
}

func newFake() *fake { return &fake{memory: memory.New(time.Now)} }

// plays lets the storage follow another script.
func (f *fake) plays(s script) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = s
}

func (f *fake) enter(r request) (script, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.at = time.Now()
	f.requests = append(f.requests, r)
	if r.what == "watch" {
		return f.script, func() {}
	}
	f.inside++
	f.most = max(f.most, f.inside)
	return f.script, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.inside--
	}
}

// asked is what the storage was asked of one kind since forget.
func (f *fake) asked(what string, which func(r request) bool) (found []request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if r.what == what && (which == nil || which(r)) {
			found = append(found, r)
		}
	}
	return found
}

// peak is how many requests there were at once, at most.
func (f *fake) peak() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.most
}

func (f *fake) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests, f.most = nil, 0
}

func (f *fake) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	s, leave := f.enter(request{what: "exchange", instance: instance, reports: reports})
	defer leave()
	if s.exchange != nil {
		return s.exchange(ctx, instance, reports)
	}
	return f.memory.Exchange(ctx, instance, reports)
}

func (f *fake) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	s, leave := f.enter(request{what: "change"})
	defer leave()
	if s.change != nil {
		return s.change(ctx, key, from, row)
	}
	return f.memory.Change(ctx, key, from, row)
}

func (f *fake) Sweep(ctx context.Context, after string, limit int) ([]string, error) {
	s, leave := f.enter(request{what: "sweep"})
	defer leave()
	if s.sweep != nil {
		return s.sweep(ctx, after, limit)
	}
	return f.memory.Sweep(ctx, after, limit)
}

func (f *fake) Watch(ctx context.Context, changed func(string)) error {
	s, leave := f.enter(request{what: "watch"})
	defer leave()
	if s.watch != nil {
		return s.watch(ctx, changed)
	}
	return f.memory.Watch(ctx, changed)
}

func (f *fake) Close(ctx context.Context) error { return f.memory.Close(ctx) }

// failing is a script in which all requests fail.
func failing(err error) script {
	return script{
		exchange: func(context.Context, string, map[string]fleet.Report) (map[string]fleet.View, error) {
			return nil, err
		},
		change: func(context.Context, string, fleet.Identity, fleet.Row) (fleet.Row, error) {
			return fleet.Row{}, err
		},
		sweep: func(context.Context, string, int) ([]string, error) { return nil, err },
		watch: func(context.Context, func(string)) error { return err },
	}
}

// A place is a Part that a test can collect.
type place struct {
	*Entry
	membership Membership
	mu         sync.Mutex
	member     *protocol.Member
	collected  bool
}

// With implements Part.
func (p *place) With(_ context.Context, use func(m *protocol.Member, now time.Time)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.collected {
		return false
	}
	use(p.member, time.Now())
	return true
}

func (p *place) collect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.collected = true
}

// look returns what the member knows of the fleet.
func (p *place) look() (row fleet.Row) {
	p.With(context.Background(), func(m *protocol.Member, _ time.Time) { row = m.Row() })
	return row
}

// join makes a member that lives until the storage is closed.
func join(storage fleet.Storage, key string) *place {
	p := &place{}
	p.mu.Lock() // as the engine may want the member at once
	defer p.mu.Unlock()
	p.Entry = Join(storage, key, func(m Membership) Part {
		p.membership = m
		p.member = protocol.New(protocol.Settings{
			Instance: m.Instance, First: m.First, Rule: fleet.SequentialTest{},
			Circuit: circuit.Settings{Failures: 2, Window: 4, Successes: 1, Probes: 2, Cooldown: 30 * time.Second, Lease: 10 * time.Second},
			Poll:    2 * time.Second, Idle: 5 * time.Minute,
		}, rand.New(rand.NewPCG(1, m.First)), time.Now())
		return p
	})
	return p
}

// bubble runs a test in a bubble, with a storage whose engine is closed in the end. A
// goroutine that the engine leaves behind makes it fail.
func bubble(t *testing.T, test func(t *testing.T, storage *fake, log *lineLog)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log := &lineLog{logtest.Capture(t)}
		storage := newFake()
		test(t, storage, log)
		if err := Close(context.Background(), storage); err != nil {
			t.Error(err)
		}
	})
}

// A lineLog is a log whose lines can be counted.
type lineLog struct{ *logtest.Buffer }

// lines are how many lines hold all words, and text is the whole log.
func (b *lineLog) lines(words ...string) (n int, text string) {
	text = b.String()
	for line := range strings.Lines(text) {
		all := true
		for _, word := range words {
			all = all && strings.Contains(line, word)
		}
		if all {
			n++
		}
	}
	return n, text
}

// want fails the test unless so many lines hold all words.
func (b *lineLog) want(t *testing.T, want int, words ...string) {
	t.Helper()
	if n, text := b.lines(words...); n != want {
		t.Errorf("%d lines about %q, want %d, in:\n%s", n, words, want, text)
	}
}

// isolate makes a person's hold at key, behind the engine's back.
func (f *fake) isolate(t *testing.T, key string) {
	t.Helper()
	views, err := f.memory.Exchange(t.Context(), "a person", map[string]fleet.Report{key: {}})
	if err != nil {
		t.Fatal(err)
	}
	from := views[key].Row.Identity
	row := fleet.Row{Identity: fleet.Identity{Epoch: from.Epoch + 1, Nonce: 1}, State: fleet.Open, Hold: fleet.Isolated}
	if _, err := f.memory.Change(t.Context(), key, from, row); err != nil {
		t.Fatal(err)
	}
}
