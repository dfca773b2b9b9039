package sim

import (
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/protocol"
)

// Two states of the model are one to the search if they have the same key. The key
// leaves out, or makes relative, what cannot make a difference any more:
//
//   - Instances. They have the same settings, and no code looks at a name but for
//     equality. So states that differ by who is who do the same things under other names.
//     Of the keys under all names the least is taken.
//   - Epochs are compared, and one more is made of the present one. Only their distances
//     to that of the row count.
//   - Nonces are compared for equality, and new ones equal none. They are numbered in the
//     order of their appearance in the key.
//   - Numbers of trips and probes are compared for equality with others of the same
//     instance, and a new one is higher than all. Which is its present one counts, and
//     which of the older ones are the same.
//   - Numbers of requests and reports tell old from new. In the model a member's request
//     reaches the storage before there is another, or never, and of an answer it counts
//     only whether it is to the present request. Changes have no such number.
//   - Epochs of a member's own circuit are compared with that of a call. It counts whether
//     that is the present one.
//   - Instants. All are whole seconds but when an exchange is due; that is looked at every
//     second only, so it counts as the next whole one. An instant until which something
//     holds counts as now when it is past. One since when something lasts counts as the
//     oldest that is compared with, when it is older.
//   - What is written and never read (reasons, by whom, notes, since when), or not before it is
//     written again: the window of a circuit that is not closed, which begins empty; the
//     last outcome in a window of one, which the next replaces; what a member keeps of the
//     row but its identity and state, which is read while it learns the row only; the
//     times and the result of a probe where there is none; what testimonies are bounded by
//     when there is none; numbers of calls beyond those that are told at once.
//   - Until when a failure has asked not to be called: none in the model does.
//   - When a member was born and how many it has heard of: all are old, and none falls
//     silent to the storage of the model.
//   - What is said about an epoch that is over: nobody considers it but for whether there
//     is such a suspicion at all. A change that was decided on another version of the row
//     than the present one: it will be refused, as no nonce comes back, and what it would
//     have done does not count.

// A keyer makes keys.
type keyer struct {
	order  [size]int // the instances in the order of the key
	place  [size]int // of an instance in it
	nonces []uint64
	sum    uint64
	trips  [size]uint64
	probes [size]uint64
	m      *model
}

// plain adds a number that counts as it is. A sum of 64 bits, the least of up to six, has
// a chance of less than one in a hundred thousand to be the same for any two of two million
// states.
func (k *keyer) plain(v uint64) {
	hi, lo := bits.Mul64(k.sum^v^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93+k.sum<<1)
	k.sum = hi ^ lo ^ bits.RotateLeft64(k.sum, 23)
}

func (k *keyer) flag(b bool) {
	if b {
		k.plain(1)
	} else {
		k.plain(2)
	}
}

func (k *keyer) name(s string) {
	if s == "" {
		k.plain(0)
	} else {
		k.plain(uint64(k.place[number(s)]) + 1)
	}
}

func (k *keyer) nonce(n uint64) {
	if n == 0 {
		k.plain(0)
		return
	}
	i := slices.Index(k.nonces, n)
	if i < 0 {
		i = len(k.nonces)
		k.nonces = append(k.nonces, n)
	}
	k.plain(uint64(i) + 1)
}

// number adds the number of a trip or probe of an instance, whose present one is given.
func (k *keyer) number(of string, n, present uint64) {
	if n == present {
		k.plain(0)
		return
	}
	k.nonce(n<<8 | uint64(of[0]) | 1<<63)
}

func (k *keyer) episode(id fleet.Identity) {
	if id.Incarnation == 0 {
		k.plain(0)
	} else {
		k.plain(k.m.made - id.Incarnation + 1)
	}
	if id.Incarnation == k.m.row.Incarnation {
		k.plain(k.m.row.Epoch - id.Epoch)
	} else {
		k.plain(id.Epoch)
	}
}

func (k *keyer) identity(id fleet.Identity) {
	k.episode(id)
	k.nonce(id.Nonce)
}

// until adds an instant until which something holds.
func (k *keyer) until(t time.Time) {
	k.left(t.Sub(k.m.now))
}

func (k *keyer) left(d time.Duration) {
	k.plain(uint64((max(d, 0) + time.Second - 1) / time.Second))
}

// since adds an instant since when something lasts that is compared with most.
func (k *keyer) since(t time.Time, most time.Duration) {
	k.plain(uint64(min(k.m.now.Sub(t), most)))
}

func (k *keyer) accusation(a fleet.Accusation) {
	k.name(a.Suspect)
	if a.Suspect != "" {
		k.number(a.Suspect, a.Number, k.trips[number(a.Suspect)])
	}
}

func (k *keyer) testimony(t fleet.Testimony) {
	k.accusation(t.About)
	k.plain(math.Float64bits(t.Sum))
}

func (k *keyer) probe(p *fleet.Probe) {
	k.name(p.Holder)
	k.plain(uint64(p.Result))
	if p.Result == fleet.Pending && p.Holder != "" {
		k.number(p.Holder, p.Number, k.probes[number(p.Holder)])
	}
}

func (k *keyer) report(r *fleet.Report) {
	k.flag(r != nil)
	if r == nil {
		return
	}
	k.episode(r.About)
	k.flag(r.Suspicion != 0)
	if r.Suspicion != 0 {
		k.number(r.Instance, r.Suspicion, k.trips[number(r.Instance)])
	}
	if !sameEpisode(r.About, k.m.row.Identity) {
		return
	}
	k.flag(r.Active)
	k.flag(r.Refuses)
	k.testimony(r.Testimony)
	k.plain(uint64(len(r.Dismissed)))
	for _, a := range r.Dismissed {
		k.accusation(a)
	}
}

// know reads the members that have not been read.
func (m *model) know() {
	for i := range size {
		if m.facts[i] == nil {
			m.facts[i] = read(m.members[i])
		}
	}
}

// sum is the least key under all names.
func (m *model) sum() uint64 {
	k := keyer{m: m}
	var looks [size]uint64
	m.know()
	for i, f := range m.facts {
		k.trips[i], k.probes[i] = f.trip, f.probe
	}
	// Instances that differ without a look at the others' names have their places.
	for i := range size {
		look := k
		look.sum, look.place = 0, [size]int{1, 1, 1}
		look.place[i] = 0
		look.instance(i)
		looks[i] = look.sum
	}
	least := uint64(math.MaxUint64)
	for _, order := range orders {
		if looks[order[0]] > looks[order[1]] || looks[order[1]] > looks[order[2]] {
			continue
		}
		k := k
		k.order = order
		for place, i := range order {
			k.place[i] = place
		}
		k.nonces = make([]uint64, 0, 12)
		k.model()
		least = min(least, k.sum)
	}
	return least
}

var orders = [][size]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}

func (k *keyer) model() {
	m := k.m
	k.identity(m.row.Identity)
	k.plain(uint64(m.row.State))
	k.plain(uint64(min(m.row.Lost, terms.Probes)))
	if m.row.State == circuit.Open {
		k.until(m.deadline)
	}
	k.plain(uint64(len(m.row.Probes)))
	for i := range m.row.Probes {
		k.probe(&m.row.Probes[i])
		if m.row.Probes[i].Result == fleet.Pending {
			k.until(m.leases[i])
		}
	}
	for _, i := range k.order {
		k.instance(i)
	}
	// Which suspicion came first, and by how much more than counts as together.
	for a, i := range k.order {
		for _, j := range k.order[:a] {
			if m.suspects(i) && m.suspects(j) {
				k.flag(m.reports[i].Order < m.reports[j].Order)
				k.plain(uint64(max(min(m.since[i].Sub(m.since[j]), 2*time.Second), -2*time.Second)))
			}
		}
	}
	for _, n := range []int{m.opened, m.turns, m.losses, m.strays, m.cuts, m.deletions, m.slow} {
		k.plain(uint64(n))
	}
	if m.cut < 0 {
		k.plain(0)
	} else {
		k.plain(uint64(k.place[m.cut]) + 1)
	}
	k.flag(m.strayCounts())
	if m.strayCounts() {
		k.plain(uint64(k.place[m.strayOf]))
		k.change(m.stray)
	}
	k.answer(m.echo)
	if m.echo != nil {
		k.plain(uint64(k.place[m.echoOf]))
		k.flag(m.request[m.echoOf] == nil || m.request[m.echoOf].Number != m.echo.number)
	}
	k.flag(m.calling != nil)
	if t := m.calling; t != nil {
		local := m.members[m.caller].Local()
		k.plain(uint64(k.place[m.caller]))
		k.flag(t.Epoch == local.Epoch())
		k.flag(t.Probe != 0)
		k.flag(slices.ContainsFunc(m.facts[m.caller].inFlight, func(l inFlight) bool { return l.probe == uint64(t.Probe) }))
		k.flag(t.Lease != 0)
		if t.Lease != 0 {
			k.number(name(m.caller), t.Lease, k.probes[m.caller])
		}
	}
}

// suspects says whether the suspicion of i counts.
func (m *model) suspects(i int) bool {
	r := m.reports[i]
	return r != nil && r.Suspicion != 0 && sameEpisode(r.About, m.row.Identity)
}

func (k *keyer) change(r *protocol.Message) {
	k.flag(r.From == k.m.row.Identity)
	if r.From != k.m.row.Identity {
		return
	}
	k.nonce(r.To.Nonce)
	k.row(&r.Row)
	k.plain(uint64(min(r.Row.Lost, terms.Probes)))
}

func (k *keyer) row(r *fleet.Row) {
	k.plain(uint64(r.State))
	k.plain(uint64(len(r.Probes)))
	for i := range r.Probes {
		k.probe(&r.Probes[i])
	}
}

func (k *keyer) answer(a *answer) {
	k.flag(a != nil)
	if a == nil {
		return
	}
	k.identity(a.row.Identity)
	k.plain(uint64(a.row.State))
	if a.row.State == circuit.Open {
		k.left(a.row.Remaining)
	}
	for i := range a.row.Probes {
		if p := &a.row.Probes[i]; p.Result == fleet.Pending {
			k.probe(p)
			k.left(p.Remaining)
		}
	}
}

func (k *keyer) instance(i int) {
	m := k.m
	f := m.facts[i]
	waiting := m.request[i] != nil && m.request[i].Change
	if m.request[i] == nil {
		k.plain(0)
	} else if waiting {
		k.plain(1)
		k.change(m.request[i])
	} else {
		k.plain(2)
		k.report(&m.request[i].Report)
	}
	k.answer(m.answer[i])
	k.report(m.reports[i])
	if m.suspects(i) {
		k.since(m.since[i], rollCalled)
	}
	k.until(m.until[i])
	f.add(k, m.request[i] != nil, waiting, m.late[i], m.used[i] == f.probe && f.probe != 0)
}

// facts are what counts of a member, but for the instant at which it is looked at.
type facts struct {
	row       fleet.Row
	known     bool
	until     time.Time
	local     *circuit.Machine
	inFlight  []inFlight
	results   int // of these probes
	failures  int
	lost      int64
	trip      uint64
	suspects  bool
	tripped   time.Time
	witness   fleet.Testimony
	heard     time.Time
	active    int64
	lowest    float64
	highest   float64
	dismissed []fleet.Accusation
	probe     uint64
	probing   uint64 // its state; zero without a probe
	asked     time.Time
	expires   time.Time
	result    uint64
	rests     time.Time
	leases    []leased
	called    bool
	up        bool
	due       time.Time
	sentAt    time.Time
	nonce     uint64
	unmade    bool
	retries   int64
}

// inFlight is a probe of a member's own circuit.
type inFlight struct {
	probe   uint64
	expires time.Time
}

type leased struct {
	holder string
	number uint64
	ends   time.Time
}

// As in the package protocol, which a test looks at.
const (
	together   = time.Second
	rollCalled = 3 * time.Second
	suspected  = 3 // cooldowns
	eager      = 4
)

// fields are the parts of a member by name. Whoever adds one decides here whether it
// counts: the search refuses to run with one that it does not know.
var fields = func() map[string]int {
	if terms.Window != 1 {
		panic("in a window of more than one the last outcomes count")
	}
	all := map[string]int{}
	know := func(t reflect.Type, names ...string) {
		if t.NumField() != len(names) {
			panic(fmt.Sprintf("the search knows other fields of %v", t))
		}
		for _, name := range names {
			f, ok := t.FieldByName(name)
			if !ok {
				panic(fmt.Sprintf("the search knows no field of %v that it calls %s", t, name))
			}
			all[t.Name()+"."+name] = f.Index[0]
		}
	}
	member := reflect.TypeFor[protocol.Member]()
	of := func(name string) reflect.Type { f, _ := member.FieldByName(name); return f.Type }
	know(member, "settings", "random", "limit", "born", "crowd", "crowdAt", "local", "row", "known", "asked", "until", "trip", "witness", "heard",
		"bounds", "dismissed", "probe", "wished", "rests", "leases", "lastCall", "marked", "link")
	know(of("trip"), "number", "open", "at")
	know(of("bounds"), "sum", "against", "active", "lowest", "highest")
	know(of("probe"), "number", "state", "asked", "expires", "result")
	know(of("leases").Key(), "holder", "number")
	know(of("link"), "up", "due", "reported", "failures", "active", "sent", "sentAt", "waiting", "proposal", "nonce", "change", "unmade", "retries")
	know(reflect.TypeFor[circuit.Machine](), "settings", "state", "hold", "reason", "epoch", "since", "until", "asked", "window", "probes", "granted")
	probes, _ := reflect.TypeFor[circuit.Machine]().FieldByName("probes")
	know(probes.Type, "results", "inFlight", "lost")
	flights, _ := probes.Type.FieldByName("inFlight")
	know(flights.Type.Elem(), "probe", "expires")
	know(reflect.TypeFor[fleet.Report](), "Instance", "Number", "About", "Active", "Refuses", "Suspicion", "Testimony", "Dismissed",
		"Failures", "Outcomes", "Settings", "Order", "Age")
	know(reflect.TypeFor[fleet.Row](), "Identity", "State", "Hold", "Reason", "By", "Note", "Remaining", "Probes", "Lost")
	know(reflect.TypeFor[fleet.Probe](), "Holder", "Number", "Result", "Remaining")
	know(reflect.TypeFor[fleet.Testimony](), "About", "Sum", "Calls")
	know(reflect.TypeFor[time.Time](), "wall", "ext", "loc")
	return all
}()

func part(v reflect.Value, name string) reflect.Value {
	return v.Field(fields[name])
}

// pointer is to a field that is not exported.
func pointer[T any](v reflect.Value) *T { return (*T)(v.Addr().UnsafePointer()) }

func read(m *protocol.Member) *facts {
	v := reflect.ValueOf(m).Elem()
	instant := func(v reflect.Value) time.Time { return *pointer[time.Time](v) }
	trip, bounds, probe, link := part(v, "Member.trip"), part(v, "Member.bounds"), part(v, "Member.probe"), part(v, "Member.link")
	f := &facts{
		row:       *pointer[fleet.Row](part(v, "Member.row")),
		known:     part(v, "Member.known").Bool(),
		until:     instant(part(v, "Member.until")),
		local:     m.Local(),
		trip:      part(trip, "trip.number").Uint(),
		suspects:  part(trip, "trip.open").Bool(),
		tripped:   instant(part(trip, "trip.at")),
		witness:   *pointer[fleet.Testimony](part(v, "Member.witness")),
		heard:     instant(part(v, "Member.heard")),
		active:    part(bounds, "count.active").Int(),
		lowest:    part(bounds, "count.lowest").Float(),
		highest:   part(bounds, "count.highest").Float(),
		dismissed: *pointer[[]fleet.Accusation](part(v, "Member.dismissed")),
		probe:     part(probe, "probe.number").Uint(),
		probing:   part(probe, "probe.state").Uint(),
		asked:     instant(part(probe, "probe.asked")),
		expires:   instant(part(probe, "probe.expires")),
		result:    part(probe, "probe.result").Uint(),
		rests:     instant(part(v, "Member.rests")),
		called:    !instant(part(v, "Member.lastCall")).IsZero(),
		up:        part(link, "link.up").Bool(),
		due:       instant(part(link, "link.due")),
		sentAt:    instant(part(link, "link.sentAt")),
		nonce:     part(link, "link.nonce").Uint(),
		unmade:    part(link, "link.unmade").Bool(),
		retries:   part(link, "link.retries").Int(),
	}
	if !part(link, "link.proposal").IsNil() {
		panic("a proposal was not sent")
	}
	probes := part(part(v, "Member.local"), "Machine.probes")
	if f.local.State() == circuit.HalfOpen {
		log := f.local.Log()
		f.results, f.failures = log.Len(), log.Failures()
	}
	f.lost = part(probes, "probes.lost").Int()
	for flights, i := part(probes, "probes.inFlight"), 0; i < flights.Len(); i++ {
		flight := flights.Index(i)
		f.inFlight = append(f.inFlight, inFlight{part(flight, "lease.probe").Uint(), instant(part(flight, "lease.expires"))})
	}
	if leases := part(v, "Member.leases"); leases.Len() > 0 {
		for all := leases.MapRange(); all.Next(); {
			key, ends := all.Key(), all.Value()
			f.leases = append(f.leases, leased{
				part(key, "lease.holder").String(), part(key, "lease.number").Uint(),
				epoch.Add(time.Duration(part(ends, "Time.ext").Int()-epochSeconds)*time.Second + time.Duration(part(ends, "Time.wall").Uint())),
			})
		}
		slices.SortFunc(f.leases, func(a, b leased) int {
			if a.holder != b.holder {
				return int(a.holder[0]) - int(b.holder[0])
			}
			return int(a.number) - int(b.number)
		})
	}
	return f
}

// epochSeconds is the epoch as a [time.Time] without a monotonic clock holds it.
var epochSeconds = part(reflect.ValueOf(epoch), "Time.ext").Int()

func (f *facts) add(k *keyer, asking, waiting, late, used bool) {
	k.identity(f.row.Identity)
	k.plain(uint64(f.row.State))
	k.flag(f.known)
	if f.row.State == circuit.Open {
		k.until(f.until)
	}
	k.plain(uint64(f.local.State()))
	if f.local.State() == circuit.Open {
		k.until(f.local.Until())
	}
	if f.local.State() == circuit.HalfOpen {
		k.plain(uint64(f.results)<<32 | uint64(f.failures))
		k.plain(uint64(min(f.lost, int64(terms.Probes))))
		for _, l := range f.inFlight {
			k.until(l.expires)
		}
	}
	k.flag(f.suspects)
	if f.suspects {
		k.since(f.tripped, suspected*terms.Cooldown)
	}
	k.testimony(f.witness)
	if f.witness.About != (fleet.Accusation{}) {
		k.plain(uint64(min(f.witness.Calls, eager)))
		k.since(f.heard, together+time.Second)
		k.plain(uint64(f.active))
		k.plain(math.Float64bits(f.lowest))
		k.plain(math.Float64bits(f.highest))
	}
	k.plain(uint64(len(f.dismissed)))
	for _, a := range f.dismissed {
		k.accusation(a)
	}
	k.plain(f.probing)
	if f.probing != 0 { // there is one
		k.since(f.asked, terms.Lease)
		k.until(f.expires)
		k.plain(f.result)
	}
	k.flag(late)
	k.flag(used)
	k.until(f.rests)
	k.plain(uint64(len(f.leases)))
	for _, l := range f.leases {
		k.name(l.holder)
		k.number(l.holder, l.number, k.probes[number(l.holder)])
		k.until(l.ends)
	}
	k.flag(f.called)
	k.flag(f.up)
	k.until(f.due)
	k.flag(f.unmade)
	k.plain(uint64(f.retries))
	if waiting {
		k.nonce(f.nonce)
	}
	if asking {
		k.since(f.sentAt, 2*terms.Lease)
	}
}
