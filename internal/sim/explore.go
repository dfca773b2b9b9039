package sim

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/protocol"
)

// Explored is what a search has come to.
type Explored struct {
	States, Ends int  // different states; of those with no time left, how many the fleet was made to recover from
	Whole        bool // there are no others within the bounds
	Openings     int  // the most in one history
	Violation    string
	Path         []string // to the violation
}

// Bounds are those of a search.
type Bounds struct {
	Calls     int // of all instances together
	Turns     int // of the dependency, which fails at first
	Ticks     int // of a second each, the cooldown being two
	Cuts      int // of an instance from the storage, at any time and for any time
	Losses    int // of changes or their acknowledgements
	Strays    int // changes that come again, at any later time
	Deletions int // of the row and the reports
	States    int // at which to give up
}

// size is how many instances a search is about.
const size = 3

// Explore tries, for a small fleet, every order of calls, their outcomes, messages,
// losses and time, within bounds. The members are those of production; the storage is
// a few lines. The fleet closes with one probe and opens with all tripping, so that two
// episodes fit into few calls.
func Explore(b Bounds) Explored {
	e := &explorer{seen: map[uint64]struct{}{}, seed: maphash.MakeSeed(), bounds: b, source: &constant{1}}
	m := &model{now: epoch, bounds: b, source: e.source, cut: -1}
	random := rand.New(e.source)
	for i := range size {
		m.members[i] = protocol.New(protocol.Settings{
			Instance: name(i), Rule: fleet.SequentialTest{}, Poll: 1250 * time.Millisecond,
			Circuit: circuit.Settings{Failures: 1, Window: 1, Successes: 1, Probes: 1, Cooldown: 2 * time.Second, Lease: time.Second},
		}, random, m.now.Add(-time.Minute))
		m.pump(i)
	}
	m.settle()
	e.found.Whole = true
	e.visit(m, nil)
	e.found.States = len(e.seen)
	return e.found
}

func name(i int) string { return string(rune('a' + i)) }

// constant gives the same random number until it is told another: what a member draws
// depends on the state only.
type constant struct{ value uint64 }

func (c *constant) Uint64() uint64 { return c.value }

type explorer struct {
	bounds Bounds
	seen   map[uint64]struct{}
	seed   maphash.Seed
	source *constant
	found  Explored
}

// A model is one state of the small fleet.
type model struct {
	bounds   Bounds
	source   *constant
	now      time.Time
	row      fleet.Row
	deadline time.Time
	leases   []time.Time // of row.Probes
	reports  [size]fleet.Report
	since    [size]time.Time
	order    uint64
	changes  int
	opened   int
	made     uint64 // rows, ever

	members [size]*protocol.Member
	request [size]*protocol.Message // on its way; nil for none
	answer  [size]*answer
	stray   *protocol.Message
	strayOf int
	calls   int
	turns   int
	until   [size]time.Time // of an OPEN that was learnt
	open    [size]fleet.Identity

	ticks, losses, strays, cuts, deletions int
	cut                                    int // the instance that is cut off; -1: none
	broken                                 string
}

type answer struct {
	number uint64
	view   *fleet.View
	row    fleet.Row
}

func (m *model) clone() *model {
	c := *m
	c.row.Probes, c.leases = slices.Clone(m.row.Probes), slices.Clone(m.leases)
	for i := range size {
		c.members[i] = m.members[i].Clone()
	}
	return &c
}

func (m *model) fingerprint() string {
	reports := m.reports
	for i := range reports {
		reports[i].Number, reports[i].Failures, reports[i].Outcomes = 0, 0, 0 // these decide nothing
	}
	text := fmt.Sprintf("%v %v %v %v %v %v %v %d %d %d", m.row, m.deadline.Sub(epoch), m.leases, reports, m.order, m.calls, m.turns, m.losses, m.strays*10+m.deletions, m.ticks*100+m.cuts*10+m.cut)
	for i := range size {
		text += m.members[i].Fingerprint()
		if r := m.request[i]; r != nil {
			request := *r
			request.Number, request.Report.Number, request.Report.Failures, request.Report.Outcomes = 0, 0, 0, 0
			text += fmt.Sprintf("%v", request)
		}
		if a := m.answer[i]; a != nil {
			text += fmt.Sprintf("%v", a.row) // views are heard at once
		}
	}
	if m.stray != nil {
		text += fmt.Sprintf("%d %v", m.strayOf, *m.stray)
	}
	return text
}

// A move is what can happen next.
type move struct {
	name string
	do   func(m *model)
}

func (m *model) moves() []move {
	var all []move
	add := func(name string, do func(*model)) { all = append(all, move{name, do}) }
	for i := range size {
		n := name(i)
		if r := m.request[i]; r != nil && i != m.cut {
			switch {
			case m.answer[i] != nil:
				add(n+" learns what has come of its change", func(m *model) { m.hear(i) })
			case r.Change:
				add("the change of "+n+" arrives", func(m *model) { m.deliver(i, *r, true) })
				if m.strays < m.bounds.Strays {
					add("the change of "+n+" is doubled", func(m *model) {
						m.strays++
						m.stray, m.strayOf = r, i
					})
				}
			}
			if m.losses < m.bounds.Losses {
				add("the change of "+n+" is lost, or its answer", func(m *model) {
					m.losses++
					m.lose(i)
				})
			}
		}
		if m.cut < 0 && m.cuts < m.bounds.Cuts {
			add(n+" is cut off", func(m *model) { m.cuts++; m.cut = i })
		}
		if m.calls < m.bounds.Calls {
			add(n+" calls", func(m *model) {
				m.calls++
				m.call(i, circuit.Outcome(1-m.turns%2))
			})
		}
	}
	if m.stray != nil {
		add("the doubled request", func(m *model) {
			r := m.stray
			m.stray = nil
			m.deliver(m.strayOf, *r, false)
		})
	}
	if m.deletions < m.bounds.Deletions {
		add("the row is deleted", func(m *model) {
			m.deletions++
			m.row, m.leases, m.reports = fleet.Row{}, nil, [size]fleet.Report{}
		})
	}
	if m.cut >= 0 {
		add(name(m.cut)+" is connected again", func(m *model) { m.cut = -1 })
	}
	if m.turns < m.bounds.Turns {
		add("the dependency turns", func(m *model) { m.turns++ })
	}
	if m.ticks < m.bounds.Ticks {
		add("a second passes", func(m *model) { m.ticks++; m.pass(time.Second) })
	}
	return all
}

func (e *explorer) visit(m *model, path []string) {
	if e.found.Violation != "" {
		return
	}
	key := maphash.String(e.seed, m.fingerprint())
	if _, ok := e.seen[key]; ok {
		return
	}
	if len(e.seen) >= e.bounds.States {
		e.found.Whole = false
		return
	}
	e.seen[key] = struct{}{}
	e.found.Openings = max(e.found.Openings, m.opened)
	if m.ticks == m.bounds.Ticks && key%8 == 0 {
		e.found.Ends++
		end := m.clone()
		end.recover()
		if end.broken != "" {
			e.found.Violation, e.found.Path = end.broken, path
			return
		}
	}
	for _, move := range m.moves() {
		next := m.clone()
		e.source.value = uint64(next.changes) + 1 // another nonce after each change
		move.do(next)
		next.settle()
		step := append(slices.Clip(path), move.name)
		if next.broken != "" && e.found.Violation == "" {
			e.found.Violation, e.found.Path = next.broken, step
			return
		}
		e.visit(next, step)
	}
}

func (m *model) fail(format string, args ...any) {
	if m.broken == "" {
		m.broken = fmt.Sprintf(format, args...)
	}
}

// settle lets exchanges happen, which take no time here: a view that comes late is like
// a decision on it that does, and a report that comes late like an instance cut off.
func (m *model) settle() {
	for range 100 {
		idle := true
		for i := range size {
			if r := m.request[i]; r != nil && !r.Change && i != m.cut {
				idle = false
				m.deliver(i, *r, true)
				m.hear(i)
			}
		}
		if idle {
			return
		}
	}
	m.fail("the members do not come to rest")
}

// lose gives up the request of an instance.
func (m *model) lose(i int) {
	number := m.request[i].Number
	m.request[i], m.answer[i] = nil, nil
	m.members[i].Failed(number, m.now)
	m.pump(i)
}

func (m *model) pump(i int) {
	if m.request[i] != nil {
		return
	}
	if r, ok := m.members[i].Send(m.now); ok {
		m.request[i] = &r
	}
}

// pass lets time pass.
func (m *model) pass(d time.Duration) {
	m.now = m.now.Add(d)
	if m.cut >= 0 && m.request[m.cut] != nil {
		m.lose(m.cut)
	}
	for i := range size {
		m.pump(i)
	}
}

// call makes a call that ends at once.
func (m *model) call(i int, o circuit.Outcome) {
	t, ok := m.members[i].Admit(m.now)
	if ok {
		if m.now.Before(m.until[i]) {
			m.fail("S4: %s lets a call through %v before the deadline", name(i), m.until[i].Sub(m.now))
		}
		if t.Lease != 0 {
			held := slices.ContainsFunc(m.row.Probes, func(p fleet.Probe) bool { return p.Holder == name(i) && p.Number == t.Lease })
			if !held && sameEpisode(m.members[i].Row().Identity, m.row.Identity) {
				m.fail("S5: %s makes probe %d without a lease: at %v it holds %s, the row is %s", name(i), t.Lease, m.now.Sub(epoch), describe(m.members[i].Row()), describe(m.read()))
			}
		}
		m.members[i].Done(t, o, m.now)
	}
	m.pump(i)
}

// read gives the row with the times that are left.
func (m *model) read() fleet.Row {
	row := m.row
	row.Probes = slices.Clone(row.Probes)
	if row.State == circuit.Open {
		row.Remaining = m.deadline.Sub(m.now)
	}
	for i := range row.Probes {
		if p := &row.Probes[i]; p.Result == fleet.Pending {
			p.Remaining = m.leases[i].Sub(m.now)
		}
	}
	return row
}

// deliver is what the storage does with a request.
func (m *model) deliver(i int, r protocol.Message, answered bool) {
	a := &answer{number: r.Number}
	told := false
	if r.Change {
		if r.From == m.row.Identity {
			m.change(r.Row)
			told = true
		}
		a.row = m.read()
	} else {
		if m.row.Identity == (fleet.Identity{}) {
			m.made++
			m.row.Incarnation = m.made
		}
		if old := m.reports[i]; r.Report.Number > old.Number {
			n := r.Report
			n.Order = old.Order
			if n.Suspicion != 0 && (n.Suspicion != old.Suspicion || !sameEpisode(n.About, old.About)) {
				m.order++
				n.Order, m.since[i] = m.order, m.now
				told = true
			}
			m.reports[i] = n
		}
		v := &fleet.View{Row: m.read(), Live: size}
		for j, o := range m.reports {
			if o.Suspicion != 0 {
				o.Age = m.now.Sub(m.since[j])
			}
			if o.Instance != "" {
				v.Reports = append(v.Reports, o)
			}
		}
		a.view = v
	}
	if answered {
		m.answer[i] = a
	}
	if told {
		for j := range size {
			m.members[j].Hint(m.now)
			m.pump(j)
		}
	}
}

// change puts a row in place, and looks at it.
func (m *model) change(row fleet.Row) {
	old, leases := m.row, m.leases
	m.changes++
	m.source.value = uint64(m.changes) + 1
	pending := 0
	m.leases = nil
	for _, p := range row.Probes {
		ends := m.now.Add(p.Remaining)
		if j := slices.IndexFunc(old.Probes, func(q fleet.Probe) bool { return q.Holder == p.Holder && q.Number == p.Number }); j >= 0 && old.Epoch == row.Epoch {
			ends = leases[j]
			if old.Probes[j].Result == fleet.Pending && p.Result != fleet.Pending && !m.now.Before(ends.Add(time.Second)) && p.Holder != "" {
				m.fail("S6: a result of %s long after its lease", p.Holder)
			}
		}
		m.leases = append(m.leases, ends)
		if p.Result == fleet.Pending && m.now.Before(ends) {
			pending++
		}
	}
	m.row = row
	if pending > 1 {
		m.fail("S5: %d leases", pending)
	}
	if old.State == circuit.Open && old.Epoch != row.Epoch && m.now.Before(m.deadline) {
		m.fail("S2: an OPEN ends %v early", m.deadline.Sub(m.now))
	}
	if row.State == circuit.Open {
		m.deadline = m.now.Add(row.Remaining)
		m.opened++
	}
	if row.Epoch < old.Epoch || row.Epoch > old.Epoch+1 {
		m.fail("S3: epoch %d after %d", row.Epoch, old.Epoch)
	}
}

// hear brings an answer.
func (m *model) hear(i int) {
	a := m.answer[i]
	m.answer[i], m.request[i] = nil, nil
	row := a.row
	if a.view != nil {
		row = a.view.Row
		m.members[i].HearView(a.number, *a.view, m.now)
	} else {
		m.members[i].HearRow(a.number, a.row, m.now)
	}
	if row.Identity == (fleet.Identity{}) {
		m.pump(i)
		return // there is none to learn
	}
	if got := m.members[i].Row(); got.Identity != row.Identity {
		m.fail("S11: %s holds %v and was told %v", name(i), got.Identity, row.Identity)
	}
	if row.Identity != m.open[i] {
		m.open[i], m.until[i] = row.Identity, time.Time{}
		if row.State == circuit.Open {
			m.until[i] = m.now.Add(row.Remaining)
		}
	}
	m.pump(i)
}

// recover lets all messages arrive and all calls succeed, and looks whether the fleet
// closes and agrees (L1, L2, L3).
func (m *model) recover() {
	m.source.value = uint64(m.changes) + 1
	m.cut = -1
	for range 60 {
		for i := range size {
			m.call(i, circuit.Success)
			m.settle()
			if r := m.request[i]; r != nil && m.answer[i] == nil {
				m.deliver(i, *r, true)
			}
			if m.answer[i] != nil {
				m.hear(i)
			}
			m.settle()
		}
		m.pass(250 * time.Millisecond)
	}
	for i := range size {
		if s := m.members[i].State(m.now); s != circuit.Closed || m.row.State != circuit.Closed || !sameEpisode(m.members[i].Row().Identity, m.row.Identity) {
			m.fail("L3: the dependency is healthy, %s is %v with %s, the row %s", name(i), s, describe(m.members[i].Row()), describe(m.row))
		}
	}
}
