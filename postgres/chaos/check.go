package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// checks are the promises that a record is compared with when a run is over. Those about
// how soon something happens are checked while it runs.
var checks = []struct {
	promise string
	says    string
	check   func(r *record) []violation
}{
	{"S1", "the history is one of epochs that follow each other", checkHistory},
	{"S2", "an OPEN has one deadline, and nobody an earlier one", checkDeadlines},
	{"S4", "who has adopted an OPEN makes no call before its end", checkBlocking},
	{"S5", "no more probes than there are leases", checkProbes},
	{"S7", "the fleet opens on evidence only", checkOpenings},
	{"S8", "automation leaves a person's hold alone", checkHolds},
	{"S9", "no call fails or waits because of the storage", checkCalls},
	{"S11", "what was deleted or lost comes back as another", checkIncarnations},
	{"L1", "all hear of the storage again, and agree with it", nil},
	{"L3", "a healthy resource that is called is CLOSED", nil},
	{"L4", "a resource that fails for all is refused by all", nil},
	{"orders", "a person's order is answered", checkOrders},
	{"secrets", "nothing that is said holds the password", checkSecrets},
}

// grace is how far apart two instants of two processes may be noted though they are in
// order.
const grace = 150 * time.Millisecond

// check compares the record with every promise.
func (r *record) check() []violation {
	slices.SortStableFunc(r.events, func(a, b event) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(r.arrivals, func(a, b arrival) int { return a.admitted.Compare(b.admitted) })
	slices.SortStableFunc(r.transitions, func(a, b transition) int { return cmp.Compare(a.id, b.id) })
	all := slices.Clone(r.broken)
	for _, c := range checks {
		if c.check != nil {
			all = append(all, c.check(r)...)
		}
	}
	return all
}

// checkHistory (S1, S3): within an incarnation the epochs go up by one each, and each
// change begins where the one before has ended.
func checkHistory(r *record) (all []violation) {
	for _, key := range keys {
		history := r.about(key)
		for i := 1; i < len(history); i++ {
			was, is := history[i-1], history[i]
			if was.incarnation != is.incarnation {
				continue
			}
			r.compares("S1")
			epoch := was.epoch + 1
			if is.to == "" {
				epoch = was.epoch // a deletion says what there was
			}
			if is.epoch != epoch || is.from != was.to {
				all = append(all, violation{"S1", is.at, "", fmt.Sprintf("%v follows %v", is, was)})
			}
		}
	}
	return all
}

// checkIncarnations (S11): an incarnation ends with a deletion or a failover, never comes
// back, and the next one begins at the beginning or, after a failover, where the old is.
func checkIncarnations(r *record) (all []violation) {
	for _, key := range keys {
		gone := map[int64]bool{}
		history := r.about(key)
		var since time.Time // of the incarnation
		for i := 1; i < len(history); i++ {
			was, is := history[i-1], history[i]
			if since.IsZero() {
				since = was.at
			}
			if was.incarnation == is.incarnation {
				continue
			}
			// Another server's first look at a row makes it another, which may be long after
			// the failover.
			lost := r.within(promoted, "", since.Add(-grace), is.at.Add(grace))
			since = is.at
			gone[was.incarnation] = true
			r.compares("S11")
			fresh := is.epoch == 1 && (is.from == "" || is.from == "CLOSED")
			succeeds := is.epoch == was.epoch && is.from == was.to && is.to == was.to
			switch {
			case gone[is.incarnation]:
				all = append(all, violation{"S11", is.at, "", fmt.Sprintf("%v is of an incarnation that was gone", is)})
			case fresh && r.within(deleting, key, was.at.Add(-grace), is.at.Add(grace)):
			case succeeds && lost:
			default:
				all = append(all, violation{"S11", is.at, "", fmt.Sprintf("%v follows %v", is, was)})
			}
		}
	}
	return all
}

// ends is when an OPEN that is stored ends, unless something newer is decided.
func (t transition) ends() time.Time {
	if len(t.deadlines) == 0 {
		return t.at.Add(time.Hour) // when somebody says so
	}
	return t.deadlines[0]
}

// mayBeOld is how long ago the storage may have said what an instance takes over: a
// request has a second to be answered.
const mayBeOld = 1200 * time.Millisecond

// adopted finds the stored OPEN that an instance has taken over, and what came after it,
// unless it may have been one of several.
func (r *record) adopted(e event) (is, next *transition) {
	if e.Kind != changed || e.To != "OPEN" || e.Reason != "fleet decided" {
		return nil, nil
	}
	history := r.about(e.Key)
	for i := range history {
		t := &history[i]
		current := i+1 == len(history) || history[i+1].at.After(e.At.Add(-mayBeOld))
		if t.to != "OPEN" || !current || t.at.After(e.At.Add(grace)) {
			continue
		}
		if is != nil {
			return nil, nil
		}
		if is = t; i+1 < len(history) {
			next = &history[i+1]
		}
	}
	return is, next
}

// checkDeadlines (S2, S10).
func checkDeadlines(r *record) (all []violation) {
	for _, t := range r.transitions {
		if len(t.deadlines) > 1 {
			all = append(all, violation{"S2", t.at, "", fmt.Sprintf("%v has the deadlines %v", t, t.deadlines)})
		}
	}
	for _, e := range r.of(changed) {
		is, next := r.adopted(e)
		if is == nil || e.Until.IsZero() || next != nil && !next.at.After(e.At) {
			continue
		}
		ends := is.ends()
		if r.within(clockSet, "", is.at.Add(-grace), ends) || r.within(promoted, "", is.at.Add(-grace), ends) {
			continue
		}
		r.compares("S2")
		if early := ends.Sub(e.Until); early > 50*time.Millisecond {
			all = append(all, violation{"S2", e.At, e.Instance, fmt.Sprintf("its OPEN of %s ends %v before that of %v", e.Key, early, *is)})
		}
	}
	return all
}

// checkBlocking (S4).
func checkBlocking(r *record) (all []violation) {
	calls := r.byCaller()
	for _, e := range r.of(changed) {
		is, next := r.adopted(e)
		if is == nil {
			continue
		}
		ends := is.ends()
		if next != nil && next.at.Before(ends) {
			ends = next.at
		}
		if r.within(clockSet, "", is.at.Add(-grace), ends) || r.within(promoted, "", is.at.Add(-grace), ends) ||
			r.within(deleting, e.Key, is.at.Add(-grace), ends) {
			continue
		}
		r.compares("S4")
		for _, a := range between(calls[source{e.Instance, e.Key}], e.At.Add(grace), ends.Add(-grace)) {
			all = append(all, violation{"S4", a.admitted, e.Instance, fmt.Sprintf(
				"it calls %s %v after it has adopted %v, %v before that ends", e.Key, a.admitted.Sub(e.At), *is, ends.Sub(a.admitted))})
		}
	}
	return append(all, r.deaf(calls)...)
}

// toldWithin is how soon whoever is told of changes has taken one over, on a busy machine.
const toldWithin = time.Second

// deaf finds who could be told of a stored OPEN, and makes calls all the same. It may have
// been OPEN by itself before, so that taking it over was no change of state.
func (r *record) deaf(calls map[source][]arrival) (all []violation) {
	for _, key := range keys {
		history := r.about(key)
		for i, t := range history {
			if t.to != "OPEN" {
				continue
			}
			ends := t.ends()
			if i+1 < len(history) && history[i+1].at.Before(ends) {
				ends = history[i+1].at
			}
			from := t.at.Add(-10 * time.Second)
			if !ends.After(t.at.Add(toldWithin+grace)) || r.within(apart, "", from, ends) || r.within(paused, "", from, ends) ||
				r.within(clockSet, "", from, ends) || r.within(deleting, key, from, ends) {
				continue
			}
			r.compares("S4")
			for of, made := range calls {
				if of.key != key || slices.Contains(r.pooled, placeOf(of.instance)) || r.within(replaced, of.instance, t.at.Add(-time.Second), ends) {
					continue
				}
				for _, a := range between(made, t.at.Add(toldWithin), ends.Add(-grace)) {
					all = append(all, violation{"S4", a.admitted, of.instance, fmt.Sprintf(
						"it calls %s %v after %v, %v before that ends", key, a.admitted.Sub(t.at), t, ends.Sub(a.admitted))})
				}
			}
		}
	}
	return all
}

type source struct{ instance, key string }

func (r *record) byCaller() map[source][]arrival {
	all := map[source][]arrival{}
	for _, a := range r.arrivals {
		c := source{a.instance, a.key}
		all[c] = append(all[c], a)
	}
	return all
}

// between are the arrivals between two instants.
func between(all []arrival, from, to time.Time) []arrival {
	at := func(a arrival, t time.Time) int { return a.admitted.Compare(t) }
	first, _ := slices.BinarySearchFunc(all, from, at)
	last, _ := slices.BinarySearchFunc(all, to, at)
	if first >= last {
		return nil
	}
	return all[first:last]
}

// checkProbes (S5): while the fleet is half-open and can be asked, it makes the probes
// that it has leases for. While one instance alone has failed its place goes to another,
// once a cooldown. Where leases may have been lost, and are granted again, nothing is said.
func checkProbes(r *record) (all []violation) {
	for _, key := range keys {
		var calls []arrival
		for _, a := range r.arrivals {
			if a.key == key {
				calls = append(calls, a)
			}
		}
		history := r.about(key)
		for i, t := range history {
			if t.to != "HALF_OPEN" || i+1 == len(history) {
				continue
			}
			ends := history[i+1].at
			if r.within(apart, "", t.at.Add(-10*time.Second), ends) || r.within(paused, "", t.at.Add(-10*time.Second), ends) ||
				r.within(replaced, "", t.at.Add(-10*time.Second), ends) || r.within(deleting, key, t.at.Add(-grace), ends) {
				continue
			}
			r.compares("S5")
			most := probes + 1 + int(ends.Sub(t.at)/cooldown)
			if n := len(between(calls, t.at, ends)); n > most {
				all = append(all, violation{"S5", t.at, "", fmt.Sprintf("%d calls of %s, which is half-open for %v", n, key, ends.Sub(t.at))})
			}
		}
	}
	return all
}

// remembered is how long something that has failed is held against a resource: as long as
// a suspicion lasts, and until who has fallen silent is not listened to.
const remembered = 3*cooldown + 15*time.Second

// checkOpenings (S7, L6).
func checkOpenings(r *record) (all []violation) {
	for _, t := range r.transitions {
		if t.to != "OPEN" || t.from == "OPEN" {
			continue
		}
		r.compares("S7")
		var why string
		failed, victims := r.failures(t.key, t.at.Add(-remembered), t.at)
		switch t.reason {
		case "testified", "probes_failed":
			switch {
			case failed || t.reason == "probes_failed" && r.within(apart, "", t.at.Add(-remembered), t.at):
			case !victims:
				why = "though nothing has failed"
			default:
				why = "though one instance alone is sick"
			}
		case "commanded":
			if !slices.ContainsFunc(r.orders, func(o order) bool {
				return o.key == t.key && !o.given.After(t.at.Add(grace)) && t.at.Sub(o.given) < commandTime+grace
			}) {
				why = "though nobody has said so"
			}
		case "foreign":
			if !r.within(foreign, t.key, t.at.Add(-grace), t.at.Add(grace)) {
				why = "though nobody else has written"
			}
		default:
			why = "for no reason that there is"
		}
		if why != "" {
			all = append(all, violation{"S7", t.at, "", fmt.Sprintf("%v %s (%d instances)", t, why, t.evidence.Instances)})
		}
	}
	return all
}

// failures says whether a resource has failed for all, and for some, between two instants.
func (r *record) failures(key string, from, to time.Time) (forAll, forOne bool) {
	all := r.healths[key]
	for i, h := range all {
		if h.since.After(to) || i+1 < len(all) && all[i+1].since.Before(from) {
			continue
		}
		forAll = forAll || h.fails
		forOne = forOne || h.victim != ""
	}
	return forAll, forOne
}

// checkHolds (S8): what a person holds is changed by a person, or when its time is over.
func checkHolds(r *record) (all []violation) {
	for _, key := range keys {
		history := r.about(key)
		for i := 1; i < len(history); i++ {
			was, is := history[i-1], history[i]
			if was.hold != "" {
				r.compares("S8")
			}
			if was.hold == "" || is.reason == "commanded" || is.to == "" {
				continue
			}
			if was.incarnation != is.incarnation && is.hold == was.hold && is.to == was.to {
				continue // another server's
			}
			if is.reason == "hold_over" && was.hold == "held_open" {
				continue
			}
			all = append(all, violation{"S8", is.at, "", fmt.Sprintf("%v follows %v", is, was)})
		}
	}
	return all
}

// checkOrders: nobody who gives an order is left without an answer.
func checkOrders(r *record) (all []violation) {
	for _, e := range r.of(commanded) {
		r.compares("orders")
		if e.Took > commandTime+time.Second && !r.within(paused, e.Instance, e.At.Add(-e.Took), e.At) {
			all = append(all, violation{"orders", e.At, e.Instance, fmt.Sprintf("an order takes %v", e.Took)})
		}
	}
	return all
}

// checkSecrets looks at all that the instances have said.
func checkSecrets(r *record) (all []violation) {
	for _, e := range r.events {
		if e.Text == "" {
			continue
		}
		r.compares("secrets")
		if r.password != "" && strings.Contains(e.Text, r.password) {
			all = append(all, violation{"secrets", e.At, e.Instance, fmt.Sprintf("a %s holds the password", e.Kind)})
		}
	}
	return all
}

func (t transition) String() string {
	hold := ""
	if t.hold != "" {
		hold = " " + t.hold
	}
	return fmt.Sprintf("%s #%d %x/%d %s→%s%s (%s by %s)", t.key, t.id, uint64(t.incarnation)>>40, t.epoch, t.from, t.to, hold, t.reason, t.by)
}
