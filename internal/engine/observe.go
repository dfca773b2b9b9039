package engine

import (
	"slices"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// The operations that a storage is asked for.
const (
	opExchange = "exchange"
	opChange   = "change"
	opSweep    = "sweep"
)

// An observer is told of a request that a storage has answered, or has not.
type observer struct {
	tell func(operation string, took time.Duration, err error)
}

// observers are those of each storage. Engines come and go, observers may be there before
// the first and stay until they are stopped. A list is never changed, only replaced.
var observers = struct {
	sync.Mutex
	of map[fleet.Storage][]*observer
}{of: map[fleet.Storage][]*observer{}}

// Observe has tell told of each request to the storage that ends from now on, until stop
// is called. It must neither panic nor end its goroutine. Stop may be called again.
func Observe(storage fleet.Storage, tell func(operation string, took time.Duration, err error)) (stop func()) {
	o := &observer{tell}
	observers.Lock()
	defer observers.Unlock()
	observers.of[storage] = append(slices.Clip(observers.of[storage]), o)
	return func() {
		observers.Lock()
		defer observers.Unlock()
		left := slices.DeleteFunc(slices.Clone(observers.of[storage]), func(other *observer) bool { return other == o })
		if len(left) == 0 {
			delete(observers.of, storage)
		} else {
			observers.of[storage] = left
		}
	}
}

// observed makes a request and tells the storage's observers what has come of it.
func (e *Engine) observed(operation string, request func() error) error {
	began := time.Now()
	err := request()
	took := time.Since(began)
	observers.Lock()
	all := observers.of[e.storage]
	observers.Unlock()
	for _, o := range all {
		o.tell(operation, took, err)
	}
	return err
}
