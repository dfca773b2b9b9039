package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// at is so long after the beginning.
func at(d time.Duration) time.Time { return time.Unix(1_000_000, 0).Add(d) }

// sound is what happens in an outage in which every promise is kept: it is the start of
// each record in which one is not.
func sound() *record {
	second := time.Second
	r := &record{
		began:   at(0),
		ended:   at(time.Minute),
		healths: map[string][]health{outages: {{since: at(second), fails: true}, {since: at(3 * second)}}},
		transitions: []transition{
			{id: 1, at: at(2 * second), key: outages, incarnation: 7, epoch: 1, from: "CLOSED", to: "OPEN", reason: "testified",
				deadlines: []time.Time{at(4 * second)}},
			{id: 2, at: at(4 * second), key: outages, incarnation: 7, epoch: 2, from: "OPEN", to: "HALF_OPEN", reason: "cooldown_over"},
			{id: 3, at: at(5 * second), key: outages, incarnation: 7, epoch: 3, from: "HALF_OPEN", to: "CLOSED", reason: "probes_succeeded"},
			{id: 4, at: at(30 * second), key: orders, incarnation: 8, epoch: 1, from: "CLOSED", to: "OPEN", hold: "isolated", reason: "commanded"},
			{id: 5, at: at(31 * second), key: orders, incarnation: 8, epoch: 2, from: "OPEN", to: "CLOSED", reason: "commanded"},
		},
		orders: []order{{orders, at(30 * second)}, {orders, at(31 * second)}},
		spans:  []span{{deleting, orders, at(40 * second), at(41 * second)}},
	}
	r.transitions = append(r.transitions,
		transition{id: 6, at: at(40 * second), key: orders, incarnation: 8, epoch: 2, from: "CLOSED", reason: "deleted"},
		transition{id: 7, at: at(42 * second), key: orders, incarnation: 9, epoch: 1, from: "CLOSED", to: "HALF_OPEN", reason: "commanded"})
	for i := range 3 {
		instance := fmt.Sprintf("%d.0", i)
		r.events = append(r.events,
			event{Instance: instance, At: at(2*second + 10*time.Millisecond), Kind: changed, Key: outages, From: "CLOSED", To: "OPEN",
				Reason: "fleet decided", Until: at(4*second + 10*time.Millisecond)},
			event{Instance: instance, At: at(second), Kind: called, Key: outages, Calls: 10_000},
		)
		r.arrivals = append(r.arrivals,
			arrival{admitted: at(second), instance: instance, key: outages, failed: true},
			arrival{admitted: at(4*second + 500*time.Millisecond), instance: instance, key: outages},
			arrival{admitted: at(6 * second), instance: instance, key: outages},
		)
	}
	return r
}

func TestWhatIsSoundBreaksNoPromise(t *testing.T) {
	for _, v := range sound().check() {
		t.Errorf("%s: %s", v.promise, v.text)
	}
}

// TestEveryPromiseCanBeBroken changes one thing at a time in what is sound.
func TestEveryPromiseCanBeBroken(t *testing.T) {
	const second = time.Second
	add := func(r *record, t transition) { r.transitions = append(r.transitions, t) }
	call := func(r *record, instance, key string, when time.Duration) {
		r.arrivals = append(r.arrivals, arrival{admitted: at(when), instance: instance, key: key})
	}
	for _, c := range []struct {
		promise, name string
		spoil         func(r *record)
	}{
		{"S1", "an epoch is left out", func(r *record) { r.transitions[1].epoch, r.transitions[2].epoch = 3, 4 }},
		{"S1", "an older epoch comes after a newer one", func(r *record) { r.transitions[2].epoch = 1 }},
		{"S1", "a change begins where nothing is", func(r *record) { r.transitions[2].from = "OPEN" }},
		{"S2", "an adopted OPEN ends early", func(r *record) { r.events[0].Until = at(3 * second) }},
		{"S2", "a deadline is moved", func(r *record) { r.transitions[0].deadlines = append(r.transitions[0].deadlines, at(5*second)) }},
		{"S4", "a call of one that has heard of nothing", func(r *record) { call(r, "9.0", outages, 3*second+500*time.Millisecond) }},
		{"S4", "a call in an isolation", func(r *record) {
			r.events = append(r.events, event{Instance: "1.0", At: at(30 * second), Kind: changed, Key: orders, From: "CLOSED", To: "OPEN", Reason: "fleet decided"})
			call(r, "1.0", orders, 30*second+500*time.Millisecond)
		}},
		{"S4", "a call in an adopted OPEN", func(r *record) { call(r, "1.0", outages, 3*second) }},
		{"S5", "everybody probes", func(r *record) {
			for i := range 2 {
				call(r, "1.0", outages, 4*second+time.Duration(i)*10*time.Millisecond)
			}
		}},
		{"S7", "nothing has failed", func(r *record) { r.healths = nil }},
		{"S7", "one is sick", func(r *record) { r.healths[outages][0] = health{since: at(second), victim: "1"} }},
		{"S7", "it has failed long ago", func(r *record) {
			add(r, transition{id: 9, at: at(50 * second), key: outages, incarnation: 7, epoch: 4, from: "CLOSED", to: "OPEN", reason: "testified"})
		}},
		{"S7", "a command of nobody", func(r *record) { r.orders = nil }},
		{"S7", "a write of nobody", func(r *record) { r.transitions[0].reason = "foreign" }},
		{"S8", "a hold ends by itself", func(r *record) { r.transitions[4].reason = "cooldown_over" }},
		{"S8", "an isolation ends as if its time were over", func(r *record) { r.transitions[4].reason = "hold_over" }},
		{"S9", "a call returns something else", func(r *record) {
			r.events = append(r.events, event{At: at(second), Kind: wrong, Text: "no connection"})
		}},
		{"S9", "a call waits", func(r *record) {
			r.events = append(r.events, event{At: at(second), Kind: slow, From: "CLOSED", Took: 300 * time.Millisecond})
		}},
		{"S9", "a refusal waits", func(r *record) {
			r.events = append(r.events, event{At: at(second), Kind: slow, From: "OPEN", Took: 600 * time.Millisecond})
		}},
		{"S9", "a probe waits long", func(r *record) {
			r.events = append(r.events, event{At: at(second), Kind: slow, From: "HALF_OPEN", Took: 600 * time.Millisecond})
		}},
		{"S9", "many calls wait a little", func(r *record) {
			for range 31 {
				r.events = append(r.events, event{At: at(second), Kind: slow, From: "CLOSED", Took: 50 * time.Millisecond})
			}
		}},
		{"S11", "another incarnation without a reason", func(r *record) { r.transitions[2].incarnation = 9 }},
		{"S11", "a deleted row goes on where it was", func(r *record) {
			r.spans = append(r.spans, span{deleting, outages, at(4 * second), at(5 * second)})
			r.transitions[2].incarnation = 9
		}},
		{"S11", "a row is another, and nobody has deleted it", func(r *record) { r.spans = nil }},
		{"S11", "a failover's row goes on", func(r *record) {
			r.spans = []span{{promoted, "", at(4 * second), at(5 * second)}}
			r.transitions[2].incarnation = 9
		}},
		{"S11", "an incarnation comes back", func(r *record) {
			r.spans = []span{{deleting, outages, at(5 * second), at(50 * second)}}
			r.healths[outages] = append(r.healths[outages], health{since: at(40 * second), fails: true})
			add(r, transition{id: 8, at: at(43 * second), key: outages, incarnation: 9, epoch: 1, from: "CLOSED", to: "OPEN", reason: "testified"})
			add(r, transition{id: 9, at: at(45 * second), key: outages, incarnation: 7, epoch: 1, from: "CLOSED", to: "OPEN", reason: "testified"})
		}},
		{"secrets", "a line of the log", func(r *record) {
			r.password = "hunter2"
			r.events = append(r.events, event{At: at(second), Kind: logged, Text: "no connection to postgres://u:hunter2@h"})
		}},
		{"orders", "an order is not answered", func(r *record) {
			r.events = append(r.events, event{At: at(40 * second), Kind: commanded, Took: 5 * time.Second})
		}},
	} {
		t.Run(c.promise+" "+c.name, func(t *testing.T) {
			r := sound()
			c.spoil(r)
			violations := r.check()
			if !slices.ContainsFunc(violations, func(v violation) bool { return v.promise == c.promise }) {
				t.Errorf("nobody notices: %v", violations)
			}
		})
	}
}

// TestAnExemptionIsForItsOwnTime: the exemptions are for what was done, when and to
// whom it was done.
func TestAnExemptionIsForItsOwnTime(t *testing.T) {
	r := sound()
	r.spans = []span{{apart, "cut", at(40 * time.Second), at(50 * time.Second)}, {clockSet, "", at(40 * time.Second), at(50 * time.Second)},
		{promoted, "", at(40 * time.Second), at(50 * time.Second)}, {deleting, orders, at(0), at(time.Minute)}}
	r.arrivals = append(r.arrivals, arrival{admitted: at(3 * time.Second), instance: "1.0", key: outages})
	violations := r.check()
	if len(violations) == 0 || slices.ContainsFunc(violations, func(v violation) bool { return v.promise != "S4" }) {
		t.Errorf("%v", violations)
	}
	r.spans[1].from = at(2 * time.Second)
	if violations := r.check(); len(violations) != 0 {
		t.Errorf("%v", violations)
	}
}

func TestAStallIsNotTheStoragesFault(t *testing.T) {
	r := sound()
	wait := event{Instance: "1.0", At: at(time.Second), Kind: slow, From: "CLOSED", Took: 400 * time.Millisecond}
	stall := event{Instance: "1.0", At: at(900 * time.Millisecond), Kind: stalled, Took: 450 * time.Millisecond}
	r.events = append(r.events, wait, stall)
	if violations := r.check(); len(violations) != 0 {
		t.Errorf("%v", violations)
	}
	for i := range r.events {
		if r.events[i].Kind == stalled {
			r.events[i].Instance = "2.0"
		}
	}
	if violations := r.check(); len(violations) != 1 {
		t.Errorf("another's stall excuses it: %v", violations)
	}
}

func TestABrokenPromiseIsShown(t *testing.T) {
	r := sound()
	r.arrivals = append(r.arrivals, arrival{admitted: at(3 * time.Second), instance: "1.0", key: outages})
	s := result{record: r, violations: r.check(), faults: []madeFault{{"cut", 3, ""}, {"full disk", 0, "no disk"}}}
	var text strings.Builder
	s.print(&text)
	for _, want := range []string{"S4 is broken", "by 1.0", "1.0 change outages CLOSED OPEN fleet decided", "resource outages: fails true", "no disk"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
	if s.kept() {
		t.Error("it says that all is well")
	}
}
