package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/memory"
)

// A Fault is a class of faults.
type Fault int

// The faults.
const (
	LostRequest Fault = iota
	LostAnswer        // the request may have been applied
	LostHint
	LateRequest // also behind later ones
	LateAnswer
	LateHint
	DoubledRequest
	DoubledAnswer
	DoubledHint
	Cut      // a message that a partition stopped
	Outage   // a request that found the storage away
	Failover // that lost the last commits
	Deletion // of the row
	ClockBack
	ClockForward
	Crash
	Pause
	HardOutage // of the dependency
	PartialOutage
	SlowDependency
	Sick    // instances that fail on their own
	Mixed   // instances with settings of their own
	Command // by a person
	Changed // settings, of an instance that works
	Asked   // for a longer cooldown, by a failure
	Faults  // how many there are
)

var faultNames = [Faults]string{
	"request lost", "answer lost", "notification lost", "request late", "answer late", "notification late",
	"request doubled", "answer doubled", "notification doubled", "message cut off", "request to a dead storage",
	"failover with loss", "row deleted", "storage clock back", "storage clock forward", "crash and restart",
	"long pause", "dependency down", "dependency partly down", "dependency slow", "sick instance",
	"different settings", "command", "settings changed", "cooldown asked for",
}

func (f Fault) String() string { return faultNames[f] }

// A Plan is the faults of a run, until it ends; then all is well, or the dependency
// fails for good.
type Plan struct {
	Ends time.Duration

	// Of messages, the share that has each mishap.
	Lost, LostHints, Late, Repeated float64

	Cuts      []Incident // of an instance from the storage
	Outages   []Incident // of the storage
	Failovers []Incident // lasting as long as the commits that are lost
	Deletions []Incident // if instance is 1, when a change of the row is next on its way
	Clocks    []Incident // of the storage; lasting as long as it jumps, back if negative
	Crashes   []Incident // and restart
	Pauses    []Incident
	Commands  []Incident // of the kind that instance says
	Changes   []Change
}

// A Change is one of the settings of an instance, until it crashes.
type Change struct {
	At       time.Duration
	Instance int
	Circuit  circuit.Settings
}

// An Incident is one fault.
type Incident struct {
	At, Lasts time.Duration
	Instance  int
}

func (i Incident) during(at time.Duration) bool { return i.At <= at && at < i.At+i.Lasts }

// trouble is the state of what goes wrong.
type trouble struct {
	count    [Faults]int
	down     bool
	deleted  time.Duration // when the row was, last
	deletes  bool          // the row is deleted when a change of it is on its way
	clock    time.Duration
	restarts int
	losses   int // of rows or of time, after which comparisons with earlier make no sense

	// For a failover, what the storage has done, to do it again but for the end.
	log       []operation
	logging   bool
	replaying bool
	replayed  time.Time
}

type operation struct {
	at time.Time
	do func(*memory.Storage)
}

// A way is that of a message.
type way uint8

const (
	toStorage way = iota
	toInstance
	hint
)

func (w way) lost() Fault    { return LostRequest + Fault(w) }
func (w way) late() Fault    { return LateRequest + Fault(w) }
func (w way) doubled() Fault { return DoubledRequest + Fault(w) }

func (w *World) fault(f Fault) { w.trouble.count[f]++ }

// mishap says how many times a message arrives.
func (w *World) mishap(way way) int {
	lost := w.Plan.Lost
	if way == hint {
		lost = w.Plan.LostHints
	}
	switch {
	case w.random.Float64() < lost:
		w.fault(way.lost())
		return 0
	case w.random.Float64() < w.Plan.Repeated:
		w.fault(way.doubled())
		return 2
	}
	return 1
}

// cut says whether an instance is cut off from the storage.
func (w *World) cut(in *instance) bool {
	if w.Plan == nil || w.now >= w.Plan.Ends {
		return false
	}
	for _, c := range w.Plan.Cuts {
		if c.Instance == in.number && c.during(w.now) {
			w.fault(Cut)
			return true
		}
	}
	return false
}

// record keeps what the storage does, while a failover is to come.
func (w *World) record(do func(*memory.Storage)) {
	if w.trouble.logging {
		w.trouble.log = append(w.trouble.log, operation{w.storageTime(), do})
	}
}

// plan makes the incidents of a plan happen.
func (w *World) plan(p *Plan) {
	for _, o := range p.Outages {
		w.after(o.At, nil, func() { w.trouble.down = true; w.note("storage down") })
		w.after(o.At+o.Lasts, nil, func() { w.trouble.down = false; w.note("storage up") })
	}
	w.trouble.logging = len(p.Failovers) > 0
	for i, f := range p.Failovers {
		w.after(f.At, nil, func() { w.failover(f.Lasts, i == len(p.Failovers)-1) })
	}
	for _, d := range p.Deletions {
		w.after(d.At, nil, func() {
			if d.Instance == 1 {
				w.trouble.deletes = true
			} else {
				w.delete()
			}
		})
	}
	for _, c := range p.Clocks {
		w.after(c.At, nil, func() {
			w.fault(ClockForward)
			if c.Lasts < 0 {
				w.trouble.count[ClockForward]--
				w.fault(ClockBack)
			}
			w.note("storage clock jumps %v", c.Lasts)
			w.trouble.clock += c.Lasts
			w.lose()
		})
	}
	for _, c := range p.Crashes {
		w.after(c.At, nil, func() { w.crash(c) })
	}
	for _, c := range p.Pauses {
		w.after(c.At, nil, func() {
			w.fault(Pause)
			in := w.members[c.Instance]
			in.paused = max(in.paused, w.now+c.Lasts)
			w.note("%s stopped for %v", in.name, c.Lasts)
		})
	}
	for _, c := range p.Changes {
		w.after(c.At, nil, func() { w.configure(w.members[c.Instance], c.Circuit) })
	}
	for _, c := range p.Commands {
		w.after(c.At, nil, func() { w.command(c.Instance, c.Lasts) })
	}
}

// configure changes the settings of an instance.
func (w *World) configure(in *instance, s circuit.Settings) {
	if in.dead || w.now < in.paused {
		return
	}
	w.fault(Changed)
	w.note("%s has other settings: %+v", in.name, s)
	in.settings = s
	in.Configure(s, w.at(in))
	if w.check != nil {
		w.check.configured(in)
	}
	w.pump(in)
}

// delete loses the row.
func (w *World) delete() {
	w.trouble.deletes = false
	w.fault(Deletion)
	w.note("row deleted")
	w.record(func(s *memory.Storage) { s.Forget(key) })
	w.storage.Forget(key)
	w.trouble.deleted = w.now
	w.lose()
}

// lose says that the storage is not what it was.
func (w *World) lose() {
	w.trouble.losses++
	if w.check != nil {
		w.check.lost()
	}
}

// crash ends an instance, with all it had in flight but its requests, and starts another
// in its place.
func (w *World) crash(c Incident) {
	in := w.members[c.Instance]
	if in.dead {
		return // it is down already
	}
	w.fault(Crash)
	w.note("%s crashes for %v", in.name, c.Lasts)
	in.dead = true
	w.alive += (w.now - in.born).Seconds()
	w.after(c.Lasts, nil, func() {
		w.trouble.restarts++
		name := fmt.Sprintf("i%04d.%d", c.Instance, w.trouble.restarts)
		w.note("%s starts", name)
		w.start(c.Instance, name)
	})
}

// failover puts another storage in place of the present one. It has all but the last
// commits.
func (w *World) failover(lost time.Duration, last bool) {
	t := &w.trouble
	w.fault(Failover)
	w.note("failover, losing %v", lost)
	until, kept, given := w.storageTime().Add(-lost), 0, w.storage.Incarnations()
	w.storage = memory.New(w.storageTime)
	t.replaying = true
	for i, o := range t.log {
		if o.at.After(until) && i > 0 {
			break
		}
		t.replayed = o.at
		o.do(w.storage)
		kept++
	}
	t.replaying = false
	t.log = t.log[:kept]
	// Rows made from now on are none of those that are lost (S11).
	w.record(func(s *memory.Storage) { s.SkipIncarnations(given) })
	w.storage.SkipIncarnations(given)
	if last {
		t.log, t.logging = nil, false
	}
	w.lose()
}

// What a person can tell the fleet to do.
const (
	commandOpen = iota
	commandIsolate
	commandDisable
	commandClose
	commandRelease
	commands
)

// command is a person's, who looks at the row by way of an instance and changes it at
// once.
func (w *World) command(kind int, d time.Duration) {
	through := slices.IndexFunc(w.members, func(in *instance) bool { return !in.dead })
	if w.trouble.down || through < 0 {
		return
	}
	look := map[string]fleet.Report{key: {}}
	w.record(func(s *memory.Storage) { s.Exchange(context.Background(), w.members[through].name, look) })
	views, err := w.storage.Exchange(context.Background(), w.members[through].name, look)
	if err != nil {
		panic(err)
	}
	from := views[key].Row
	if w.check != nil {
		w.check.reads(from)
	}
	to := fleet.Row{Reason: fleet.Commanded, By: "a person"}
	to.Identity = fleet.Identity{Incarnation: from.Incarnation, Epoch: from.Epoch + 1, Nonce: w.random.Uint64()}
	switch kind {
	case commandOpen:
		to.State, to.Hold, to.Remaining = circuit.Open, fleet.HeldOpen, d
	case commandIsolate:
		to.State, to.Hold = circuit.Open, fleet.Isolated
	case commandDisable:
		to.State, to.Hold = circuit.Closed, fleet.Disabled
	case commandRelease:
		if from.Hold == fleet.NoHold {
			return
		}
		to.State, to.Reason = circuit.HalfOpen, fleet.HoldOver
	}
	w.fault(Command)
	w.record(func(s *memory.Storage) { s.Change(context.Background(), key, from.Identity, to) })
	after, err := w.storage.Change(context.Background(), key, from.Identity, to)
	if err != nil {
		panic(err)
	}
	w.Stats.Changes++
	if w.check != nil {
		w.check.commanded(from, after)
	}
	w.notify()
}

func leaseName(p fleet.Probe) string { return fmt.Sprint(p.Holder, "/", p.Number) }
