package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/postgres/postgrestest"
)

// A contestant is a breaker in each of several instances, shared or not.
type contestant struct {
	name    string
	call    func(instance int, work func() error) error
	refused func(err error) bool
	reset   func(ctx context.Context) error // closes all
	ready   time.Time                       // when the instances know of each other
	store   *stoppable                      // nil: there is none
	close   func()
}

// A stoppable is the server that a store is on.
type stoppable struct {
	stop, start func(ctx context.Context) error
}

// tripsAt is how many failures in a row trip each of them after healthy calls.
const tripsAt = 10

func protectorPolicy(int) highway.CircuitProtectorPolicy {
	return highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(tripsAt, 2*tripsAt), Cooldown: time.Hour}
}

// highwayShared are protectors on PostgreSQL.
func highwayShared(ctx context.Context, instances int) (*contestant, error) {
	d, err := startDatabase(ctx)
	if err != nil {
		return nil, err
	}
	members, err := d.gather(ctx, instances, 1, protectorPolicy)
	if err != nil {
		d.close()
		return nil, err
	}
	var all []*highway.CircuitProtector
	for _, m := range members {
		all = append(all, m[0])
	}
	c := highwayOn("Highway on PostgreSQL", all)
	c.ready = time.Now().Add(grace)
	c.reset = func(ctx context.Context) error {
		if err := all[0].Close(ctx); err != nil {
			return err
		}
		return await(ctx, 10*time.Second, "that the fleet closes", func() bool { return inState(all, highway.Closed) })
	}
	c.store = &stoppable{
		stop:  func(ctx context.Context) error { return d.server.Stop(ctx, postgrestest.Fast) },
		start: d.server.StartAgain,
	}
	c.close = d.close
	return c, nil
}

// highwayAlone are protectors that know nothing of each other.
func highwayAlone(_ context.Context, instances int) (*contestant, error) {
	var all []*highway.CircuitProtector
	for i := range instances {
		p, err := highway.NewCircuitProtector(protectorPolicy(i))
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	c := highwayOn("Highway, each on its own", all)
	c.reset = func(ctx context.Context) error {
		for _, p := range all {
			if err := p.Close(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	return c, nil
}

func highwayOn(name string, all []*highway.CircuitProtector) *contestant {
	return &contestant{
		name: name,
		call: func(instance int, work func() error) error {
			return all[instance].Do(context.Background(), func(context.Context) error { return work() })
		},
		refused: func(err error) bool { return errors.Is(err, highway.ErrProtectedCall) },
		close:   func() {},
	}
}

func gobreakerSettings(name string) gobreaker.Settings {
	return gobreaker.Settings{
		Name: name, Timeout: time.Hour,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripsAt },
	}
}

func gobreakerRefused(err error) bool {
	return errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests)
}

// gobreakerShared are distributed breakers on Redis.
func gobreakerShared(ctx context.Context, instances int) (*contestant, error) {
	server, err := startRedis(ctx)
	if err != nil {
		return nil, err
	}
	stores := make([]*redisStore, instances)
	for i := range stores {
		stores[i] = newRedisStore(server.address)
	}
	all := make([]*gobreaker.DistributedCircuitBreaker[int], instances)
	names := 0
	c := &contestant{
		name: "gobreaker on Redis",
		call: func(instance int, work func() error) error {
			_, err := all[instance].Execute(func() (int, error) { return 0, work() })
			return err
		},
		refused: gobreakerRefused,
		// It has no way to close one: the next outage is one of another resource.
		reset: func(context.Context) (err error) {
			names++
			for i := range all {
				all[i], err = gobreaker.NewDistributedCircuitBreaker[int](stores[i], gobreakerSettings(fmt.Sprint("resource-", names)))
				if err != nil {
					return err
				}
			}
			return nil
		},
		store: &stoppable{stop: server.stop, start: server.start},
		close: func() {
			for _, s := range stores {
				_ = s.client.Close()
			}
			server.close()
		},
	}
	return c, nil
}

// gobreakerAlone are breakers that know nothing of each other.
func gobreakerAlone(_ context.Context, instances int) (*contestant, error) {
	all := make([]*gobreaker.CircuitBreaker[int], instances)
	return &contestant{
		name: "gobreaker, each on its own",
		call: func(instance int, work func() error) error {
			_, err := all[instance].Execute(func() (int, error) { return 0, work() })
			return err
		},
		refused: gobreakerRefused,
		reset: func(context.Context) error {
			for i := range all {
				all[i] = gobreaker.NewCircuitBreaker[int](gobreakerSettings("resource"))
			}
			return nil
		},
		close: func() {},
	}, nil
}
