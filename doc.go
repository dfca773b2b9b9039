// Package highway keeps a service standing when what it calls falls over.
//
// A [CircuitProtector] is a circuit breaker: it stops calling what keeps failing, and
// probes after a while whether it is back. A [RetryWithBackoffPolicy] calls again
// what failed by chance. A [SafetyNet] joins policies into one.
//
// Protectors that have a ResourceKey and a [Storage] in common are one breaker: see
// docs/fleet.md.
//
// A call goes through any of them with Do, or with [Call] if it returns a value;
// [Decorate] makes a protected function of a function. All are safe for concurrent
// use and need the standard library only. Without a Storage they keep no goroutine.
//
// # Errors
//
// A call's own error comes back as it is, but for a retry that gave up: that returns
// a [*RetryLimitReachedError] which wraps the last one. A refused call returns a
// [*ProtectedCallError], which matches [ErrProtectedCall]. A policy that makes no
// sense is refused with an [*InvalidPolicyError] for each field, before anything is
// done with it.
//
// # What counts
//
// An error counts as a failure unless ShouldHandle says otherwise, and so do a panic
// and runtime.Goexit. A call that its own caller cancelled says nothing about the
// resource and counts as nothing; a deadline that passed counts. Nobody knows of a call
// that hangs until it returns: give calls a context with a timeout.
package highway
