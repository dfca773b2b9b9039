package demo

import (
	"context"
	"time"
)

// A clock counts from the start of a run and knows the scenario. The server and all
// instances go by the same one.
type clock struct {
	start    time.Time
	scenario scenario
}

func (c *clock) elapsed() time.Duration { return time.Since(c.start) }

func (c *clock) phase() phase { return c.scenario.phaseAt(c.elapsed()) }

func (c *clock) sick() bool { return c.scenario.sickAt(c.elapsed()) }

// wait returns at the given instant, or earlier with the error of ctx.
func (c *clock) wait(ctx context.Context, at time.Duration) error {
	timer := time.NewTimer(at - c.elapsed())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}
