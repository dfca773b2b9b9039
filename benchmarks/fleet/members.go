package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/highway-engine/highway"
)

// grace is how long a new member of a fleet does not trust that it has heard of all
// others, and a little more.
const grace = 11 * time.Second

var errDown = errors.New("down")

// gather makes a fleet of so many instances, with protectors for so many keys each. Each
// begins when the one before has joined and hears notifications, as in a rollout: a
// hundred that start at the same instant would measure how processes start.
func (d *database) gather(ctx context.Context, instances, keys int, policy func(instance int) highway.CircuitProtectorPolicy) ([][]*highway.CircuitProtector, error) {
	all := make([][]*highway.CircuitProtector, instances)
	for i := range all {
		storage, err := d.open(ctx)
		if err != nil {
			return nil, err
		}
		for k := range keys {
			p := policy(i)
			p.ResourceKey, p.Storage = fmt.Sprintf("key-%05d", k), storage
			protector, err := highway.NewCircuitProtector(p)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], protector)
		}
		if err := await(ctx, time.Minute, "that an instance joins", func() bool {
			return all[i][0].Snapshot().Fleet.Live && storage.Status().Notified
		}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// await looks until something is so.
func await(ctx context.Context, most time.Duration, what string, so func() bool) error {
	for end := time.Now().Add(most); !so(); {
		if time.Now().After(end) {
			return fmt.Errorf("waited %v: %s", most, what)
		}
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
