package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/postgres"
)

var errBroken = errors.New("broken")

// newFleet gives each of n instances a storage of its own, and a protector on it.
func newFleet(t *testing.T, s *stored, n int, options ...postgres.Option) []*highway.CircuitProtector {
	t.Helper()
	var fleet []*highway.CircuitProtector
	for range n {
		storage, err := postgres.Open(t.Context(), dsn(t), append(options, postgres.WithSchema(s.schema))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := storage.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		fleet = append(fleet, protector(t, storage))
	}
	return fleet
}

func protector(t *testing.T, storage highway.Storage) *highway.CircuitProtector {
	t.Helper()
	p, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "payment", Storage: storage,
		FailureLimit: highway.Fraction(5, 10), SuccessLimit: highway.Fraction(2, 2), Cooldown: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// call lets every instance make a call that ends like this.
func call(fleet []*highway.CircuitProtector, err error) {
	for _, p := range fleet {
		_ = p.Do(context.Background(), func(context.Context) error { return err })
	}
}

// all says whether every instance is in the state.
func all(fleet []*highway.CircuitProtector, state highway.CircuitState) bool {
	for _, p := range fleet {
		if p.Status() != state {
			return false
		}
	}
	return true
}

func TestAFleetOpensProbesAndClosesTogether(t *testing.T) {
	for _, options := range [][]postgres.Option{nil, {postgres.WithPollOnly()}, {postgres.WithNamespace("blue")}} {
		t.Run(fmt.Sprint(len(options)), func(t *testing.T) {
			fleet := newFleet(t, newStored(t), 4, options...)
			call(fleet, nil)
			waitFor(t, func() bool {
				call(fleet, nil)
				for _, p := range fleet {
					if !p.Snapshot().Fleet.Live {
						return false
					}
				}
				return true
			})
			time.Sleep(300 * time.Millisecond) // they know of each other
			waitFor(t, func() bool { call(fleet, errBroken); return all(fleet, highway.Open) })
			waitFor(t, func() bool { call(fleet, nil); return all(fleet, highway.Closed) })
		})
	}
}

func TestAPersonsCommandIsForAllAtOnce(t *testing.T) {
	fleet := newFleet(t, newStored(t), 3)
	call(fleet, nil)
	time.Sleep(300 * time.Millisecond)
	for _, command := range []struct {
		name string
		give func(p *highway.CircuitProtector) error
		want highway.CircuitState
	}{
		{"isolate", func(p *highway.CircuitProtector) error { return p.Isolate(t.Context()) }, highway.Open},
		{"close", func(p *highway.CircuitProtector) error { return p.Close(t.Context()) }, highway.Closed},
		{"open", func(p *highway.CircuitProtector) error { return p.Open(t.Context(), time.Hour) }, highway.Open},
		{"disable", func(p *highway.CircuitProtector) error { return p.Disable(t.Context()) }, highway.Closed},
		{"release", func(p *highway.CircuitProtector) error { return p.Release(t.Context()) }, highway.HalfOpen},
	} {
		if err := command.give(fleet[0]); err != nil {
			t.Fatal(command.name, err)
		}
		waitFor(t, func() bool { return all(fleet, command.want) })
	}
}

func TestWithoutADatabaseNothingHappensToCalls(t *testing.T) {
	storage, err := postgres.Open(t.Context(), "postgres://nobody:secret@127.0.0.1:1/nothing?connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	p, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "payment", Storage: storage, FailureLimit: highway.Fraction(2, 4)})
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for i := range 4 {
		if err := p.Do(t.Context(), func(context.Context) error {
			if i%2 == 0 {
				return nil
			}
			return errBroken
		}); (err == nil) != (i%2 == 0) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if p.Status() != highway.Open {
		t.Errorf("it is %v", p.Status())
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("five calls took %v", took)
	}
	waitFor(t, func() bool { f := p.Snapshot().Fleet; return !f.Live && f.Err != nil && storage.Status().Err != nil })
	if err := p.Close(t.Context()); !errors.Is(err, highway.ErrNotDone) {
		t.Errorf("a command says %v", err)
	}
	if err := storage.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
