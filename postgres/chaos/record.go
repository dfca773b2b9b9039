package main

import (
	"sync"
	"time"
)

// A record is all that has happened in a run, which is what the promises are checked on.
type record struct {
	began, ended time.Time

	mu          sync.Mutex
	events      []event // of the instances
	arrivals    []arrival
	healths     map[string][]health
	transitions []transition
	spans       []span
	orders      []order
	password    string
	pooled      []string       // places whose instances are not told of changes, but look
	broken      []violation    // found while it ran
	compared    map[string]int // how often each promise was compared with something
}

// compares counts that there was something to compare a promise with.
func (r *record) compares(promise string) {
	if r.compared == nil {
		r.compared = map[string]int{}
	}
	r.compared[promise]++
}

// A span is a time in which something was done to the fleet.
type span struct {
	what     what
	name     string // of the fault, or of the instance
	from, to time.Time
}

// What a span is.
type what int

const (
	apart    what = iota // the storage is, or may be, away for some: until all is well again
	paused               // an instance is stopped
	clockSet             // the storage's clock is being set
	promoted             // another server takes over
	replaced             // an instance is ended, or started
	deleting             // the row of a key
	foreign              // a program on the Python library writes a key
)

// An order is a person's command.
type order struct {
	key   string
	given time.Time
}

// A violation is a promise that was not kept.
type violation struct {
	promise string
	at      time.Time
	who     string // an instance, or none
	text    string
}

// A transition is a line of the storage's history.
type transition struct {
	id          int64
	at          time.Time // by the clock of this machine
	key         string
	incarnation int64
	epoch       int64
	from, to    string // empty: there was, or is, no row
	hold        string
	reason      string
	by          string
	evidence    evidence
	deadlines   []time.Time // that the OPEN had in storage, by the clock of this machine
}

type evidence struct {
	Instances int      `json:"instances"`
	Suspects  []string `json:"suspects"`
}

func (r *record) add(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// span notes that something begins, and returns what notes its end.
func (r *record) span(w what, name string) (end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	place := len(r.spans)
	r.spans = append(r.spans, span{what: w, name: name, from: time.Now()})
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.spans[place].to = time.Now()
	}
}

// within says whether something was going on between two instants. An empty name stands
// for any.
func (r *record) within(w what, name string, from, to time.Time) bool {
	for _, s := range r.spans {
		if s.what == w && (name == "" || s.name == name) && !s.from.After(to) && (s.to.IsZero() || !s.to.Before(from)) {
			return true
		}
	}
	return false
}

func (r *record) breaks(v violation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = append(r.broken, v)
}

// of are the events of a kind.
func (r *record) of(kind string) (all []event) {
	for _, e := range r.events {
		if e.Kind == kind {
			all = append(all, e)
		}
	}
	return all
}

// about are the transitions of a key, in their order.
func (r *record) about(key string) (all []transition) {
	for _, t := range r.transitions {
		if t.key == key {
			all = append(all, t)
		}
	}
	return all
}
