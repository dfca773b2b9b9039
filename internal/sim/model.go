package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/protocol"
)

// size is how many instances a model has.
const size = 3

// terms are the settings of all instances. The fleet closes with one probe and opens
// when all have tripped, so that an episode fits into few calls.
var terms = circuit.Settings{Failures: 1, Window: 1, Successes: 1, Probes: 1, Cooldown: 2 * time.Second, Lease: time.Second}

func name(i int) string { return string(rune('a' + i)) }

func number(name string) int { return int(name[0] - 'a') }

// A model is one state of a small fleet.
type model struct {
	bounds   Bounds
	now      time.Time
	row      fleet.Row
	deadline time.Time
	leases   []time.Time         // of row.Probes
	reports  [size]*fleet.Report // nil for none
	since    [size]time.Time
	order    uint64
	made     uint64 // rows, ever
	opened   int

	members [size]*protocol.Member
	own     [size]bool              // no other state has the same member
	facts   [size]*facts            // of the members, once they have been read
	request [size]*protocol.Message // on its way; nil for none
	answer  [size]*answer
	stray   *protocol.Message
	strayOf int
	until   [size]time.Time // of an OPEN that was learnt
	open    [size]fleet.Identity
	used    [size]uint64 // the lease of its last probe
	late    [size]bool   // that ended when the lease was over

	echo    *answer // one that comes again
	echoOf  int
	calling *protocol.Ticket // a call that takes time
	caller  int

	turns, losses, strays, cuts, deletions, slow int

	cut       int    // the instance that is cut off; -1: none
	key, from uint64 // of this state, and of the one before
	move      uint8  // that led here
	broken    string
}

type answer struct {
	number uint64
	view   *fleet.View
	row    fleet.Row
}

// clone shares with m what neither changes in place.
func (m *model) clone() *model {
	c := *m
	c.own = [size]bool{}
	m.own = [size]bool{}
	return &c
}

// member is member i for a change.
func (m *model) member(i int) *protocol.Member {
	if !m.own[i] {
		m.members[i], m.own[i] = m.members[i].Clone(), true
	}
	m.facts[i] = nil
	return m.members[i]
}

// A move is what can happen next.
type move struct {
	name string
	do   func(m *model)
	call bool
}

// moves are what can happen next. Exchanges happen before all else but the end of a call,
// in any order, and take no time: a view that comes late is like a decision on it that
// does, and a report that comes late like an instance cut off.
func (m *model) moves() []move {
	var all []move
	add := func(name string, do func(*model)) { all = append(all, move{name: name, do: do}) }
	for i := range size {
		if r := m.request[i]; r != nil && !r.Change && i != m.cut {
			add(name(i)+" exchanges", func(m *model) {
				m.deliver(i, *r, true)
				m.hear(i)
			})
		}
	}
	exchanging := len(all) > 0
	if m.calling != nil {
		for _, o := range outcomes {
			if turns := m.turned(o); turns <= m.bounds.Turns {
				add("the call of "+name(m.caller)+" ends"+o.how, func(m *model) {
					t := *m.calling
					m.turns, m.calling = turns, nil
					m.end(m.caller, t, o.Outcome)
					m.pump(m.caller)
				})
			}
		}
	}
	if exchanging {
		return all
	}
	for i := range size {
		n := name(i)
		if r := m.request[i]; r != nil && i != m.cut {
			switch {
			case m.answer[i] != nil:
				add(n+" learns what has come of its change", func(m *model) { m.hear(i) })
				if m.strays < m.bounds.Strays {
					add("the answer to "+n+" is doubled", func(m *model) {
						m.strays++
						m.echo, m.echoOf = m.answer[i], i
					})
				}
			case r.Change:
				add("the change of "+n+" arrives and is answered", func(m *model) {
					m.deliver(i, *r, true)
					m.hear(i)
				})
				if r.From == m.row.Identity && m.losses < m.bounds.Losses {
					add("the change of "+n+" arrives", func(m *model) { m.deliver(i, *r, true) })
				}
				if m.strays < m.bounds.Strays && !m.strayCounts() {
					add("the change of "+n+" is doubled", func(m *model) {
						m.strays++
						m.stray, m.strayOf = r, i
					})
				}
			}
		}
		if m.cut < 0 && m.cuts < m.bounds.Cuts {
			add(n+" is cut off", func(m *model) { m.cuts++; m.cut = i })
		}
		for _, o := range outcomes {
			if turns := m.turned(o); turns <= m.bounds.Turns {
				all = append(all, move{n + " calls" + o.how, func(m *model) {
					m.turns = turns
					m.call(i, o.Outcome)
				}, true})
			}
		}
		if m.slow < m.bounds.Slow && m.calling == nil {
			all = append(all, move{n + " begins a call", func(m *model) { m.begin(i) }, true})
		}
	}
	if m.echo != nil && (m.request[m.echoOf] == nil || m.request[m.echoOf].Number != m.echo.number) {
		add("the doubled answer", func(m *model) {
			a, i := m.echo, m.echoOf
			m.echo = nil
			before := m.members[i].Row().Identity
			m.member(i).HearRow(a.number, a.row, m.now)
			if got := m.members[i].Row().Identity; got != before {
				m.fail("S3: %s has taken %s from an old answer, in place of %s", name(i), describeID(got), describeID(before))
			}
			m.pump(i)
		})
	}
	if m.strayCounts() {
		add("the doubled change", func(m *model) {
			r := m.stray
			m.stray = nil
			m.deliver(m.strayOf, *r, false)
		})
	}
	if m.deletions < m.bounds.Deletions {
		add("the row is deleted", func(m *model) {
			m.deletions++
			m.remove()
		})
	}
	if m.cut >= 0 {
		add(name(m.cut)+" is connected again", func(m *model) { m.cut = -1 })
		if m.request[m.cut] != nil {
			add("the request of "+name(m.cut)+" fails", func(m *model) { m.lose(m.cut) })
		}
	}
	waits := 0
	for i := range size {
		if m.request[i] != nil && i != m.cut {
			waits++
		}
	}
	if m.losses+waits <= m.bounds.Losses {
		add("a second passes", func(m *model) {
			m.losses += waits
			m.pass(time.Second)
		})
	}
	return all
}

// outcomes of a call.
var outcomes = []outcome{{circuit.Success, ""}, {circuit.Failure, " and fails"}}

type outcome struct {
	circuit.Outcome
	how string
}

// turned is how often the dependency has turned if the next outcome is o.
func (m *model) turned(o outcome) int {
	if m.turns%2 != int(o.Outcome) {
		return m.turns + 1
	}
	return m.turns
}

// strayCounts says whether there is a doubled change that is not refused in any case.
func (m *model) strayCounts() bool { return m.stray != nil && m.stray.From == m.row.Identity }

func (m *model) fail(format string, args ...any) {
	if m.broken == "" {
		m.broken = fmt.Sprintf(format, args...)
	}
}

// lose gives up the request of an instance.
func (m *model) lose(i int) {
	number := m.request[i].Number
	m.request[i], m.answer[i] = nil, nil
	m.member(i).Failed(number, m.now)
	m.pump(i)
}

func (m *model) pump(i int) {
	if m.request[i] != nil {
		return
	}
	if r, ok := m.member(i).Send(m.now); ok {
		m.request[i] = &r
	}
}

// pass lets time pass. Whoever waits for an answer gives it up: an instance waits for a
// second. A change that comes later than that is one that comes again.
func (m *model) pass(d time.Duration) {
	m.now = m.now.Add(d)
	for i := range size {
		if m.request[i] != nil {
			m.lose(i)
		} else {
			m.pump(i)
		}
	}
}

// call makes a call that ends at once.
func (m *model) call(i int, o circuit.Outcome) {
	if t, ok := m.admit(i); ok {
		m.end(i, t, o)
	}
	m.pump(i)
}

// begin makes a call that ends later, or never.
func (m *model) begin(i int) {
	if t, ok := m.admit(i); ok {
		m.slow++
		m.calling, m.caller = &t, i
	}
	m.pump(i)
}

func (m *model) admit(i int) (protocol.Ticket, bool) {
	member := m.member(i)
	before := member.State(m.now)
	t, ok := member.Admit(m.now)
	switch {
	case !ok:
		if before == circuit.Closed {
			m.fail("S9: %s is closed and refuses a call", name(i))
		}
	case m.now.Before(m.until[i]):
		m.fail("S4: %s lets a call through %v before the deadline", name(i), m.until[i].Sub(m.now))
	case t.Lease != 0:
		if m.lease(i, t.Lease) < 0 && sameEpisode(member.Row().Identity, m.row.Identity) {
			m.fail("S5: %s makes probe %d without a lease: at %v it holds %s, the row is %s", name(i), t.Lease, m.now.Sub(epoch), describe(member.Row()), describe(m.read()))
		}
		if m.used[i] == t.Lease {
			m.fail("S5: %s makes probe %d again", name(i), t.Lease)
		}
		m.used[i] = t.Lease
	}
	return t, ok
}

// lease is where the row has the probe of an instance.
func (m *model) lease(i int, number uint64) int {
	return slices.IndexFunc(m.row.Probes, func(p fleet.Probe) bool { return p.Holder == name(i) && p.Number == number })
}

func (m *model) end(i int, t protocol.Ticket, o circuit.Outcome) {
	member := m.member(i)
	local := member.Local()
	closed, episode := local.State() == circuit.Closed, local.Epoch()
	if t.Lease != 0 {
		j := m.lease(i, t.Lease)
		m.late[i] = j >= 0 && !m.now.Before(m.leases[j])
	}
	member.Done(t, o, m.now)
	if closed && local.State() != circuit.Closed && t.Epoch != episode {
		m.fail("S3: %s trips by a call of an earlier episode", name(i))
	}
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
		if r.From == m.row.Identity && r.From != (fleet.Identity{}) {
			r.Row.Incarnation = m.row.Incarnation
			m.change(i, r.Row)
			told = true
		}
		a.row = m.read()
	} else {
		if m.row.Identity == (fleet.Identity{}) {
			m.made++
			m.row.Incarnation = m.made
		}
		old := m.reports[i]
		if old == nil {
			old = &fleet.Report{}
		}
		if n := r.Report; n.Number > old.Number {
			n.Order = old.Order
			if n.Suspicion != 0 && (n.Suspicion != old.Suspicion || !sameEpisode(n.About, old.About)) {
				m.order++
				n.Order, m.since[i] = m.order, m.now
				told = true
			}
			m.reports[i] = &n
		}
		v := &fleet.View{Row: m.read(), Live: size}
		for j, r := range m.reports {
			if r == nil {
				continue
			}
			o := *r
			if o.Suspicion != 0 {
				o.Age = m.now.Sub(m.since[j])
			} else {
				o.Order = 0
			}
			v.Reports = append(v.Reports, o)
		}
		a.view = v
	}
	if answered {
		m.answer[i] = a
	}
	if told {
		for j := range size {
			m.member(j).Hint(m.now)
			m.pump(j)
		}
	}
}

// remove is a person's DELETE.
func (m *model) remove() {
	m.row, m.leases, m.reports = fleet.Row{}, nil, [size]*fleet.Report{}
}

// change puts a row in place that an instance wants, and looks at it.
func (m *model) change(by int, row fleet.Row) {
	old, leases := m.row, m.leases
	pending := 0
	m.leases = nil
	for _, p := range row.Probes {
		ends := m.now.Add(p.Remaining)
		j := slices.IndexFunc(old.Probes, func(q fleet.Probe) bool {
			return q.Holder == p.Holder && q.Number == p.Number && q.Result == fleet.Pending
		})
		if j >= 0 && sameEpisode(old.Identity, row.Identity) {
			ends = leases[j]
			if p.Result != fleet.Pending && p.Holder != name(by) {
				m.fail("S6: %s enters a result of %s", name(by), p.Holder)
			}
			if p.Result != fleet.Pending && m.late[number(p.Holder)] {
				m.fail("S6: a result of %s, whose probe ended after its lease", p.Holder)
			}
		}
		m.leases = append(m.leases, ends)
		if p.Result == fleet.Pending && m.now.Before(ends) {
			pending++
		}
	}
	m.row = row
	if pending > terms.Probes {
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
		m.member(i).HearView(a.number, *a.view, m.now)
	} else {
		m.member(i).HearRow(a.number, a.row, m.now)
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
	m.cut = -1
	for range 60 {
		for i := range size {
			m.call(i, circuit.Success)
			m.arrive()
		}
		m.pass(250 * time.Millisecond)
		m.arrive()
	}
	for i := range size {
		if s := m.member(i).State(m.now); s != circuit.Closed || m.row.State != circuit.Closed || !sameEpisode(m.members[i].Row().Identity, m.row.Identity) {
			m.fail("L3: the dependency is healthy, %s is %v with %s, the row %s", name(i), s, describe(m.members[i].Row()), describe(m.row))
		}
	}
}

// arrive lets everything arrive that is on its way.
func (m *model) arrive() {
	for range 100 {
		idle := true
		for i := range size {
			if r := m.request[i]; r != nil {
				idle = false
				if m.answer[i] == nil {
					m.deliver(i, *r, true)
				}
				m.hear(i)
			}
		}
		if idle {
			return
		}
	}
	m.fail("the members do not come to rest")
}
