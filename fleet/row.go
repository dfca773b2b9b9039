// Package fleet is what the instances of a fleet share of one circuit breaker: the
// [Row], the [Report] of each instance, the [Storage] that keeps both, and the [Rule] by
// which reports open the fleet.
//
// The idea is "local verdict, fleet decision". Every instance has a circuit of its own
// and decides each call with it, without I/O. An instance whose circuit trips is open at
// once, for itself, and tells the others, which makes it a suspect. The others testify
// how the calls fare that they complete from then on. When the testimonies suffice,
// whoever sees that changes the row, and everybody adopts it.
package fleet

import "time"

// An Identity says which version of a row is meant. Every change of a row is made on
// the condition that its identity is still the one that was decided on (S1).
type Identity struct {
	Incarnation uint64 // given by the storage, never zero; a row deleted and made again has another (S11)
	Epoch       uint64 // counts the changes of state
	Nonce       uint64 // another for each change, also for those within an epoch
}

// Before says whether id is of an earlier epoch than other, in the same incarnation.
// Within an epoch nonces do not tell which version came first, nor do incarnations.
func (id Identity) Before(other Identity) bool {
	return id.Incarnation == other.Incarnation && id.Epoch < other.Epoch
}

// A Row is what the instances share of one circuit. One that nobody has changed yet is
// closed and at epoch 0. The zero Row is none: what there is where there is no row.
type Row struct {
	Identity
	State  State  // what calls meet, where no hold says otherwise
	Hold   Hold   // a person's order in force
	Reason Reason // why it is in its state
	By     string // the instance or the person that decided

	// Note is what the person said who gave the command that made this epoch: up to
	// [LongestNote] bytes, empty in one that instances decided.
	Note string

	// Remaining is the time left of an OPEN, or of a hold that ends, when the storage
	// read the row: zero or less when it is over, zero if there is none. In a change
	// that begins an epoch it is the time that shall be left (S10). Only the storage
	// knows the instant.
	Remaining time.Duration

	Probes []Probe // of the present HALF_OPEN
	Lost   int     // how many leases of it nobody settled
}

// Hold is a person's order, which no decision of an instance overrides (S8).
type Hold uint8

// The holds.
const (
	NoHold   Hold = iota
	HeldOpen      // for Remaining
	Isolated      // open until released
	Disabled      // closed until released
)

// Reason is why a row is in its state.
type Reason uint8

// The reasons.
const (
	Untouched Reason = iota
	Testified        // the testimonies sufficed, or the rule needs none
	CooldownOver
	ProbesSucceeded
	ProbesFailed
	Commanded
	HoldOver
	Foreign // a program that is no instance has written it
	Mended  // it made no sense
)

// A Probe is a lease on one call of a half-open fleet, and what came of it.
type Probe struct {
	Holder string // the instance; empty for one that nobody settled
	Number uint64 // the holder's, for telling its probes apart
	Result Result // Pending until it is settled

	// Remaining is the time left of the lease, as in Row, and zero once there is a
	// result. In a change it counts for pending probes that the row did not have in
	// this epoch; of others the storage keeps the instant.
	Remaining time.Duration
}

// Result is what came of a probe.
type Result uint8

// The results.
const (
	Pending Result = iota
	Succeeded
	Failed
)
