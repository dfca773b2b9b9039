package driver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/engine"
)

const (
	// patience is how long a request waits for the driver. It is less than the time an
	// engine has, so that its log says what is missing.
	patience = 500 * time.Millisecond
	// expectation is how long a driver may take to register: longer than any program
	// needs to begin.
	expectation = 30 * time.Second
)

// A late storage stands for that of a driver which has yet to register. Protectors that
// are package variables are often made before that; they are a fleet as soon as it has,
// and on their own until then.
type late struct {
	once    sync.Once
	settled chan struct{}
	storage fleet.Storage // once settled; nil: there will be none
	told    atomic.Bool   // somebody has been told that the driver is missing
}

func newLate() *late { return &late{settled: make(chan struct{})} }

// settle says what it stands for, if that has not been said. With nothing the protectors
// are on their own for good.
func (l *late) settle(storage fleet.Storage) (first bool) {
	l.once.Do(func() {
		first = true
		l.storage = storage
		close(l.settled)
		if storage == nil {
			done, cancel := context.WithCancel(context.Background())
			cancel() // its members are on their own at once, nobody waits for the rest
			_ = engine.Close(done, l)
		}
	})
	return first
}

// wait returns the storage when there is one, and soon otherwise.
func (l *late) wait(ctx context.Context) (fleet.Storage, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-l.settled:
		if l.storage != nil {
			return l.storage, nil
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		l.told.Store(true)
		return nil, errMissing
	}
	// The engine is about to end, and shall not log that it gets no answer.
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, errNone
	}
}

// Exchange implements [fleet.Storage].
func (l *late) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	storage, err := l.wait(ctx)
	if err != nil {
		return nil, err
	}
	return storage.Exchange(ctx, instance, reports)
}

// Change implements [fleet.Storage].
func (l *late) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	storage, err := l.wait(ctx)
	if err != nil {
		return fleet.Row{}, err
	}
	return storage.Change(ctx, key, from, row)
}

// Sweep implements [fleet.Storage].
func (l *late) Sweep(ctx context.Context, after string, limit int) ([]string, error) {
	storage, err := l.wait(ctx)
	if err != nil {
		return nil, err
	}
	return storage.Sweep(ctx, after, limit)
}

// Watch implements [fleet.Storage].
func (l *late) Watch(ctx context.Context, changed func(key string)) error {
	storage, err := l.wait(ctx)
	if err != nil {
		return err
	}
	return storage.Watch(ctx, changed)
}

// Close implements [fleet.Storage].
func (l *late) Close(ctx context.Context) error {
	storage, err := l.wait(ctx)
	if err != nil {
		return err
	}
	return storage.Close(ctx)
}
