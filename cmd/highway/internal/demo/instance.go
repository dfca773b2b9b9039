package demo

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/highway-engine/highway"
)

// An instance is one instance of a service that calls the server, protected by a
// breaker of its own. It has a twin without, which makes its calls at the same
// instants: what the breaker is worth is the difference between the two.
type instance struct {
	name      string
	number    int
	protector *highway.CircuitProtector
	protected *caller
	twin      *caller

	mu      sync.Mutex
	history []change // oldest first
	ended   bool     // no more history
}

// A change is a change of an instance's state, at an instant counted from the start.
type change struct {
	at       time.Duration
	from, to highway.CircuitState
	reason   highway.Reason
}

func newInstance(number int, config Config, transport *http.Transport, url string, clock clock) (*instance, error) {
	in := &instance{name: fmt.Sprintf("instance-%d", number), number: number}
	var err error
	in.protector, err = highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey:    "demo server",
		Cooldown:       config.cooldown(),
		FailureLimit:   highway.Fraction(5, 10),
		SuccessLimit:   highway.Fraction(2, 3),
		ProbeTimeout:   4 * clientTimeout,
		OnStatusChange: func(c highway.StatusChange) { in.record(c, clock) },
	})
	if err != nil {
		return nil, err
	}
	net, err := highway.NewSafetyNet(retry, in.protector)
	if err != nil {
		return nil, err
	}
	in.protected = newCaller(transport, url, net, clock.phase)
	in.twin = newCaller(transport, url, retry, clock.phase)
	return in, nil
}

// run makes calls until the scenario or ctx is over, and returns when all have ended.
func (in *instance) run(ctx context.Context, config Config, clock clock) {
	var calls sync.WaitGroup
	defer calls.Wait()
	for at := range arrivals(config.Seed, in.number, config.interval(), config.Duration) {
		if clock.wait(ctx, at) != nil {
			return
		}
		in.protected.start(ctx, &calls)
		in.twin.start(ctx, &calls)
	}
	_ = clock.wait(ctx, config.Duration)
}

// record writes a change down. The end of a cooldown can be told after the run.
func (in *instance) record(c highway.StatusChange, clock clock) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.ended {
		in.history = append(in.history, change{c.At.Sub(clock.start), c.From, c.To, c.Reason})
	}
}

// end closes the history.
func (in *instance) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
}

// past is the history so far. It is not a copy: what is written down stays as it is.
func (in *instance) past() []change {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.history[:len(in.history):len(in.history)]
}
