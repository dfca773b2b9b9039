package highway_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
)

// halfOpen returns a half-open protector that has one place for a probe.
func halfOpen(t *testing.T, storage highway.Storage) *highway.CircuitProtector {
	t.Helper()
	p := newProtector(t, highway.CircuitProtectorPolicy{ResourceKey: "nested", SuccessLimit: highway.Fraction(1, 1), Storage: storage})
	if err := p.HalfOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestACallWithinAProbeIsAPartOfIt: it finds no place of its own, and yet the circuit
// recovers.
func TestACallWithinAProbeIsAPartOfIt(t *testing.T) {
	type way = func(*highway.CircuitProtector, context.Context, func(context.Context) error) error
	ways := map[string]way{
		"Do": (*highway.CircuitProtector).Do,
		"Acquire": func(p *highway.CircuitProtector, ctx context.Context, call func(context.Context) error) error {
			permit, err := p.Acquire(ctx)
			if err != nil {
				return err
			}
			defer permit.Failure()
			err = call(permit.Context())
			permit.Settle(err)
			return err
		},
	}
	storages := map[string]func() highway.Storage{
		"alone":      func() highway.Storage { return nil },
		"in a fleet": func() highway.Storage { return highway.NewInMemoryStorage() },
	}
	for where, open := range storages {
		for around, outer := range ways {
			for within, inner := range ways {
				synctest.Test(t, func(t *testing.T) {
					storage := open()
					p := halfOpen(t, storage)
					time.Sleep(time.Second) // the storage has answered
					err := outer(p, t.Context(), func(ctx context.Context) error {
						for range 3 {
							if err := inner(p, ctx, succeed); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						t.Errorf("%s, %s in %s: %v", where, within, around, err)
					}
					time.Sleep(time.Second) // the fleet decides
					if p.Status() != highway.Closed {
						t.Errorf("%s, %s in %s: %+v", where, within, around, p.Snapshot())
					}
					if storage != nil {
						_ = highway.CloseStorage(t.Context(), storage)
					}
				})
			}
		}
	}
}

// TestOneCallAtATimeIsAPartOfAProbe, and none when the probe is over.
func TestOneCallAtATimeIsAPartOfAProbe(t *testing.T) {
	p := halfOpen(t, nil)
	var late context.Context
	err := p.Do(t.Context(), func(ctx context.Context) error {
		late = ctx
		return p.Do(ctx, func(context.Context) error {
			if err := p.Do(ctx, succeed); !errors.Is(err, highway.ErrProtectedCall) {
				t.Errorf("beside another part: %v", err)
			}
			if err := p.Do(t.Context(), succeed); !errors.Is(err, highway.ErrProtectedCall) {
				t.Errorf("with another context: %v", err)
			}
			return errDown
		})
	})
	if err != errDown {
		t.Error(err)
	}
	wantStatus(t, p, highway.Open)

	_ = p.HalfOpen(t.Context())
	permit := acquire(t, p, t.Context())
	if err := p.Do(late, succeed); !errors.Is(err, highway.ErrProtectedCall) {
		t.Errorf("after the probe: %v", err)
	}
	if err := p.Do(permit.Context(), succeed); err != nil {
		t.Errorf("within the next probe: %v", err)
	}
	permit.Ignore()
	if s := p.Snapshot(); s.State != highway.HalfOpen || s.ProbesInFlight != 0 || s.Totals.Ignored != 1 {
		t.Errorf("after an ignored probe: %+v", s)
	}
}
