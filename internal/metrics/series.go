package metrics

import (
	"time"

	"github.com/highway-engine/highway"
)

const (
	states  = int(highway.HalfOpen) + 1
	holds   = int(highway.Disabled) + 1
	reasons = int(highway.FleetDecided) + 1
)

// totals are counts that never fall.
type totals struct {
	calls   [4]uint64 // by number in callOutcomes
	changes [states][reasons]uint64
}

var callOutcomes = [4]string{Success, Failure, Ignored, Refused}

func totalsOf(s *highway.Snapshot) totals {
	t := totals{calls: [4]uint64{s.Totals.Successes, s.Totals.Failures, s.Totals.Ignored, s.Totals.Refusals}}
	for _, c := range s.Changes {
		if int(c.To) < states && int(c.Reason) < reasons {
			t.changes[c.To][c.Reason] += c.Count
		}
	}
	return t
}

// add adds what has been counted since last.
func (t *totals) add(now, last *totals) {
	for i := range t.calls {
		t.calls[i] += since(last.calls[i], now.calls[i])
	}
	for to := range t.changes {
		for reason := range t.changes[to] {
			t.changes[to][reason] += since(last.changes[to][reason], now.changes[to][reason])
		}
	}
}

// since never is below zero, whatever is read.
func since(last, now uint64) uint64 { return now - min(last, now) }

// A series is all protectors under one label.
type series struct {
	label   string
	totals  totals  // of all that ever were
	counted bool    // some count calls
	shared  bool    // some are in a fleet
	now     present // of those that are there now
}

// present is what several protectors are at one instant.
type present struct {
	circuits                   int
	states                     [states]int
	holds                      [holds]int
	outcomes, failures, probes int

	shared, live int
	leases       int       // the same to all of one fleet
	heard        time.Time // the longest ago; zero: never
}

func (n *present) add(s *highway.Snapshot) {
	n.circuits++
	if int(s.State) < states {
		n.states[s.State]++
	}
	if int(s.Hold) < holds {
		n.holds[s.Hold]++
	}
	n.outcomes += s.Log.Len()
	n.failures += s.Log.Failures()
	n.probes += s.ProbesInFlight
	if !s.Fleet.Shared {
		return
	}
	n.shared++
	if s.Fleet.Live {
		n.live++
	}
	n.leases = max(n.leases, s.Fleet.Leases)
	if heard := s.Fleet.Heard; !heard.IsZero() && (n.heard.IsZero() || heard.Before(n.heard)) {
		n.heard = heard
	}
}

// possible says which changes of state there can be, and with a fleet only. Their counters
// are there from the start: a rise from nothing to one is none to those who compute rates.
var possible = [states][reasons]struct{ alone, fleet bool }{
	highway.Closed: {
		highway.SuccessLimitReached: {alone: true},
		highway.Commanded:           {alone: true},
		highway.FleetDecided:        {fleet: true},
	},
	highway.Open: {
		highway.FailureLimitReached: {alone: true},
		highway.ProbesFailed:        {alone: true},
		highway.Commanded:           {alone: true},
		highway.FleetDecided:        {fleet: true},
	},
	highway.HalfOpen: {
		highway.CooldownOver: {alone: true},
		highway.Commanded:    {alone: true},
		highway.FleetDecided: {fleet: true},
	},
}

// points appends those of the series.
func (s *series) points(points []Point, now time.Time) []Point {
	point := func(m *Metric, value float64, more ...string) {
		p := Point{Metric: m, Value: value, labels: [3]string{s.label}}
		copy(p.labels[1:], more)
		points = append(points, p)
	}
	for to, byReason := range s.totals.changes {
		for reason, count := range byReason {
			may := possible[to][reason]
			if count > 0 || may.alone || may.fleet && s.shared {
				point(Transitions, float64(count), stateNames[to], reasonNames[reason])
			}
		}
	}
	for i, count := range s.totals.calls {
		if outcome := callOutcomes[i]; s.counted || outcome == Failure || outcome == Ignored {
			point(Calls, float64(count), outcome)
		}
	}
	if s.now.circuits == 0 {
		return points // what is not there has no state
	}
	for state, count := range s.now.states {
		point(CircuitState, float64(count), stateNames[state])
	}
	for hold, count := range s.now.holds {
		if hold != int(highway.NoHold) {
			point(Held, float64(count), holdNames[hold])
		}
	}
	point(WindowOutcomes, float64(s.now.outcomes))
	point(WindowFailures, float64(s.now.failures))
	point(FailureRatio, float64(s.now.failures)/float64(max(1, s.now.outcomes)))
	point(Probes, float64(s.now.probes))
	if s.now.shared == 0 {
		return points
	}
	up := 0.0
	if s.now.live == s.now.shared {
		up = 1
	}
	point(FleetUp, up)
	point(FleetLeases, float64(s.now.leases))
	if !s.now.heard.IsZero() {
		point(ReportAge, max(0, now.Sub(s.now.heard).Seconds()))
	}
	return points
}
