// Package modelcheck holds the machine and the protector against a reference that is
// too simple to be wrong: by random sequences, by fuzzing, and by checking concurrent
// histories for linearizability.
package modelcheck

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/modelcheck/reference"
)

// A pair is a machine and its reference, given the same events.
type pair struct {
	machine   circuit.Machine
	reference reference.Circuit
	now       time.Time
}

func newPair(s circuit.Settings) *pair {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &pair{circuit.New(s, now), reference.Circuit{Settings: s}, now}
}

// An event is one thing that can happen to a circuit, from a number: which, and to
// whom or for how long.
type event struct {
	kind kind
	arg  int
}

type kind int

const (
	recordSuccess kind = iota
	recordFailure
	recordLate
	admit
	settleSuccess
	settleFailure
	settleIgnored
	advance
	ask
	wait
	open
	closing
	halfOpen
	isolate
	disable
	release
	configure
	kinds
)

// do lets e happen to both and returns how they differ.
func (p *pair) do(e event) error {
	m, r := &p.machine, &p.reference
	// A probe of the last few: known, settled, lost or never granted.
	probe := circuit.Probe(max(0, int(r.Granted)+1-e.arg%5))
	switch e.kind {
	case recordSuccess, recordFailure, recordLate:
		epoch, failed := r.Epoch, e.kind != recordSuccess
		if e.kind == recordLate {
			epoch--
		}
		before := m.Epoch()
		would := m.WouldTrip(epoch, failed)
		m.Record(epoch, failed, p.now)
		r.Record(epoch, failed, p.now)
		if trips := m.Epoch() != before; trips != would {
			return fmt.Errorf("WouldTrip said %v, and it was %v", would, trips)
		}
	case admit:
		got, ok := m.Admit(p.now)
		want, may := r.Admit(p.now)
		if got != want || ok != may {
			return fmt.Errorf("admission: probe %d %v, want %d %v", got, ok, want, may)
		}
	case settleSuccess, settleFailure, settleIgnored:
		o := []circuit.Outcome{circuit.Success, circuit.Failure, circuit.Ignored}[e.kind-settleSuccess]
		m.Settle(probe, o, p.now)
		r.Settle(probe, o, p.now)
	case advance:
		m.Advance(p.now)
		r.Advance(p.now)
	case ask:
		epoch := r.Epoch - uint64(e.arg%2)
		if e.arg%3 == 0 {
			probe = 0 // a call admitted while closed
		}
		m.PutOff(epoch, probe, time.Duration(e.arg)*time.Second, p.now)
		r.PutOff(epoch, probe, time.Duration(e.arg)*time.Second, p.now)
	case wait:
		p.now = p.now.Add(time.Duration(e.arg) * time.Second)
	case open:
		m.OpenFor(time.Duration(e.arg)*time.Second, p.now)
		r.Command(circuit.Open, circuit.NoHold, p.now.Add(time.Duration(e.arg)*time.Second))
	case closing:
		m.Close(p.now)
		r.Command(circuit.Closed, circuit.NoHold, time.Time{})
	case halfOpen:
		m.HalfOpen(p.now)
		r.Command(circuit.HalfOpen, circuit.NoHold, time.Time{})
	case isolate:
		m.Isolate(p.now)
		r.Command(circuit.Open, circuit.Isolated, time.Time{})
	case disable:
		m.Disable(p.now)
		r.Command(circuit.Closed, circuit.Disabled, time.Time{})
	case release:
		m.Release(p.now)
		if r.Hold != circuit.NoHold || r.State == circuit.Open && r.Ordered {
			r.Command(circuit.HalfOpen, circuit.NoHold, time.Time{})
		}
	case configure:
		before := r.State
		m.Configure(altered(r.Settings, e.arg), p.now)
		r.Configure(altered(r.Settings, e.arg), p.now)
		if before != circuit.HalfOpen && r.State != before {
			return fmt.Errorf("state %v became %v", before, r.State)
		}
	}
	return p.differ()
}

// altered is s with another number in the place of one.
func altered(s circuit.Settings, arg int) circuit.Settings {
	n := 1 + arg/6
	switch arg % 6 {
	case 0:
		s.Window = 1 + s.Window*n/3%200
		s.Failures = min(s.Failures, s.Window)
	case 1:
		s.Failures = 1 + (s.Failures+n)%s.Window
	case 2:
		s.Probes = 1 + (s.Probes+n)%8
		s.Successes = min(s.Successes, s.Probes)
	case 3:
		s.Successes = 1 + (s.Successes+n)%s.Probes
	case 4:
		s.Cooldown = time.Duration(n) * time.Second
	case 5:
		s.Lease = time.Duration(n) * time.Second
	}
	return s
}

func (p *pair) differ() error {
	m, r := &p.machine, &p.reference
	window := m.Log()
	log := make([]bool, window.Len())
	for i := range log {
		log[i] = window.Failed(i)
	}
	quiet := r.State == circuit.Closed && len(log) == r.Settings.Window && !slices.Contains(r.Log(), true)
	switch {
	case m.State() != r.State || m.Hold() != r.Hold || m.Epoch() != r.Epoch:
		return fmt.Errorf("state %v hold %v epoch %d, want %v %v %d", m.State(), m.Hold(), m.Epoch(), r.State, r.Hold, r.Epoch)
	case !m.Until().Equal(r.Until):
		return fmt.Errorf("until %v, want %v", m.Until(), r.Until)
	case m.Cooldown(p.now) != r.Cooldown(p.now):
		return fmt.Errorf("cooldown %v, want %v", m.Cooldown(p.now), r.Cooldown(p.now))
	case !slices.Equal(log, r.Log()):
		return fmt.Errorf("log %v, want %v", log, r.Log())
	case m.Quiet() != quiet:
		return fmt.Errorf("quiet %v, want %v", m.Quiet(), quiet)
	}
	return nil
}

// TestMachineDoesWhatTheReferenceDoes plays random events to both.
func TestMachineDoesWhatTheReferenceDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := rapid.OneOf(rapid.IntRange(1, 6), rapid.IntRange(60, 130)).Draw(t, "window")
		probes := rapid.IntRange(1, 4).Draw(t, "probes")
		p := newPair(circuit.Settings{
			Failures:  rapid.IntRange(1, window).Draw(t, "failures"),
			Window:    window,
			Successes: rapid.IntRange(1, probes).Draw(t, "successes"),
			Probes:    probes,
			Cooldown:  time.Duration(rapid.IntRange(1, 10).Draw(t, "cooldown")) * time.Second,
			Lease:     time.Duration(rapid.IntRange(1, 10).Draw(t, "lease")) * time.Second,
		})
		// Outcomes and probes are common, commands rare, or no circuit would get far.
		common := rapid.IntRange(0, int(wait))
		rare := rapid.IntRange(0, int(kinds)-1)
		for range rapid.IntRange(1, 300).Draw(t, "events") {
			gen := common
			if rapid.IntRange(0, 9).Draw(t, "rare") == 0 {
				gen = rare
			}
			e := event{kind(gen.Draw(t, "event")), rapid.IntRange(0, 12).Draw(t, "arg")}
			if err := p.do(e); err != nil {
				t.Fatalf("%+v: %v", e, err)
			}
		}
	})
}

// FuzzMachine plays events that the fuzzer makes up: six bytes of settings, then two
// for each event.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{3, 5, 2, 3, 30, 10, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 8, 30, 3, 0, 4, 0})
	f.Add([]byte{1, 1, 1, 1, 1, 1, 1, 0, 8, 1, 3, 0, 8, 1, 3, 0, 8, 1, 3, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 6 {
			return
		}
		window, probes := 1+int(script[1]), 1+int(script[3])%8
		p := newPair(circuit.Settings{
			Failures:  1 + int(script[0])%window,
			Window:    window,
			Successes: 1 + int(script[2])%probes,
			Probes:    probes,
			Cooldown:  time.Duration(1+int(script[4])) * time.Second,
			Lease:     time.Duration(1+int(script[5])) * time.Second,
		})
		for script = script[6:]; len(script) >= 2; script = script[2:] {
			n := binary.BigEndian.Uint16(script)
			e := event{kind(int(n>>8) % int(kinds)), int(n & 0xff)}
			if err := p.do(e); err != nil {
				t.Fatalf("%+v: %v", e, err)
			}
		}
	})
}

// TestCloneSharesNothing: what happens to a machine does not happen to its clone.
func TestCloneSharesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPair(circuit.Settings{Failures: 2, Window: 3, Successes: 2, Probes: 3, Cooldown: time.Second, Lease: time.Second})
		events := rapid.Map(rapid.IntRange(0, int(kinds)-1), func(k int) event { return event{kind(k), 1} })
		play := func(label string) {
			for _, e := range rapid.SliceOfN(events, 0, 40).Draw(t, label) {
				if err := p.do(e); err != nil {
					t.Fatal(err)
				}
			}
		}
		play("before")
		clone := &pair{p.machine.Clone(), *p.reference.Clone(), p.now}
		play("after")
		if err := clone.differ(); err != nil {
			t.Fatalf("the clone changed: %v", err)
		}
	})
}
