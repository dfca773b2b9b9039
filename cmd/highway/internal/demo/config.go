// Package demo runs real clients against a real HTTP server on loopback that breaks
// and recovers: as one fleet, once more with breakers that know nothing of each other,
// and once more without any. It shows what each is good for.
package demo

import (
	"errors"
	"fmt"
	"time"

	"github.com/highway-engine/highway/internal/durations"
)

// What a Config may hold.
const (
	MaxInstances = 1000
	MinDuration  = time.Second
	MaxDuration  = time.Hour
)

// A Config says how a run is to be. Its fields are the flags of the command, and
// Validate calls them so.
type Config struct {
	Instances int           // how many protected clients there are; 1 to MaxInstances
	Sick      int           // how many of them have a bad network of their own; not all
	Duration  time.Duration // of the run; MinDuration to MaxDuration
	Outage    time.Duration // how much of it the server is down; 0 means half of it
	Seed      uint64        // decides when the calls are made
	Storage   string        // where the fleet meets: Memory, the default, or Postgres

	// Logf is told what takes time before the run, such as a download. It may be nil.
	Logf func(format string, arguments ...any)
}

// Validate names each flag whose value makes no sense, the value and the rule.
func (c Config) Validate() error {
	var errs []error
	if c.Instances < 1 || c.Instances > MaxInstances {
		errs = append(errs, fmt.Errorf("--instances %d: it must be from 1 to %d", c.Instances, MaxInstances))
	}
	switch {
	case c.Storage != "" && c.Storage != Memory && c.Storage != Postgres:
		errs = append(errs, fmt.Errorf("--storage %s: it must be %s or %s", c.Storage, Memory, Postgres))
	case c.Storage == Postgres && c.Instances > MaxPostgres && c.Instances <= MaxInstances:
		errs = append(errs, fmt.Errorf("--instances %d: it must be at most %d with --storage %s, as each has connections of its own",
			c.Instances, MaxPostgres, Postgres))
	}
	if c.Sick < 0 || c.Sick > 0 && c.Sick >= c.Instances {
		errs = append(errs, fmt.Errorf("--sick %d: it must be from 0 to %d, fewer than the instances",
			c.Sick, max(0, c.Instances-1)))
	}
	if c.Duration < MinDuration || c.Duration > MaxDuration {
		errs = append(errs, fmt.Errorf("--duration %v: it must be from %s to %s",
			c.Duration, durations.Short(MinDuration), durations.Short(MaxDuration)))
	}
	switch {
	case c.Outage < 0:
		errs = append(errs, fmt.Errorf("--outage %v: it must be more than 0, or 0 for half of the duration", c.Outage))
	case c.Outage > 0 && c.Outage >= c.Duration:
		errs = append(errs, fmt.Errorf("--outage %v: it must be less than the duration, which is %v", c.Outage, c.Duration))
	}
	return errors.Join(errs...)
}

// withDefaults fills in what a zero Outage and an empty Storage stand for.
func (c Config) withDefaults() Config {
	if c.Storage == "" {
		c.Storage = Memory
	}
	if c.Outage == 0 {
		c.Outage = c.Duration / 2
	}
	return c
}

// cooldown is short enough to show about ten rounds of probing in an outage, and long
// enough for calls to come in it: a breaker spares a server nothing while there are none.
func (c Config) cooldown() time.Duration {
	return min(max(c.Outage/12, 4*c.interval()), 2*time.Second)
}

// interval is the mean time between two calls of an instance. All instances together
// make 1333 calls a second at most, three times over, so that it is not the machine that
// is too slow.
func (c Config) interval() time.Duration {
	return max(25*time.Millisecond, time.Duration(c.Instances)*time.Millisecond*3/4)
}
