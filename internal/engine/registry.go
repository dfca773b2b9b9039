package engine

import (
	"context"
	"sync"

	"github.com/highway-engine/highway/fleet"
)

// engines are the engines that run. There is one for each storage, because its members
// share their goroutines and their requests.
var engines = struct {
	sync.Mutex
	of map[fleet.Storage]*Engine
}{of: map[fleet.Storage]*Engine{}}

// Join gives a part of a key its place in the engine of the storage. The part is made
// for what it is to the storage.
func Join(storage fleet.Storage, key string, make func(m Membership) Part) *Entry {
	engines.Lock()
	defer engines.Unlock()
	e := engines.of[storage]
	if e == nil {
		e = start(storage)
		engines.of[storage] = e
	}
	return e.join(key, make)
}

// Close ends the engine of the storage, if there is one, and returns when its
// goroutines have ended or ctx has. Its members are on their own from then on.
func Close(ctx context.Context, storage fleet.Storage) error {
	engines.Lock()
	e := engines.of[storage]
	delete(engines.of, storage)
	engines.Unlock()
	if e == nil {
		return nil
	}
	return e.close(ctx)
}

// abandoned says that the engine has no member left, and takes it out of the registry.
func (e *Engine) abandoned() bool {
	engines.Lock()
	defer engines.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.count > 0 {
		return false
	}
	if engines.of[e.storage] == e {
		delete(engines.of, e.storage)
	}
	return true
}
