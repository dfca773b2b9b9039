package modelcheck

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/circuit"
	"github.com/highway-engine/highway/modelcheck/reference"
)

// The histories below use a failure limit of 2 of 3 and a success limit of 1 of 2, so
// that a few calls go through all states, and cooldowns that never end, so that only
// what the history holds happens.
var settings = circuit.Settings{Failures: 2, Window: 3, Successes: 1, Probes: 2, Cooldown: time.Hour, Lease: time.Hour}

// others are what the settings are changed to, now and then.
var others = []circuit.Settings{
	settings,
	{Failures: 1, Window: 2, Successes: 2, Probes: 2, Cooldown: time.Hour, Lease: time.Hour},
	{Failures: 2, Window: 5, Successes: 1, Probes: 1, Cooldown: time.Hour, Lease: time.Hour},
}

func newProtector(t *testing.T, counting bool) *highway.CircuitProtector {
	p, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(settings.Failures, settings.Window),
		SuccessLimit: highway.Fraction(settings.Successes, settings.Probes),
		Cooldown:     settings.Cooldown,
		ProbeTimeout: settings.Lease,
		CountCalls:   counting, // which has gates of its own
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What clients do with a protector.
type (
	acquire struct{ permit int } // a number of the client's own
	settle  struct {
		permit  int
		outcome circuit.Outcome
	}
	command struct{ state circuit.State }
	change  struct{ settings circuit.Settings }
	look    struct{}
)

// seen is what look returns.
type seen struct {
	state    circuit.State
	log      string
	probing  int
	failures uint64
}

// history is a model of the protector for porcupine: one operation after the other on
// the reference.
type history struct {
	circuit  *reference.Circuit
	permits  map[int]permit
	failures uint64
}

type permit struct {
	epoch uint64
	probe circuit.Probe
}

func step(state, input, output any) (bool, any) {
	before := state.(history)
	h := history{before.circuit.Clone(), maps.Clone(before.permits), before.failures}
	var now time.Time // it never passes
	switch in := input.(type) {
	case acquire:
		epoch := h.circuit.Epoch
		probe, ok := h.circuit.Admit(now)
		if ok {
			h.permits[in.permit] = permit{epoch, probe}
		}
		return ok == output.(bool), h
	case settle:
		p := h.permits[in.permit]
		if in.outcome == circuit.Failure {
			h.failures++
		}
		if p.probe != 0 {
			h.circuit.Settle(p.probe, in.outcome, now)
		} else if in.outcome != circuit.Ignored {
			h.circuit.Record(p.epoch, in.outcome == circuit.Failure, now)
		}
		return true, h
	case command:
		until := time.Time{}
		if in.state == circuit.Open {
			until = now.Add(settings.Cooldown)
		}
		h.circuit.Command(in.state, circuit.NoHold, until)
		return true, h
	case change:
		h.circuit.Configure(in.settings, now)
		return true, h
	case look:
		log := ""
		for _, failed := range h.circuit.Log() {
			log += fmt.Sprint(!failed, " ")
		}
		return output.(seen) == seen{h.circuit.State, log, h.circuit.Probing(), h.failures}, h
	}
	panic("no such operation")
}

var model = porcupine.Model{
	Init: func() any {
		return history{&reference.Circuit{Settings: settings}, map[int]permit{}, 0}
	},
	Step:  step,
	Equal: func(a, b any) bool { return reflect.DeepEqual(a, b) },
	DescribeOperation: func(input, output any) string {
		return fmt.Sprintf("%T%+v: %+v", input, input, output)
	},
}

// TestHistoriesAreLinearizable lets clients acquire, settle, call, command and look at
// one protector at once, and checks that what they saw could have happened one after
// the other on the reference: no probe too many is admitted, no outcome lost or counted
// twice, no result of an earlier episode let in (S3), no half-written figure read.
func TestHistoriesAreLinearizable(t *testing.T) {
	const histories, clients, actions = 500, 4, 8
	states := map[circuit.State]int{}
	for seed := range uint64(histories) {
		r := recorder{protector: newProtector(t, seed%2 == 0)}
		start := make(chan struct{})
		var wg sync.WaitGroup
		for number := range clients {
			wg.Go(func() {
				c := r.newClient(number, seed)
				<-start
				for range actions {
					c.act()
				}
			})
		}
		close(start)
		wg.Wait()
		for _, op := range r.operations {
			if s, ok := op.Output.(seen); ok {
				states[s.state]++
			}
		}
		if result := porcupine.CheckOperationsTimeout(model, r.operations, 30*time.Second); result != porcupine.Ok {
			for _, op := range r.operations {
				t.Log(op.ClientId, op.Call, op.Return, model.DescribeOperation(op.Input, op.Output))
			}
			t.Fatalf("history with seed %d: %s", seed, result)
		}
	}
	if len(states) != 3 {
		t.Fatalf("the histories did not go through all states: %v", states)
	}
}

// A recorder writes down what clients do to a protector, and when.
type recorder struct {
	protector *highway.CircuitProtector
	clock     atomic.Int64

	mu         sync.Mutex
	operations []porcupine.Operation
}

func (r *recorder) now() int64 { return r.clock.Add(1) }

func (r *recorder) write(client int, called int64, input, output any) {
	returned := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.operations = append(r.operations, porcupine.Operation{
		ClientId: client, Input: input, Output: output, Call: called, Return: returned,
	})
}

// A client does random things to a protector.
type client struct {
	*recorder
	number  int
	random  *rand.Rand
	healthy bool // hardly anything fails, so that the window is full of successes
	permits map[int]*highway.Permit
	next    int
}

func (r *recorder) newClient(number int, seed uint64) *client {
	return &client{
		recorder: r,
		number:   number,
		random:   rand.New(rand.NewPCG(seed, uint64(number))),
		healthy:  seed%2 == 0,
		permits:  map[int]*highway.Permit{},
		next:     number * 1000,
	}
}

func (c *client) act() {
	switch n := c.random.IntN(20); {
	case n < 4:
		c.acquire()
	case n < 8 && len(c.permits) > 0:
		c.settle()
	case n < 16:
		c.call()
	case n < 17 && c.random.IntN(3) == 0:
		c.configure()
	case n < 17:
		c.command()
	default:
		c.look()
	}
	if c.random.IntN(3) == 0 {
		runtime.Gosched()
	}
}

func (c *client) acquire() {
	c.next++
	called := c.now()
	permit, err := c.protector.Acquire(context.Background())
	c.write(c.number, called, acquire{c.next}, err == nil)
	if err == nil {
		c.permits[c.next] = permit
	}
}

func (c *client) settle() {
	number := slices.Sorted(maps.Keys(c.permits))[c.random.IntN(len(c.permits))]
	permit := c.permits[number]
	delete(c.permits, number)
	outcome := c.outcome()
	called := c.now()
	[]func(){permit.Success, permit.Failure, permit.Ignore}[outcome]()
	c.write(c.number, called, settle{number, outcome}, nil)
}

// call is an acquire that ends where the call begins, and a settle that begins where
// it ends.
func (c *client) call() {
	c.next++
	outcome := c.outcome()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	called := c.now()
	made := false
	_ = c.protector.Do(ctx, func(context.Context) error {
		made = true
		c.write(c.number, called, acquire{c.next}, true)
		if c.random.IntN(3) == 0 {
			runtime.Gosched()
		}
		called = c.now()
		switch outcome {
		case circuit.Success:
			return nil
		case circuit.Ignored:
			cancel()
		}
		return errors.New("down")
	})
	if made {
		c.write(c.number, called, settle{c.next, outcome}, nil)
	} else {
		c.write(c.number, called, acquire{c.next}, false)
	}
}

func (c *client) outcome() circuit.Outcome {
	if c.healthy && c.random.IntN(10) > 0 {
		return circuit.Success
	}
	return []circuit.Outcome{circuit.Success, circuit.Success, circuit.Failure, circuit.Failure, circuit.Ignored}[c.random.IntN(5)]
}

func (c *client) command() {
	state := circuit.State(c.random.IntN(3))
	called := c.now()
	switch state {
	case circuit.Closed:
		_ = c.protector.Close(context.Background())
	case circuit.Open:
		if err := c.protector.Open(context.Background(), 0); err != nil {
			panic(err)
		}
	case circuit.HalfOpen:
		_ = c.protector.HalfOpen(context.Background())
	}
	c.write(c.number, called, command{state}, nil)
}

func (c *client) configure() {
	s := others[c.random.IntN(len(others))]
	called := c.now()
	if err := c.protector.Configure(highway.Settings{
		FailureLimit: highway.Fraction(s.Failures, s.Window),
		SuccessLimit: highway.Fraction(s.Successes, s.Probes),
		Cooldown:     s.Cooldown,
		ProbeTimeout: s.Lease,
	}); err != nil {
		panic(err)
	}
	c.write(c.number, called, change{s}, nil)
}

func (c *client) look() {
	called := c.now()
	s := c.protector.Snapshot()
	log := ""
	for ok := range s.Log.All() {
		log += fmt.Sprint(ok, " ")
	}
	c.write(c.number, called, look{}, seen{circuit.State(s.State), log, s.ProbesInFlight, s.Totals.Failures})
}

// TestAsManyProbesRunAsAreAllowed lets many calls at a half-open circuit at once, by
// every way in, and keeps those that are let through until all have tried. Then they
// end in every way there is.
func TestAsManyProbesRunAsAreAllowed(t *testing.T) {
	const rounds, callers, probes = 300, 8, 3
	p, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		SuccessLimit: highway.Fraction(1, probes),
	})
	if err != nil {
		t.Fatal(err)
	}
	retrying, err := highway.NewSafetyNet(highway.RetryWithBackoffPolicy{MaxRetries: highway.NoRetries}, p)
	if err != nil {
		t.Fatal(err)
	}
	for round := range rounds {
		_ = p.HalfOpen(context.Background())
		var admitted atomic.Int64
		var tried, done sync.WaitGroup
		tried.Add(callers)
		for caller := range callers {
			ctx, cancel := context.WithCancel(context.Background())
			held := func(context.Context) error {
				admitted.Add(1)
				tried.Done()
				tried.Wait()
				switch (round + caller) % 4 {
				case 0:
					cancel()
					return context.Canceled
				case 1:
					panic("down")
				case 2:
					runtime.Goexit()
				}
				return errors.New("down")
			}
			done.Go(func() {
				defer cancel()
				defer func() { _ = recover() }()
				var err error
				switch caller % 4 {
				case 0:
					err = p.Do(ctx, held)
				case 1:
					_, err = highway.Call(ctx, p, func(ctx context.Context) (int, error) { return 1, held(ctx) })
				case 2:
					err = retrying.Do(ctx, held)
				case 3:
					var permit *highway.Permit
					if permit, err = p.Acquire(ctx); err == nil {
						defer permit.Failure()
						err = held(ctx)
					}
				}
				if errors.Is(err, highway.ErrProtectedCall) {
					tried.Done()
				}
			})
		}
		done.Wait()
		if admitted.Load() != probes {
			t.Fatalf("round %d: %d calls were let through, want %d", round, admitted.Load(), probes)
		}
		if n := p.Snapshot().ProbesInFlight; n != 0 {
			t.Fatalf("round %d: %d probes are not settled", round, n)
		}
	}
}
