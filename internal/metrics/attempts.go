package metrics

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/refusal"
)

var attemptOutcomes = [...]string{Success, Recovered, Retried, Failed, Refused}

// The numbers of attemptOutcomes.
const (
	success = iota
	recovered
	retried
	failed
	refused
)

// attempts count those of retry policies, by name.
type attempts struct {
	mu       sync.Mutex // not held while an attempt is counted
	policies limited[policy]
}

type policy struct {
	name   string
	counts [len(attemptOutcomes)]atomic.Uint64
}

func newAttempts(limit int) attempts {
	return attempts{policies: newLimited(limit, func(name string) *policy { return &policy{name: name} })}
}

func (a *attempts) on(name string) func(context.Context, highway.Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.policies.of(name)
	return func(_ context.Context, attempt highway.Attempt) {
		p.counts[attemptOutcome(attempt)].Add(1)
	}
}

func (a *attempts) points(points []Point) []Point {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.policies.ordered {
		for i := range p.counts {
			points = append(points, Point{
				Metric: Attempts,
				Value:  float64(p.counts[i].Load()),
				labels: [3]string{p.name, attemptOutcomes[i]},
			})
		}
	}
	return points
}

// AttemptOutcome is the value of a label for how an attempt ended.
func AttemptOutcome(a highway.Attempt) string { return attemptOutcomes[attemptOutcome(a)] }

func attemptOutcome(a highway.Attempt) int {
	switch {
	case a.Err == nil && a.Number <= 1:
		return success
	case a.Err == nil:
		return recovered
	case a.Again:
		return retried
	case isRefusal(a.Err):
		return refused
	}
	return failed
}

// isRefusal allocates, so it stands apart from those that succeed.
func isRefusal(err error) bool {
	found, _ := refusal.In(err)
	return found != nil
}
