package highway

import (
	"reflect"
	"time"

	"github.com/highway-engine/highway/internal/engine"
)

// A StorageRequest tells an observer of one request to a storage.
type StorageRequest struct {
	// Operation is the method of [Storage] that was called: "exchange", "change" or
	// "sweep". An exchange is about up to 500 circuits, or about none: every few seconds
	// a process says that it lives.
	Operation string

	// Took is how long it was waited for. A request has a second; one that is not
	// answered by then is given up.
	Took time.Duration

	// Err is what came of it; nil: it was answered.
	Err error
}

// ObserveStorage tells observe of each request that the protectors of this process make
// to a storage, as it ends, until stop is called. There may be any number of observers,
// and it does not matter whether protectors use the storage yet, or still; what nobody
// uses is asked nothing. [DefaultStorage] is that of protectors whose policy names none;
// with a nil storage, or a nil observe, nothing is observed.
//
// Observe runs on a goroutine of its own, which whoever made the request waits for: a
// command, otherwise what serves all protectors on the storage. It must be quick, and
// must not call anything that waits for the storage; several calls of it may run at once.
// A panic in it, or runtime.Goexit, is caught and logged with [log/slog]. While a storage hangs in one request
// it is asked no other, so there is none to tell of: Snapshot().Fleet says that it is not
// live.
//
// Stop may be called more than once, and from observe. A request that ends while it is
// called may still be told of.
func ObserveStorage(storage Storage, observe func(StorageRequest)) (stop func()) {
	if observe == nil || storage == nil || !reflect.ValueOf(storage).Comparable() {
		return func() {}
	}
	return engine.Observe(storage, func(operation string, took time.Duration, err error) {
		apart("ObserveStorage", func() {
			observe(StorageRequest{Operation: operation, Took: took, Err: err})
		})
	})
}
