package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/internal/protocol"
)

// A Violation is a promise that was not kept.
type Violation struct {
	Promise string // "S1" and so on
	At      time.Duration
	Text    string
}

// A checker looks at all that happens in a world, and compares it with the promises of
// the contract. It knows better than any instance: it sees the storage and the others.
type checker struct {
	*World
	violations []Violation
	history    []string // what has happened lately
	verbose    bool

	row       fleet.Row                        // after the last change
	deadline  time.Time                        // of row, by the storage's clock
	full      map[fleet.Identity]time.Duration // how long the OPEN of an epoch was to last
	left      map[string]time.Duration         // how long a lease was to last
	made      map[uint64]bool                  // incarnations that there have been
	since     time.Duration
	ends      map[string]time.Duration // when the lease of a probe ends
	returned  map[string]bool          // leases that were given back
	completed map[string]time.Duration // when the call of a probe ended
	backoffs  map[time.Duration][]string
	mostProbe int
	decided   map[fleet.Identity]decision // on each wish to change the row
	calm      bool                        // nothing ever fails and nobody commands (L6)
}

// A decision is what an instance had seen last when it wished to change the row.
type decision struct {
	view *fleet.View
	at   time.Duration
}

// watched is what the checker knows of an instance.
type watched struct {
	row           fleet.Row // as last learnt
	known         bool
	until         time.Duration // of an OPEN, from the receipt
	asked, sentAt time.Duration // of the last request; of the one that row answered
	losses        int
	waiting       uint64 // the request that waits for an answer
	view          *fleet.View
	trips         int
	reported      []uint64 // suspicions
	ended         uint64   // the last of them that is over
	about         fleet.Accusation
	said          int // calls in the last testimony
	done          int // calls completed since that was sent
	window        []bool
	episode       uint64                          // of the own circuit, which window is about
	local         map[circuit.Probe]time.Duration // when the leases of its own probes end
	localEpoch    uint64
	leased        uint64 // the last lease that it used
	failed        int    // requests in a row
}

func newChecker(w *World) *checker {
	c := &checker{World: w, ends: map[string]time.Duration{}, completed: map[string]time.Duration{},
		returned: map[string]bool{},
		full:     map[fleet.Identity]time.Duration{}, left: map[string]time.Duration{}, made: map[uint64]bool{},
		decided: map[fleet.Identity]decision{}, backoffs: map[time.Duration][]string{}}
	for i := range w.Instances {
		s := w.Circuit
		if w.Each != nil {
			s = w.Each(i)
		}
		c.mostProbe = max(c.mostProbe, s.Probes)
	}
	if w.Plan != nil {
		for _, change := range w.Plan.Changes {
			c.mostProbe = max(c.mostProbe, change.Circuit.Probes)
		}
	}
	return c
}

// note keeps a line of history.
func (w *World) note(format string, args ...any) {
	c := w.check
	if c == nil {
		return
	}
	if len(c.history) >= 200 && !c.verbose {
		c.history = slices.Delete(c.history, 0, 100)
	}
	c.history = append(c.history, fmt.Sprintf("%12.6f ", w.now.Seconds())+fmt.Sprintf(format, args...))
}

// broken notes a violation: of each promise the first.
func (c *checker) broken(promise, format string, args ...any) {
	if slices.ContainsFunc(c.violations, func(v Violation) bool { return v.Promise == promise }) {
		return
	}
	text := fmt.Sprintf(format, args...)
	c.note("VIOLATION of %s: %s", promise, text)
	recent := c.history[max(0, len(c.history)-30):]
	for _, line := range recent {
		text += "\n\t" + line
	}
	c.violations = append(c.violations, Violation{promise, c.now, text})
}

// configured says that an instance has got other settings. Its window and the leases of its
// own probes are to be as if it had had them.
func (c *checker) configured(in *instance) {
	s := &in.seen
	if extra := len(s.window) - in.settings.Window; extra > 0 {
		s.window = slices.Delete(s.window, 0, extra)
	}
	for probe, ends := range s.local {
		s.local[probe] = min(ends, c.now+in.settings.Lease)
	}
}

// lost says that the storage has lost something, or its clock has jumped.
func (c *checker) lost() {
	c.row = c.World.row()
	c.deadline = c.storageTime().Add(c.row.Remaining)
	c.since = c.now
}

// admission checks a call that was let through, or not.
func (c *checker) admission(in *instance, before circuit.State, t protocol.Ticket, ok bool) {
	s := &in.seen
	held := s.known && (s.row.Hold == fleet.Isolated)
	switch {
	case ok && held:
		c.broken("S8", "%s lets a call through that a person has isolated", in.name)
	case ok && s.known && s.row.State == circuit.Open && c.now < s.sentAt+s.row.Remaining:
		c.broken("S4", "%s lets a call through %v before the deadline", in.name, s.until-c.now)
	case ok && s.known && s.row.State == circuit.Open && c.now < s.until:
		c.broken("S10", "%s counts its OPEN from another instant than the receipt, %v too short", in.name, s.until-c.now)
	case !ok && s.known && s.row.Hold == fleet.Disabled:
		c.broken("S8", "%s refuses a call though a person has disabled the circuit", in.name)
	case !ok && before == circuit.Closed:
		c.broken("S9", "%s is closed and refuses a call; its requests fail: %d in a row", in.name, s.failed)
	}
	if !ok && c.calm {
		c.broken("L6", "%s refuses a call, though nothing has failed", in.name)
	}
	if !ok {
		return
	}
	now := c.World.row()
	same := s.known && now.Identity == s.row.Identity && s.losses == c.trouble.losses
	if same && now.State == circuit.Open && now.Remaining > 0 && c.trouble.clock == 0 {
		c.broken("S2", "%s lets a call through %v before the deadline that is stored", in.name, now.Remaining)
	}
	switch {
	case t.Lease != 0:
		name := leaseName(fleet.Probe{Holder: in.name, Number: t.Lease})
		ends, leased := c.ends[name]
		if !leased || s.losses == c.trouble.losses && c.now >= ends {
			c.broken("S5", "%s makes probe %d without a lease that runs", in.name, t.Lease)
		}
		if c.returned[name] {
			c.broken("S5", "%s makes probe %d, whose lease it has given back", in.name, t.Lease)
		}
		if s.leased == t.Lease {
			c.broken("S5", "%s makes probe %d again", in.name, t.Lease)
		}
		s.leased = t.Lease
	case t.Probe != 0:
		if s.local == nil || t.Epoch != s.localEpoch {
			s.local, s.localEpoch = map[circuit.Probe]time.Duration{}, t.Epoch
		}
		maps.DeleteFunc(s.local, func(_ circuit.Probe, ends time.Duration) bool { return c.now >= ends })
		s.local[t.Probe] = c.now + in.settings.Lease
		if len(s.local) > in.settings.Probes {
			c.broken("S5", "%s makes %d probes of its own at once", in.name, len(s.local))
		}
	}
}

// completion checks what the outcome of a call has led to.
func (c *checker) completion(in *instance, before circuit.State, epoch uint64, t protocol.Ticket, o circuit.Outcome) {
	s := &in.seen
	if o == circuit.Ignored {
		delete(s.local, t.Probe)
		s.leased = 0 // it may be used for another call
		return
	}
	failed := o == circuit.Failure
	s.done++
	if t.Lease != 0 {
		c.completed[leaseName(fleet.Probe{Holder: in.name, Number: t.Lease})] = c.now
		return
	}
	if t.Probe != 0 {
		delete(s.local, t.Probe)
		return
	}
	// A window of its own, of which only calls of the present episode are part (S3).
	if before == circuit.Closed && t.Epoch == epoch {
		if t.Epoch != s.episode {
			s.episode, s.window = t.Epoch, s.window[:0]
		}
		s.window = append(s.window, failed)
		if extra := len(s.window) - in.settings.Window; extra > 0 {
			s.window = slices.Delete(s.window, 0, extra)
		}
	}
	if before == circuit.Closed && in.Local().State() != circuit.Closed {
		failures := 0
		for _, f := range s.window {
			if f {
				failures++
			}
		}
		if t.Epoch != s.episode || len(s.window) < in.settings.Window || failures < in.settings.Failures {
			c.broken("S3", "%s trips with %d failures in %d calls of its episode", in.name, failures, len(s.window))
		}
		s.trips++
		c.note("%s trips", in.name)
	}
}

// sending checks a message as it leaves.
func (c *checker) sending(in *instance, m protocol.Message) {
	s := &in.seen
	s.waiting, s.asked = m.Number, c.now
	if m.Change {
		// The request may come late; what has been seen by then does not count.
		c.decided[m.To] = decision{s.view, c.now}
		c.note("%s wants %s for %s", in.name, describe(m.Row), describeID(m.From))
		return
	}
	r := m.Report
	// One trip, one suspicion, which never starts again.
	if r.Suspicion != 0 && !slices.Contains(s.reported, r.Suspicion) {
		s.reported = append(s.reported, r.Suspicion)
		c.note("%s is a suspect (%d), about %s", in.name, r.Suspicion, describeID(r.About))
		if len(s.reported) > s.trips {
			c.broken("S7", "%s raises suspicion %d, but has tripped only %d times", in.name, len(s.reported), s.trips)
		}
	}
	if n := len(s.reported); n > 0 && r.Suspicion == 0 {
		s.ended = s.reported[n-1]
	} else if r.Suspicion != 0 && r.Suspicion == s.ended {
		c.broken("S7", "%s raises suspicion %d again, which was over", in.name, r.Suspicion)
	}
	// All calls that complete from then on are evidence, whenever they were admitted.
	t := r.Testimony
	if t.About != (fleet.Accusation{}) {
		if t.About == s.about && t.Calls >= s.said {
			if t.Calls-s.said != s.done {
				c.broken("S7", "%s has completed %d calls since its last testimony, and counts %d", in.name, s.done, t.Calls-s.said)
			}
		}
		if t.About.Suspect == in.name {
			c.broken("S7", "%s testifies about itself", in.name)
		}
		if t.About != s.about {
			c.note("%s is witness about %v", in.name, t.About)
		}
	}
	s.about, s.said, s.done = t.About, t.Calls, 0
}

// failing looks at how long an instance waits after a request that failed.
func (c *checker) failing(in *instance, m protocol.Message) {
	s := &in.seen
	if s.waiting != m.Number {
		return
	}
	s.waiting = 0
	s.failed++
	d := in.Wake().Sub(c.at(in))
	if d <= 0 {
		return
	}
	if d > 5*time.Second {
		c.broken("L1", "%s waits %v to reconnect", in.name, d)
	}
	if d%time.Millisecond == 0 {
		if names := c.backoffs[d]; !slices.Contains(names, in.name) {
			c.backoffs[d] = append(names, in.name)
		}
		if len(c.backoffs[d]) >= 2 {
			c.broken("L5", "%v reconnect at the same distance %v", c.backoffs[d], d)
		}
	}
}

// hearing checks what an instance has made of an answer.
func (c *checker) hearing(in *instance, m protocol.Message, row fleet.Row, view *fleet.View) {
	s := &in.seen
	if s.waiting != m.Number {
		// Too late: another has been answered since, or is asked.
		if s.known && in.Row().Identity != s.row.Identity {
			c.broken("S3", "%s has taken %s from an old answer, in place of %s", in.name, describe(in.Row()), describe(s.row))
		}
		return
	}
	s.waiting, s.failed = 0, 0
	if view != nil {
		s.view = view
	}
	if row.Identity == (fleet.Identity{}) {
		if in.Row().Identity != s.row.Identity {
			c.broken("S11", "%s has taken %s where there is no row", in.name, describe(in.Row()))
		}
		return // the next exchange makes one
	}
	if got := in.Row().Identity; got != row.Identity {
		promise := "L1"
		if s.known && (row.Incarnation != s.row.Incarnation || row.Epoch < s.row.Epoch) {
			promise = "S11"
		}
		c.broken(promise, "%s keeps %s though the storage has %s", in.name, describe(s.row), describe(row))
	}
	if s.known && s.row.Identity == row.Identity {
		return
	}
	s.row, s.known, s.losses = row, true, c.trouble.losses
	s.until = c.now + row.Remaining
	s.sentAt = s.asked
	c.note("%s learns %s", in.name, describe(row))
}

// exchanged checks what the storage has answered.
func (c *checker) exchanged(in *instance, m protocol.Message, view fleet.View, views map[string]fleet.View) {
	c.reads(view.Row)
	if deadline := c.storageTime().Add(view.Row.Remaining); view.Row.State == circuit.Open && view.Row.Hold != fleet.Isolated &&
		!deadline.Equal(c.deadline) {
		if c.trouble.clock == 0 {
			c.broken("S2", "the deadline of %s has moved by %v", describe(view.Row), deadline.Sub(c.deadline))
		}
	}
	for _, r := range view.Reports {
		if r.Instance == in.name && r.Number < m.Report.Number {
			c.broken("S3", "a report of %s was not stored: %d, there is %d", in.name, m.Report.Number, r.Number)
		}
	}
	if other, ok := views[bystander]; ok {
		if other.Row.Incarnation == 0 || other.Row.Epoch != 0 || other.Row.State != circuit.Closed {
			c.broken("S12", "the row next to it has become %s", describe(other.Row))
		}
		for _, r := range other.Reports {
			if r.Suspicion != 0 || r.Testimony.Calls != 0 {
				c.broken("S12", "the reports next to it are %+v", r)
			}
		}
	}
}

// reads checks the row in a view. If there was none, it has been made just now.
func (c *checker) reads(row fleet.Row) {
	switch {
	case row.Incarnation == 0:
		c.broken("S11", "the storage shows no row")
	case c.row.Identity != (fleet.Identity{}):
		if row.Identity != c.row.Identity {
			c.broken("S1", "the row is %s without a change from %s", describeID(row.Identity), describeID(c.row.Identity))
		}
	case c.made[row.Incarnation]:
		c.broken("S11", "a row that is made is %s, as another was before", describe(row))
	case row.Epoch != 0 || row.State != circuit.Closed || row.Hold != fleet.NoHold:
		c.broken("S11", "a row that is made is %s", describe(row))
	default:
		c.took(row)
	}
	c.made[row.Incarnation] = true
	c.bounds(row)
}

// bounds checks that there is no more time left than there was at first.
func (c *checker) bounds(row fleet.Row) {
	if full, ok := c.full[row.Identity]; ok && row.Remaining > full {
		c.broken("S10", "%v are left of the %v of %s", row.Remaining, full, describe(row))
	}
	for _, p := range row.Probes {
		if full, ok := c.left[leaseName(p)]; ok && p.Remaining > full {
			c.broken("S10", "%v are left of the lease of %v in %s", p.Remaining, full, describe(row))
		}
	}
}

// commanded checks a person's change.
func (c *checker) commanded(before, after fleet.Row) {
	c.note("a person makes %s of %s", describe(after), describe(before))
	c.took(after)
}

func (c *checker) took(row fleet.Row) {
	if row.Epoch != c.row.Epoch || row.Incarnation != c.row.Incarnation {
		c.since = c.now
		c.full[row.Identity] = row.Remaining
	}
	for _, p := range row.Probes {
		if name := leaseName(p); p.Result == fleet.Pending && c.left[name] == 0 {
			c.left[name] = p.Remaining
		}
	}
	c.row, c.deadline = row, c.storageTime().Add(row.Remaining)
}

// change checks an automatic change of the row.
func (c *checker) change(in *instance, m protocol.Message, before, after fleet.Row) {
	c.note("%s makes %s of %s", in.name, describe(after), describe(before))
	old := c.row
	c.took(after)
	switch {
	case before.Identity == fleet.Identity{}:
		c.broken("S11", "%s makes %s where there is no row", in.name, describe(after))
	case before.Identity != old.Identity:
		c.broken("S1", "the row is %s without a change from %s", describe(before), describe(old))
	case m.From != before.Identity:
		c.broken("S1", "%s changes %s to %s, having decided on %s", in.name, describe(before), describe(after), describeID(m.From))
	case after.Nonce == before.Nonce || after.Nonce == 0:
		c.broken("S1", "%s changes %s and keeps its nonce", in.name, describe(before))
	case after.Epoch < before.Epoch || after.Epoch > before.Epoch+1:
		c.broken("S3", "%s changes %s to %s", in.name, describe(before), describe(after))
	}
	if after.Epoch < before.Epoch {
		c.broken("S3", "%s has erased %s with %s", in.name, describe(before), describe(after))
	}
	if before.Epoch == after.Epoch && (before.State != after.State || before.Hold != after.Hold) {
		c.broken("S2", "%s changes %s to %s in one epoch", in.name, describe(before), describe(after))
	}
	// A doubled change that a failover has lost may come again, and is the same OPEN, later.
	// Who had learnt it before waits for as long as it was told then.
	if before.State == circuit.Open && after.State != circuit.Closed && before.Remaining > 0 && c.trouble.clock == 0 && before.Hold == fleet.NoHold &&
		in.seen.losses == c.trouble.losses {
		c.broken("S2", "%s ends an OPEN %v early", in.name, before.Remaining)
	}
	if before.Hold != fleet.NoHold && (before.Hold != fleet.HeldOpen || before.Remaining > 0 && c.trouble.clock == 0) {
		c.broken("S8", "%s changes %s, which a person holds", in.name, describe(before))
	}
	if c.calm && after.State == circuit.Open {
		c.broken("L6", "%s opens the fleet, though nothing has failed", in.name)
	}
	if c.trouble.deleted > 0 && c.decided[m.To].at <= c.trouble.deleted {
		c.broken("S11", "%s changes %s to %s, having decided before the row was deleted", in.name, describe(before), describe(after))
	}
	c.probes(in, before, after)
	if before.State == circuit.Closed && after.State == circuit.Open {
		c.evidence(in, c.decided[m.To])
	}
	if before.State == circuit.HalfOpen && after.State == circuit.Open {
		c.reopening(in, before, c.decided[m.To])
	}
}

// probes checks the leases in a changed row.
func (c *checker) probes(in *instance, before, after fleet.Row) {
	unexpired, holders := 0, map[string]int{}
	for _, p := range after.Probes {
		name := leaseName(p)
		if p.Result == fleet.Pending {
			if _, ok := c.ends[name]; !ok {
				c.ends[name] = c.now + p.Remaining
			}
			if p.Remaining > 0 {
				unexpired++
				holders[p.Holder]++
			}
		}
	}
	if unexpired > c.mostProbe {
		c.broken("S5", "%d probes have leases, of %d", unexpired, c.mostProbe)
	}
	for holder, n := range holders {
		if n > 1 {
			c.broken("S5", "%s has %d leases", holder, n)
		}
	}
	if before.Epoch != after.Epoch {
		return
	}
	for _, p := range before.Probes {
		i := slices.IndexFunc(after.Probes, func(q fleet.Probe) bool { return q.Holder == p.Holder && q.Number == p.Number })
		if p.Result == fleet.Pending && i < 0 && p.Holder == in.name && p.Remaining > 0 {
			c.returned[leaseName(p)] = true
		}
		if p.Result != fleet.Pending || i < 0 || after.Probes[i].Result == fleet.Pending {
			continue
		}
		name := leaseName(p)
		at, ok := c.completed[name]
		if !ok {
			c.broken("S6", "%s enters a result of probe %s, which has none", in.name, name)
		} else if at >= c.ends[name] && c.trouble.clock == 0 {
			c.broken("S6", "%s enters the result of probe %s, which came %v after its lease", in.name, name, at-c.ends[name])
		}
	}
}

func describeID(id fleet.Identity) string {
	return fmt.Sprintf("%d.%d.%04x", id.Incarnation, id.Epoch, id.Nonce&0xffff)
}

func describe(r fleet.Row) string {
	text := fmt.Sprintf("[%s %v", describeID(r.Identity), r.State)
	if r.Hold != fleet.NoHold {
		text += fmt.Sprintf(" hold %d", r.Hold)
	}
	if r.Remaining != 0 {
		text += fmt.Sprintf(" for %.3fs", r.Remaining.Seconds())
	}
	for _, p := range r.Probes {
		text += fmt.Sprintf(" %s/%d:%d(%.2fs)", p.Holder, p.Number, p.Result, p.Remaining.Seconds())
	}
	return text + "]"
}
