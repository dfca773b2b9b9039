// Package sim runs a fleet in virtual time: many members, one storage and a network
// between them, with the faults of all three. A run is decided by its seed alone, and
// what runs is what production runs.
package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/memory"
	"github.com/highway-engine/highway/internal/protocol"
)

// A Config is what a run is to be like.
type Config struct {
	Seed      uint64
	Instances int
	Circuit   circuit.Settings
	Rule      fleet.Rule
	Poll      time.Duration

	// Each gives an instance settings of its own. Nil means Circuit for all.
	Each func(instance int) circuit.Settings
	// Rate is the calls of an instance a second, on average.
	Rate func(instance int) float64
	// Fails is the error rate that an instance meets.
	Fails func(instance int, at time.Duration) float64
	// Ignores is the share of calls whose outcome says nothing.
	Ignores float64
	// Asks is the share of failures that ask for a longer cooldown.
	Asks float64
	// Took is how long a call takes.
	Took func(failed bool) time.Duration

	Network Network
	// StorageClock is how far the storage's clock is off. Nil means not at all.
	StorageClock func(at time.Duration) time.Duration
	// Plan are further faults. Nil means none.
	Plan *Plan
}

// A Network is what happens to messages between instances and the storage.
type Network struct {
	Latency time.Duration // of one way, at the median; a message may take ten times as long
	Loss    float64       // the share of messages lost, each way
	Doubled float64       // the share of notifications that come twice
	// Cut says whether an instance cannot reach the storage. Nil means never.
	Cut func(instance int, at time.Duration) bool
}

// epoch is when virtual time begins.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// key is the one circuit that a world is about. Nothing ever happens to bystander, the
// circuit next to it (S12).
const (
	key       = "dependency"
	bystander = "bystander"
)

// A World is a run.
type World struct {
	Config
	random  *rand.Rand
	now     time.Duration
	queue   queue
	order   uint64
	storage *memory.Storage
	members []*instance
	trouble trouble
	check   *checker // nil: nobody looks
	alive   float64  // instance-seconds

	Stats Stats
}

// Stats are what a run has come to.
type Stats struct {
	Calls, Failed, Refused int64
	Opened                 int // how often the row has opened
	Changes                int
	Messages               int64
}

// An instance is a member and its traffic.
type instance struct {
	*protocol.Member
	number   int
	name     string
	settings circuit.Settings
	wakes    time.Duration // when a wake is on the way; 0 for none
	clock    time.Duration // how far its own clock is off
	born     time.Duration
	dead     bool
	paused   time.Duration // until when it is stopped

	calls, failed, refused int64
	seen                   watched
}

// New returns a world at its beginning.
func New(c Config) *World {
	w := &World{Config: c, random: rand.New(rand.NewPCG(c.Seed, 1))}
	w.storage = memory.New(w.storageTime)
	for i := range c.Instances {
		w.members = append(w.members, nil)
		w.start(i, fmt.Sprintf("i%04d", i))
	}
	if c.Plan != nil {
		w.plan(c.Plan)
	}
	return w
}

// start gives an instance its life. A name is never used twice: numbers of reports and
// probes begin anew with each life, and are those of a name.
func (w *World) start(number int, name string) {
	in := &instance{number: number, name: name, settings: w.Circuit, born: w.now}
	if w.Each != nil {
		in.settings = w.Each(number)
	}
	in.clock = time.Duration(w.random.Int64N(int64(10*time.Hour))) - 5*time.Hour
	in.Member = protocol.New(protocol.Settings{
		Instance: in.name, Circuit: in.settings, Rule: w.Rule, Poll: w.Poll,
	}, rand.New(rand.NewPCG(w.Seed, uint64(number+w.Instances*w.trouble.restarts)+2)), w.at(in))
	w.members[number] = in
	w.arrival(in)
	w.pump(in)
}

// at is the present instant on the clock of an instance: hours off, for all it matters.
func (w *World) at(in *instance) time.Time { return epoch.Add(w.now + in.clock) }

func (w *World) storageTime() time.Time {
	t := epoch.Add(w.now + w.trouble.clock)
	if w.StorageClock != nil {
		t = t.Add(w.StorageClock(w.now))
	}
	if w.trouble.replaying {
		t = w.trouble.replayed
	}
	return t
}

// Run lets time pass until t.
func (w *World) Run(t time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= t {
		e := w.queue.pop()
		w.now = e.at
		if e.in != nil {
			if e.in.dead {
				continue
			}
			if w.now < e.in.paused {
				w.order++
				w.queue.push(event{e.in.paused, w.order, e.in, e.do})
				continue
			}
		}
		e.do()
	}
	w.now = t
}

// after lets do happen when d has passed; to an instance only if it lives then, and
// while it is stopped not before it goes on.
func (w *World) after(d time.Duration, in *instance, do func()) {
	w.order++
	w.queue.push(event{w.now + d, w.order, in, do})
}

// arrival is the next call of an instance, at an interval like that of independent
// arrivals.
func (w *World) arrival(in *instance) {
	mean := float64(time.Second) / w.Rate(in.number)
	w.after(time.Duration(w.random.ExpFloat64()*mean), in, func() {
		w.call(in)
		w.arrival(in)
	})
}

func (w *World) call(in *instance) {
	before := circuit.Closed
	if w.check != nil {
		before = in.State(w.at(in))
	}
	ticket, ok := in.Admit(w.at(in))
	if w.check != nil {
		w.check.admission(in, before, ticket, ok)
	}
	if !ok {
		in.refused++
		w.Stats.Refused++
		w.pump(in)
		return
	}
	in.calls++
	w.Stats.Calls++
	failed := w.random.Float64() < w.Fails(in.number, w.now)
	if failed {
		in.failed++
		w.Stats.Failed++
	}
	w.after(w.Took(failed), in, func() {
		outcome := circuit.Success
		if failed {
			outcome = circuit.Failure
		}
		if w.Ignores > 0 && w.random.Float64() < w.Ignores {
			outcome = circuit.Ignored
		}
		var before circuit.Machine
		if w.check != nil {
			before = *in.Local()
		}
		if w.Asks > 0 && outcome == circuit.Failure && w.random.Float64() < w.Asks {
			w.fault(Asked)
			in.PutOff(ticket, time.Duration(w.random.Int64N(mostAsked*int64(in.settings.Cooldown))), w.at(in))
		}
		in.Done(ticket, outcome, w.at(in))
		if w.check != nil {
			w.check.completion(in, before.State(), before.Epoch(), ticket, outcome)
		}
		w.pump(in)
	})
	w.pump(in)
}

// pump sends what the instance has to send, and wakes it when it will have more.
func (w *World) pump(in *instance) {
	if m, ok := in.Send(w.at(in)); ok {
		w.send(in, m)
	}
	wake := in.Wake().Sub(w.at(in))
	if at := w.now + max(wake, 0); in.wakes == 0 || at < in.wakes {
		in.wakes = at
		w.after(max(wake, 0), in, func() {
			if in.wakes <= w.now {
				in.wakes = 0
				w.pump(in)
			}
		})
	}
}

// mostAsked is for how many cooldowns a failure asks at most.
const mostAsked = 3

// answerTime is how long an instance waits for an answer.
const answerTime = time.Second

// send brings a message to the storage and its answer back.
func (w *World) send(in *instance, m protocol.Message) {
	w.Stats.Messages++
	if w.check != nil {
		w.check.sending(in, m)
	}
	if m.Change && w.trouble.deletes && w.now < w.Plan.Ends {
		w.delete()
	}
	w.after(answerTime, in, func() {
		in.Failed(m.Number, w.at(in))
		if w.check != nil {
			w.check.failing(in, m)
		}
		w.pump(in)
	})
	w.travel(in, toStorage, func() {
		if m.Change {
			row, ok := w.change(in, m)
			if !ok {
				return
			}
			w.travel(in, toInstance, func() {
				in.HearRow(m.Number, row, w.at(in))
				if w.check != nil {
					w.check.hearing(in, m, row, nil)
				}
				w.pump(in)
			})
			return
		}
		view, ok := w.exchange(in, m)
		if !ok {
			return
		}
		w.travel(in, toInstance, func() {
			in.HearView(m.Number, view, w.at(in))
			if w.check != nil {
				w.check.hearing(in, m, view.Row, &view)
			} else if w.Plan == nil { // so that no answer comes twice
				w.storage.Reuse(view.Reports)
			}
			w.pump(in)
		})
	})
}

// change is a change as it comes to the storage.
func (w *World) change(in *instance, m protocol.Message) (fleet.Row, bool) {
	if w.trouble.down {
		w.fault(Outage)
		return fleet.Row{}, false
	}
	before := w.row()
	w.record(func(s *memory.Storage) { s.Change(context.Background(), key, m.From, m.Row) })
	row, err := w.storage.Change(context.Background(), key, m.From, m.Row)
	if err != nil {
		return row, false
	}
	w.changed(in, m, before, row)
	return row, true
}

// exchange is an exchange as it comes to the storage.
func (w *World) exchange(in *instance, m protocol.Message) (fleet.View, bool) {
	if w.trouble.down {
		w.fault(Outage)
		return fleet.View{}, false
	}
	reports := map[string]fleet.Report{key: m.Report}
	if w.check != nil && m.Number%16 == 1 {
		reports[bystander] = fleet.Report{Instance: in.name, Number: m.Report.Number, Active: true}
	}
	w.record(func(s *memory.Storage) { s.Exchange(context.Background(), in.name, reports) })
	suspected := w.storage.Suspicions()
	views, err := w.storage.Exchange(context.Background(), in.name, reports)
	if err != nil {
		return fleet.View{}, false
	}
	view := views[key]
	isNew := w.storage.Suspicions() > suspected
	if w.check != nil {
		w.check.exchanged(in, m, view, views)
	}
	if isNew {
		w.notify()
	}
	return view, true
}

// travel is one way between an instance and the storage.
func (w *World) travel(in *instance, way way, arrive func()) {
	n := w.Network
	if n.Cut != nil && n.Cut(in.number, w.now) || w.cut(in) {
		return
	}
	times := 1
	if w.Plan == nil {
		if w.random.Float64() < n.Loss {
			return
		}
	} else if w.now < w.Plan.Ends {
		times = w.mishap(way)
	}
	to := in
	if way == toStorage {
		to = nil // a request is on its way though its sender dies
	}
	for range times {
		d := w.latency()
		if w.Plan != nil && w.now < w.Plan.Ends && w.random.Float64() < w.Plan.Late {
			w.fault(way.late())
			d += time.Duration(w.random.Int64N(int64(10 * time.Second)))
		}
		w.after(d, to, arrive)
	}
}

func (w *World) latency() time.Duration {
	d := float64(w.Network.Latency) * (0.5 + w.random.ExpFloat64())
	return time.Duration(min(d, 10*float64(w.Network.Latency)))
}

// notify tells all instances that something has changed.
func (w *World) notify() {
	for _, in := range w.members {
		times := 1
		if w.random.Float64() < w.Network.Doubled {
			times = 2
		}
		for range times {
			w.travel(in, hint, func() {
				in.Hint(w.at(in))
				w.pump(in)
			})
		}
	}
}

// changed looks at what has come of a wish to change the row.
func (w *World) changed(in *instance, m protocol.Message, before, after fleet.Row) {
	if before.Identity == after.Identity {
		return
	}
	w.Stats.Changes++
	if before.Epoch != after.Epoch && after.State == circuit.Open {
		w.Stats.Opened++
	}
	if w.check != nil {
		w.check.change(in, m, before, after)
	}
	w.notify()
}

func (w *World) row() fleet.Row { return w.storage.Row(key) }

func (w *World) suspicions() uint64 { return w.storage.Suspicions() }
