package demo

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
)

// An instance is one instance of a service that calls the server. It does so three
// times over, with calls at the same instants: through a breaker that belongs to the
// fleet of all instances, through one that is on its own, and through none. What
// breakers, and a fleet of them, are worth is the difference.
type instance struct {
	name     string
	number   int
	sick     bool                      // its own network is bad for a time
	member   *highway.CircuitProtector // of the fleet
	loner    *highway.CircuitProtector
	alone    *highway.InMemoryStorage // of the loner, and of nobody else
	refusals *refusals                // of the member

	protected, unshared, unprotected *caller

	mu      sync.Mutex
	history []change // oldest first
	ended   bool     // no more history
}

// A change is a change of state of an instance of the fleet, at an instant counted from the start.
type change struct {
	at       time.Duration
	from, to highway.CircuitState
	reason   highway.Reason
}

func newInstance(number int, config Config, storage highway.Storage, transport *http.Transport, url string, clock *clock) (*instance, error) {
	in := &instance{
		name:   fmt.Sprintf("instance-%d", number),
		number: number,
		sick:   number <= config.Sick, // the first, because these are always shown
	}
	policy := highway.CircuitProtectorPolicy{
		ResourceKey:  "demo server",
		Cooldown:     config.cooldown(),
		FailureLimit: highway.Fraction(5, 10),
		SuccessLimit: highway.Fraction(2, 3),
		ProbeTimeout: 4 * clientTimeout,
	}
	// On its own, whatever storage the environment describes: nobody is told, and nobody asked.
	own := policy
	in.alone = highway.NewInMemoryStorage()
	own.Storage, own.Rule = in.alone, fleet.Alone{}
	var err error
	if in.loner, err = highway.NewCircuitProtector(own); err != nil {
		return nil, err
	}
	policy.Storage = storage
	policy.OnStatusChange = func(c highway.StatusChange) { in.record(c, clock) }
	if in.member, err = highway.NewCircuitProtector(policy); err != nil {
		return nil, err
	}
	shared, err := highway.NewSafetyNet(retry, in.member)
	if err != nil {
		return nil, err
	}
	alone, err := highway.NewSafetyNet(retry, in.loner)
	if err != nil {
		return nil, err
	}
	in.refusals = &refusals{Policy: shared, clock: clock}
	var network http.RoundTripper = transport
	if in.sick {
		network = sickNetwork{transport, clock.sick}
	}
	in.protected = newCaller(network, url, in.refusals, clock.phase)
	in.unshared = newCaller(network, url, alone, clock.phase)
	in.unprotected = newCaller(network, url, retry, clock.phase)
	return in, nil
}

// run makes calls until the scenario or ctx is over, and returns when all have ended.
func (in *instance) run(ctx context.Context, config Config, clock *clock) {
	var calls sync.WaitGroup
	defer calls.Wait()
	for at := range arrivals(config.Seed, in.number, config.interval(), config.Duration) {
		if clock.wait(ctx, at) != nil {
			return
		}
		in.protected.start(ctx, &calls)
		in.unshared.start(ctx, &calls)
		in.unprotected.start(ctx, &calls)
	}
	_ = clock.wait(ctx, config.Duration)
}

// record writes a change down. The end of a cooldown can be told after the run.
func (in *instance) record(c highway.StatusChange, clock *clock) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.ended {
		in.history = append(in.history, change{c.At.Sub(clock.start), c.From, c.To, c.Reason})
	}
}

// end closes the history, and ends what runs for the loner.
func (in *instance) end() {
	_ = in.alone.Close(context.Background())
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
