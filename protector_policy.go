package highway

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// What the zero fields of a [CircuitProtectorPolicy] stand for.
const (
	DefaultCooldown     = 30 * time.Second
	DefaultProbeTimeout = time.Minute
)

// The default limits. At an error rate of 10 % a window of 20 holds 10 failures with a
// probability of 7 in a million, a window of 10 holds 5 with one of 16 in ten thousand.
var (
	defaultFailureLimit = Fraction(10, 20)
	defaultSuccessLimit = Fraction(2, 3)
)

// maxKeyLength is what the storages' key column holds.
const maxKeyLength = 255

// CircuitProtectorPolicy describes a circuit protector; [NewCircuitProtector] builds
// it. Every zero field has a default that makes sense, so the zero policy works.
type CircuitProtectorPolicy struct {
	// ResourceKey names what the calls go to, in errors and snapshots. With a Storage
	// it must have 1 to 255 bytes.
	ResourceKey string

	// Cooldown is how long a circuit stays OPEN before it probes. Zero means
	// [DefaultCooldown]. The error of a failed call can ask for more time, by a method
	// RetryAfter() time.Duration that errors.As finds in it: an OPEN that begins with the
	// failure, or before that time is over, lasts until then. Nobody gets more than ten
	// cooldowns.
	Cooldown time.Duration

	// FailureLimit trips the circuit: Fraction(3, 10) when 3 of the last 10 outcomes
	// are failures. It never trips before the window is full. The zero Limit means
	// Fraction(10, 20).
	FailureLimit Limit

	// SuccessLimit closes the circuit: with Fraction(2, 3) a half-open circuit lets 3
	// calls probe, closes with the second success and opens again with the second
	// failure. The zero Limit means Fraction(2, 3).
	SuccessLimit Limit

	// ProbeTimeout is how long the place of a probe is kept, and should be longer than
	// the slowest call. After it the probe decides nothing and another takes its place;
	// once as many probes are lost as SuccessLimit allows, each further one counts as
	// failed, so that no circuit stays half-open for ever. Zero means
	// [DefaultProbeTimeout].
	ProbeTimeout time.Duration

	// ShouldHandle tells which errors are failures of the resource. An error for
	// which it is false counts as a success: the resource has answered. Nil means
	// every error. It is not asked about a refusal by another protector, nor about a
	// call whose own context says Canceled (as the siblings of a failed call in an
	// errgroup do): these count as neither. A deadline that passed is asked about,
	// and counts by default. It must be safe for concurrent use.
	ShouldHandle func(error) bool

	// OnStatusChange is told of every change of state, one change at a time and in
	// order, with no lock held: it may call the protector. It runs on the goroutine
	// whose call or command caused the change, before that returns, or on the one
	// that is running it already; the end of a cooldown has a goroutine of its own.
	// A panic in it is caught and logged with [log/slog]. A command that leaves the
	// state as it is, such as Isolate on an open circuit, is no change.
	OnStatusChange func(StatusChange)

	// OnRefusal is told of each call that is refused, with the call's context and the
	// error that it gets, on its goroutine, before it returns and with no lock held. A
	// panic in it is caught and logged with [log/slog]. An open circuit may refuse
	// millions: it should be quick. Nil costs nothing. It must be safe for concurrent use.
	OnRefusal func(context.Context, *ProtectedCallError)

	// CountCalls makes Snapshot count successes and refusals too. Without it a success
	// that changes nothing is not written down, and neither is a refusal. With it each of
	// them is counted, which takes neither a lock nor a clock: some nanoseconds on any
	// number of cores (benchmarks/README.md has both), and 64 bytes, or up to 256 for
	// each core where calls come at once.
	CountCalls bool

	// Rule decides when the trips of single instances open the circuit for the whole
	// fleet. Nil means [fleet.SequentialTest]. It matters with a Storage only.
	Rule fleet.Rule

	// Storage makes the protector one of a fleet: all protectors with this ResourceKey
	// on this storage.
	//
	// Nil means the storage of the process, which is looked up once, when the first
	// protector without a Storage is made: that of package postgres, if the program
	// imports it and HW_DB_HOST and HW_DB_PASSWORD, or HW_DB_DSN, are in the environment
	// or in the file .env of the working directory. A protector without a ResourceKey
	// has no part in it.
	//
	// Without one, nil keeps the circuit's state in this protector. It is logged why,
	// once, if a variable HW_DB_* is set. [NewInMemoryStorage] opts out.
	Storage Storage
}

// Validate says what makes no sense in the policy, naming each field, its value and
// the rule in an [*InvalidPolicyError].
func (c CircuitProtectorPolicy) Validate() error {
	p := problems{policy: "CircuitProtectorPolicy"}
	c.settings().check(&p)
	p.check(!isNil(c.Rule), "Rule", fmt.Sprintf("a nil %T", c.Rule), "it must be a rule, or an untyped nil for the default")
	if c.Storage != nil {
		p.check(!isNil(c.Storage), "Storage", fmt.Sprintf("a nil %T", c.Storage),
			"it must be a storage, or an untyped nil for none")
		p.check(reflect.ValueOf(c.Storage).Comparable(), "Storage", fmt.Sprintf("a %T", c.Storage),
			"it must be comparable, as a pointer is: protectors on the same one are a fleet")
		p.check(c.ResourceKey != "" && len(c.ResourceKey) <= maxKeyLength,
			"ResourceKey", fmt.Sprintf("%q", c.ResourceKey),
			fmt.Sprintf("with a storage it must have 1 to %d bytes", maxKeyLength))
	}
	return p.err()
}

// settings are the numbers of the policy.
func (c CircuitProtectorPolicy) settings() Settings {
	return Settings{c.Cooldown, c.FailureLimit, c.SuccessLimit, c.ProbeTimeout}
}

// isNil says whether v is a nil pointer, map, chan or func inside an interface.
func isNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.Slice:
		return r.IsNil()
	}
	return false
}
