package fleet

import (
	"context"
	"errors"
	"time"
)

// Storage is where the instances of a fleet meet. It keeps, for each key, a [Row] and
// the reports of the instances, and decides nothing. Its clock sets deadlines; instants
// never travel.
//
// All methods may be called at once, and what they do at one key is as if done one
// after the other. An error means that what was asked may or may not have happened;
// asking again is always safe. A context that has ended before is an error.
//
// Keys have 1 to [LongestKey] bytes and are independent. A storage refuses, by an error,
// a key that it cannot hold; it never keeps it under another name. Nothing that is
// passed or returned is shared, and either side may change its copy, but for the
// [Report.Dismissed] in a view: whoever reads that may not change it.
//
// A row that makes no sense, because somebody else has written it, reads as a closed one
// with an identity from which it can be changed. The storage reports it as it can.
//
// A storage that people can look into is a [Ledger].
//
// The package storagetest holds an implementation against all this, and docs/storage.md
// says how to write one.
type Storage interface {
	// Exchange stores the reports of an instance, each under its key, and then returns
	// the views of these keys. That an instance asks, be it about no key, is also the
	// sign that it lives.
	//
	// A key that has no row gets one: closed, at epoch 0, with an incarnation that no
	// row at the key had before (S11). So what a view shows is always the identity of a
	// row that exists, and never zero.
	//
	// A key that fails does not keep the others from being stored and viewed: beside
	// an error, the views that there are hold, and the keys that are missing have
	// failed.
	Exchange(ctx context.Context, instance string, reports map[string]Report) (map[string]View, error)

	// Change puts row in the place of the one at key if that has exactly the identity
	// from, and returns the row that is there then, be it another (S1, S3).
	//
	// Deadlines start when the change is made, not when it was asked for (S10).
	// Row.Remaining counts in a change that begins an epoch, Probe.Remaining for a
	// pending probe that the epoch did not have yet. Otherwise the storage keeps the
	// instants that there are (S2). Of none does it ever say that there is more time
	// left than there was at first, though its clock has been set back (S10).
	//
	// Where there is no row, or none any more, Change makes none and returns the zero
	// Row: a change that comes late never applies to a row that was made since (S11).
	// The zero Identity is that of no row. A row keeps its incarnation, whatever the
	// given one says. A note that [CheckNote] refuses is an error.
	Change(ctx context.Context, key string, from Identity, row Row) (Row, error)

	// Sweep returns up to limit keys, after the given one in the storage's order, at
	// which something goes on: a row that is not plainly closed, without a hold, or a
	// live instance's suspicion about the row's epoch. It begins with "", ends with an
	// empty answer, and misses no key at which something goes on all the while.
	Sweep(ctx context.Context, after string, limit int) ([]string, error)

	// Watch calls changed, one key at a time, with each key whose row has changed or
	// that has got a new suspicion, until ctx, the storage or the connection ends. It
	// says which by an error, never nil. It may lose, double and delay. Changed may
	// call the storage.
	Watch(ctx context.Context, changed func(key string)) error

	// Close ends everything that the storage has started, and whatever watches. Later
	// calls fail with [ErrClosed]; closing again does nothing.
	Close(ctx context.Context) error
}

// SilentAfter is how long after its last exchange an instance counts as live. Then its
// reports vanish, at all keys and for good: if it speaks again, what it has not said
// again is not there.
//
// Storages may also forget a key at which nothing goes on, reports and row, when nobody
// has asked about it for minutes.
const SilentAfter = 10 * time.Second

// LongestKey is how many bytes a key has at most.
const LongestKey = 255

// ErrClosed is what a storage says when it is closed.
var ErrClosed = errors.New("fleet: the storage is closed")
