package main

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// The kinds of events.
const (
	changed   = "change"    // a protector's state has changed
	looked    = "look"      // snapshots of all protectors
	called    = "calls"     // how many calls there were since the last such event
	slow      = "slow"      // a call took long beside its resource's own time
	stalled   = "stall"     // the whole process did not run for a while
	wrong     = "wrong"     // a call returned what it must not
	commanded = "commanded" // a person's command has returned
	stood     = "status"    // the storage's status has changed
	logged    = "log"       // a line of the log
)

// An event is what an instance tells of, one line of JSON each. Which fields are set
// depends on the kind.
type event struct {
	Instance string        `json:"-"`
	At       time.Time     `json:"at"`
	Kind     string        `json:"kind"`
	Key      string        `json:"key,omitempty"`
	From     string        `json:"from,omitempty"`
	To       string        `json:"to,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	Until    time.Time     `json:"until,omitzero"` // of an OPEN
	Took     time.Duration `json:"took,omitempty"`
	Calls    int           `json:"calls,omitempty"`
	Refused  int           `json:"refused,omitempty"`
	Text     string        `json:"text,omitempty"`
	Looks    []look        `json:"looks,omitempty"`
}

// A look is a snapshot of one protector.
type look struct {
	Key   string `json:"key"`
	State string `json:"state"`
	Live  bool   `json:"live"`
	Why   string `json:"why,omitempty"` // not live
}

// A teller writes events without keeping anybody waiting.
type teller struct {
	events chan event
	done   sync.WaitGroup
}

func newTeller(w io.Writer) *teller {
	t := &teller{events: make(chan event, 10_000)}
	t.done.Go(func() {
		encoder := json.NewEncoder(w)
		for e := range t.events {
			if encoder.Encode(e) != nil {
				return // nobody listens any more
			}
		}
	})
	return t
}

func (t *teller) tell(e event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	select {
	case t.events <- e:
	default: // nobody has listened for long
	}
}
