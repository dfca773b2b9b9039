package highway

import (
	"context"
	"errors"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/engine"
	"github.com/highway-engine/highway/internal/memory"
)

// Storage is where the protectors of a fleet meet: those with the same ResourceKey on
// the same storage are one breaker, wherever they run. See package [fleet] for what it
// promises and docs/storage.md for how to make one.
type Storage = fleet.Storage

// InMemoryStorage is a [Storage] in this process: its protectors of one key are a fleet
// among themselves, and share nothing with other processes. It is a [fleet.Ledger] too.
//
// A key at which nothing goes on is forgotten when nobody has asked about it for some
// minutes, so keys do not pile up.
type InMemoryStorage struct{ memory *memory.Storage }

// NewInMemoryStorage returns an empty storage.
func NewInMemoryStorage() *InMemoryStorage { return &InMemoryStorage{memory.New(time.Now)} }

var _ fleet.Ledger = (*InMemoryStorage)(nil)

// Exchange implements [Storage].
func (s *InMemoryStorage) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	return s.memory.Exchange(ctx, instance, reports)
}

// Change implements [Storage].
func (s *InMemoryStorage) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	return s.memory.Change(ctx, key, from, row)
}

// Sweep implements [Storage].
func (s *InMemoryStorage) Sweep(ctx context.Context, after string, limit int) ([]string, error) {
	return s.memory.Sweep(ctx, after, limit)
}

// Watch implements [Storage].
func (s *InMemoryStorage) Watch(ctx context.Context, changed func(key string)) error {
	return s.memory.Watch(ctx, changed)
}

// List implements [fleet.Ledger].
func (s *InMemoryStorage) List(ctx context.Context, q fleet.Query) ([]fleet.Circuit, error) {
	return s.memory.List(ctx, q)
}

// Look implements [fleet.Ledger].
func (s *InMemoryStorage) Look(ctx context.Context, key string) (fleet.Detail, error) {
	return s.memory.Look(ctx, key)
}

// History implements [fleet.Ledger]. It has the last few thousand transitions, of all keys
// together.
func (s *InMemoryStorage) History(ctx context.Context, q fleet.HistoryQuery) ([]fleet.Transition, error) {
	return s.memory.History(ctx, q)
}

// Instances implements [fleet.Ledger].
func (s *InMemoryStorage) Instances(ctx context.Context) ([]fleet.Instance, error) {
	return s.memory.Instances(ctx)
}

// Remove implements [fleet.Ledger].
func (s *InMemoryStorage) Remove(ctx context.Context, key string, from fleet.Identity, by, note string) (is fleet.Row, removed bool, err error) {
	return s.memory.Remove(ctx, key, from, by, note)
}

// Close ends what runs for the protectors on the storage, as [CloseStorage] does, and the
// storage with it.
func (s *InMemoryStorage) Close(ctx context.Context) error {
	return errors.Join(CloseStorage(ctx, s), s.memory.Close(ctx))
}

// CloseStorage ends what runs for the protectors on a storage, and returns when that has
// ended or ctx has. From then on each protector is on its own. The storage itself is not
// closed.
func CloseStorage(ctx context.Context, storage Storage) error {
	return engine.Close(ctx, storage)
}
