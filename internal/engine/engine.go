// Package engine carries messages between the members of an instance and their storage.
// It has three goroutines per storage, however many members there are, and one for the
// request that is under way. Nothing that the storage does (hanging, failing, panicking)
// reaches a call.
package engine

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/protocol"
)

const (
	// answerTime is how long the storage has for an answer.
	answerTime = time.Second
	// leaveTime is how long a request has to return when that is over.
	leaveTime = 100 * time.Millisecond
	// heartbeat is how often an instance says that it lives.
	heartbeat = 3 * time.Second
	// sweeping is how often it looks where something goes on, in case that it was not
	// told.
	sweeping = time.Second
	// marking is how often the members are made to notice whether they are used, and to
	// report failures that they were not told of.
	marking = 10 * time.Second
	// batch is how many circuits an exchange is about at most.
	batch = 500
	// pages is how many pages a sweep reads at most.
	pages = 1000
)

// ReportInterval is how old the failure counts can be that a storage which answers has
// of this process. What is decided by goes at once; these are for people.
const ReportInterval = marking + protocol.ReportSpread

// A Part is where a member lives. With lets use have the member, under the part's lock,
// and then makes calls see what has changed; it says false if the part is no more. The
// context is of whatever causes the use.
type Part interface {
	With(ctx context.Context, use func(m *protocol.Member, now time.Time)) bool
}

// An Engine serves the members of one process on one storage.
type Engine struct {
	storage fleet.Storage
	name    string // of the instance that this process is
	cancel  context.CancelFunc
	done    chan struct{} // closed when the goroutines have ended

	wake   chan struct{} // something is due earlier than expected
	places chan struct{} // one: no request is sent while an earlier one hangs

	unswept bool // the log says so; the loop's own

	mu     sync.Mutex
	keys   map[string]*members // that there are
	named  []int               // how many members go by the first name, by the second and so on
	count  int
	joined uint64 // members ever
	due    queue
	signal Signal
	away   bool // the log says that the storage does not answer
	ended  bool // as somebody wanted
}

// An Entry is a member's place in the engine.
type Entry struct {
	engine   *Engine
	part     Part
	key      string
	name     int    // the number of the name among those of this process
	instance string // that name: the engine's, or for a further member of one key another
	place    int    // among the members of the key
	gone     bool
	at       time.Time
	index    int       // in the queue; -1: it is not there
	refused  Signal    // of this circuit, by a storage that answers; zero if it is not
	heard    time.Time // when the storage last told how the circuit stands

	unchanged bool // the log says that a change was refused; the loop's own
}

// Members are the entries of one key.
type members struct {
	all  []*Entry
	free []int // names below the number of names in use that no member has
}

// errEnded is why the signal of an engine that has ended is not live.
var errEnded = errors.New("the storage is closed")

// A Membership is what a new member is to the storage.
type Membership struct {
	Instance string
	First    uint64 // its numbers begin above this: names are used again
}

// Signal says whether the storage answers.
type Signal struct {
	Live  bool
	Since time.Time
	Err   error // why not
}

// Instance is the member's name at the storage.
func (entry *Entry) Instance() string { return entry.instance }

// Heard is when the storage last told how the circuit stands, or zero.
func (entry *Entry) Heard() time.Time {
	entry.engine.mu.Lock()
	defer entry.engine.mu.Unlock()
	return entry.heard
}

// told notes that the storage tells, at this moment, how the circuit stands.
func (entry *Entry) told() {
	entry.engine.mu.Lock()
	defer entry.engine.mu.Unlock()
	entry.heard = time.Now()
}

// start makes an engine and its goroutines.
func start(storage fleet.Storage) *Engine {
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{
		storage: storage,
		name:    newName(),
		cancel:  cancel,
		done:    make(chan struct{}),
		wake:    make(chan struct{}, 1),
		places:  make(chan struct{}, 1),
		keys:    map[string]*members{},
		signal:  Signal{Since: time.Now(), Err: errors.New("nothing was asked yet")},
	}
	watching := make(chan struct{})
	go func() {
		e.watch(ctx)
		close(watching)
	}()
	go e.serve(ctx, watching)
	return e
}

// join gives a part its place, and due is when its member has something to send.
func (e *Engine) join(key string, make func(m Membership) Part) *Entry {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.joined++
	c := e.keys[key]
	if c == nil {
		c = &members{}
		e.keys[key] = c
	}
	name := c.unused()
	entry := &Entry{engine: e, key: key, name: name, instance: e.called(name), place: len(c.all), index: -1}
	entry.part = make(Membership{Instance: entry.instance, First: e.joined << 32})
	c.all = append(c.all, entry)
	if name == len(e.named) {
		e.named = append(e.named, 0)
	}
	e.named[name]++
	e.count++
	e.schedule(entry, time.Now())
	return entry
}

// unused is a name that no member has: one that was in use before, if there is any, so
// that a process is few instances.
func (c *members) unused() int {
	if last := len(c.free) - 1; last >= 0 {
		name := c.free[last]
		c.free = c.free[:last]
		return name
	}
	return len(c.all)
}

// leave takes a member out.
func (c *members) leave(entry *Entry) {
	last := len(c.all) - 1
	c.all[entry.place] = c.all[last]
	c.all[entry.place].place = entry.place
	c.all[last] = nil
	c.all = c.all[:last]
	c.free = append(c.free, entry.name)
}

// called is a name of this process.
func (e *Engine) called(name int) string {
	if name == 0 {
		return e.name
	}
	return fmt.Sprintf("%s#%d", e.name, name+1)
}

// Due says that the member has something to send at t.
func (entry *Entry) Due(t time.Time) {
	e := entry.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	e.schedule(entry, t)
}

// Ended says that the engine has ended, so that its members are on their own.
func (entry *Entry) Ended() bool {
	e := entry.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ended
}

// Signal is the state of the storage for this member.
func (entry *Entry) Signal() Signal {
	e := entry.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.signal.Live && entry.refused.Err != nil {
		return entry.refused
	}
	return e.signal
}

// live says whether the last that is known of the storage is an answer.
func (e *Engine) live() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.signal.Live
}

// schedule makes an entry due at t, unless it is due earlier.
func (e *Engine) schedule(entry *Entry, t time.Time) {
	switch {
	case entry.gone:
		return
	case entry.index < 0:
		entry.at = t
		heap.Push(&e.due, entry)
	case t.Before(entry.at):
		entry.at = t
		heap.Fix(&e.due, entry.index)
	default:
		return
	}
	if entry.index == 0 {
		select {
		case e.wake <- struct{}{}:
		default:
		}
	}
}

// close ends the goroutines, and returns when they have ended or ctx has.
func (e *Engine) close(ctx context.Context) error {
	e.end()
	e.cancel()
	select {
	case <-e.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the loop of the engine: what is due is sent, all that is due together.
func (e *Engine) run(ctx context.Context) {
	var beat, sweep, mark time.Time
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-e.wake:
		}
		now := time.Now()
		if e.abandoned() {
			return
		}
		if !now.Before(beat) {
			e.heartbeat(ctx)
			beat = now.Add(jittered(heartbeat))
		}
		if !now.Before(sweep) {
			e.sweep(ctx)
			sweep = now.Add(jittered(sweeping))
		}
		if !now.Before(mark) {
			e.each((*protocol.Member).Unmark)
			mark = now.Add(marking)
		}
		next := e.send(ctx)
		for _, t := range []time.Time{beat, sweep, mark} {
			if t.Before(next) {
				next = t
			}
		}
		timer.Reset(max(0, time.Until(next)))
	}
}

// take removes the entries that are due from the queue, and says when the next is.
func (e *Engine) take() (due []*Entry, next time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	for len(e.due) > 0 && len(due) < batch && !e.due[0].at.After(now) {
		due = append(due, heap.Pop(&e.due).(*Entry))
	}
	if len(e.due) > 0 {
		return due, e.due[0].at
	}
	return due, now.Add(heartbeat)
}

// remove forgets an entry whose part is no more.
func (e *Engine) remove(entry *Entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if entry.gone {
		return
	}
	entry.gone = true
	c := e.keys[entry.key]
	c.leave(entry)
	if len(c.all) == 0 {
		delete(e.keys, entry.key)
	}
	e.named[entry.name]--
	if entry.index >= 0 {
		heap.Remove(&e.due, entry.index)
	}
	e.count--
}

// each lets every member do something.
func (e *Engine) each(do func(m *protocol.Member, now time.Time)) {
	e.mu.Lock()
	all := make([]*Entry, 0, e.count)
	for _, c := range e.keys {
		all = append(all, c.all...)
	}
	e.mu.Unlock()
	for _, entry := range all {
		var due time.Time
		if entry.part.With(context.Background(), func(m *protocol.Member, now time.Time) { do(m, now); due = m.Wake() }) {
			entry.Due(due)
		} else {
			e.remove(entry)
		}
	}
}

// hint tells the members of a key that something has changed, perhaps.
func (e *Engine) hint(key string) {
	e.mu.Lock()
	var entries []*Entry
	if c := e.keys[key]; c != nil {
		entries = append(entries, c.all...)
	}
	e.mu.Unlock()
	for _, entry := range entries {
		var due time.Time
		if entry.part.With(context.Background(), func(m *protocol.Member, now time.Time) { m.Hint(now); due = m.Wake() }) {
			entry.Due(due)
		}
	}
}

// end notes that the engine ends because somebody wants it, which is no fault.
func (e *Engine) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.ended {
		e.ended = true
		e.signal = Signal{Since: time.Now(), Err: errEnded}
	}
}

// reached notes whether the storage has answered, and logs when that changes: a line for
// a change, not for a call.
func (e *Engine) reached(err error) {
	e.mu.Lock()
	if e.ended {
		e.mu.Unlock()
		return
	}
	live, was := err == nil, e.away
	// Others may be taken for silent who have missed so much time to say that they live.
	long := live && was && time.Since(e.signal.Since) >= heartbeat
	if live != e.signal.Live {
		e.signal = Signal{Live: live, Since: time.Now()}
	}
	e.signal.Err = err
	e.away = !live
	e.mu.Unlock()
	if long {
		e.each((*protocol.Member).Return)
	}
	switch {
	case live && was:
		slog.Info("highway: the storage of the fleet answers again")
	case !live && !was:
		slog.Warn("highway: the storage of the fleet is away; every circuit is on its own", "error", err)
	}
}

func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// queue orders entries by when they are due.
type queue []*Entry

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}
func (q *queue) Push(x any) {
	entry := x.(*Entry)
	entry.index = len(*q)
	*q = append(*q, entry)
}
func (q *queue) Pop() any {
	last := len(*q) - 1
	entry := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	entry.index = -1
	return entry
}
