package main

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/postgres"
)

// TestAnOrderReachesFiveInstances that hear of the storage by their own connections, as those
// of five processes do. It prints how long that took.
func TestAnOrderReachesFiveInstances(t *testing.T) {
	d := deploy(t)
	const instances = 5
	type refusal struct {
		instance int
		at       time.Time
	}
	refusals := make(chan refusal, instances)
	succeed := func(context.Context) error { return nil }
	var protectors []*highway.CircuitProtector
	for i := range instances {
		notified := make(chan struct{}, 1)
		storage := d.storage(postgres.WithStatus(func(s postgres.Status) {
			if s.Reachable && s.Notified {
				select {
				case notified <- struct{}{}:
				default:
				}
			}
		}))
		p := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
			ResourceKey: "payments",
			Storage:     storage,
			OnStatusChange: func(c highway.StatusChange) {
				if c.To == highway.Open {
					refusals <- refusal{i, time.Now()}
				}
			},
		}))
		protectors = append(protectors, p)
		if err := p.Do(t.Context(), succeed); err != nil {
			t.Fatal(err)
		}
		select {
		case <-notified:
		case <-time.After(30 * time.Second):
			t.Fatalf("instance %d is not notified: %+v", i, storage.Status())
		}
	}
	// Those that the storage has a report of are in the fleet.
	for end := time.Now().Add(30 * time.Second); len(d.object("show", "payments")["instances"].([]any)) < instances; {
		if time.Now().After(end) {
			t.Fatal("they do not meet")
		}
	}
	for _, p := range protectors {
		if err := p.Do(t.Context(), succeed); err != nil {
			t.Fatalf("it refuses before the order: %v", err)
		}
	}

	begun := time.Now()
	code, stdout, stderr := d.run("open", "payments", "--for", "10m", "--reason", "INC-7", "--json")
	ended := time.Now()
	if code != exitOK {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	var last time.Time
	told := map[int]bool{}
	for range instances {
		select {
		case r := <-refusals:
			if r.at.Before(begun) || told[r.instance] {
				t.Errorf("instance %d opens before the order, or again", r.instance)
			}
			told[r.instance] = true
			if r.at.After(last) {
				last = r.at
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("only %v open; it said %s", told, stdout)
		}
	}
	for i, p := range protectors {
		if err := p.Do(t.Context(), succeed); !errors.Is(err, highway.ErrProtectedCall) {
			t.Errorf("instance %d: %v", i, err)
		}
	}
	written := d.transition("payments")
	if written.By == "" || written.Note != "INC-7" {
		t.Errorf("who and why are not recorded: %+v", written)
	}
	if written.From != "CLOSED" || written.To != "OPEN" || written.Hold != "held_open" {
		t.Errorf("it wrote %+v", written)
	}
	t.Logf("from the start of the command to its end %v, to the last of %d instances %v; from its write to that %v",
		ended.Sub(begun).Round(time.Millisecond), instances, last.Sub(begun).Round(time.Millisecond),
		last.Sub(written.At).Round(100*time.Microsecond))
}

// A transition is what history says of one.
type transition struct {
	At                                    time.Time
	Key, From, To, Hold, Reason, By, Note string
}

// transition is the latest at a key.
func (d *deployment) transition(key string) transition {
	d.Helper()
	var read struct{ Transitions []transition }
	if err := json.Unmarshal([]byte(d.done("history", key, "--limit=1", "--json")), &read); err != nil || len(read.Transitions) != 1 {
		d.Fatalf("%+v, %v", read, err)
	}
	return read.Transitions[0]
}
