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

func newProtector(t *testing.T) *highway.CircuitProtector {
	p, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(settings.Failures, settings.Window),
		SuccessLimit: highway.Fraction(settings.Successes, settings.Probes),
		Cooldown:     settings.Cooldown,
		ProbeTimeout: settings.Lease,
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

// TestHistoriesAreLinearizable lets clients acquire, settle, command and look at one
// protector at once, and checks that what they saw could have happened one after the
// other on the reference: no probe too many is admitted, no outcome lost or counted
// twice, no result of an earlier episode let in (S3), no half-written figure read.
func TestHistoriesAreLinearizable(t *testing.T) {
	const histories, clients, operations = 300, 4, 12
	states := map[circuit.State]int{}
	for seed := range uint64(histories) {
		p := newProtector(t)
		var clock atomic.Int64
		all := make([][]porcupine.Operation, clients)
		var wg sync.WaitGroup
		start := make(chan struct{})
		for client := range clients {
			wg.Go(func() {
				<-start
				c := newClient(p, client, seed)
				for range operations {
					called := clock.Add(1)
					in, out := c.act()
					all[client] = append(all[client], porcupine.Operation{
						ClientId: client, Input: in, Output: out, Call: called, Return: clock.Add(1),
					})
				}
			})
		}
		close(start)
		wg.Wait()
		ops := slices.Concat(all...)
		for _, op := range ops {
			if s, ok := op.Output.(seen); ok {
				states[s.state]++
			}
		}
		if result := porcupine.CheckOperationsTimeout(model, ops, 30*time.Second); result != porcupine.Ok {
			for _, op := range ops {
				t.Log(op.ClientId, op.Call, op.Return, model.DescribeOperation(op.Input, op.Output))
			}
			t.Fatalf("history with seed %d: %s", seed, result)
		}
	}
	if len(states) != 3 {
		t.Fatalf("the histories did not go through all states: %v", states)
	}
}

// A client does random things to a protector.
type client struct {
	protector *highway.CircuitProtector
	random    *rand.Rand
	permits   map[int]*highway.Permit
	next      int
}

func newClient(p *highway.CircuitProtector, number int, seed uint64) *client {
	return &client{p, rand.New(rand.NewPCG(seed, uint64(number))), map[int]*highway.Permit{}, number * 1000}
}

func (c *client) act() (input, output any) {
	switch n := c.random.IntN(10); {
	case n < 4 || len(c.permits) == 0:
		c.next++
		permit, err := c.protector.Acquire(context.Background())
		if err == nil {
			c.permits[c.next] = permit
		}
		return acquire{c.next}, err == nil
	case n < 8:
		number := slices.Sorted(maps.Keys(c.permits))[c.random.IntN(len(c.permits))]
		permit := c.permits[number]
		delete(c.permits, number)
		outcome := []circuit.Outcome{circuit.Success, circuit.Success, circuit.Failure, circuit.Failure, circuit.Ignored}[c.random.IntN(5)]
		[]func(){permit.Success, permit.Failure, permit.Ignore}[outcome]()
		return settle{number, outcome}, nil
	case n < 9:
		state := circuit.State(c.random.IntN(3))
		switch state {
		case circuit.Closed:
			c.protector.Close()
		case circuit.Open:
			if err := c.protector.Open(0); err != nil {
				panic(err)
			}
		case circuit.HalfOpen:
			c.protector.HalfOpen()
		}
		return command{state}, nil
	}
	s := c.protector.Snapshot()
	log := ""
	for ok := range s.Log.All() {
		log += fmt.Sprint(ok, " ")
	}
	return look{}, seen{circuit.State(s.State), log, s.ProbesInFlight, s.Totals.Failures}
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
		p.HalfOpen()
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
