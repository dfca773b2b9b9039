package storagetest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/memory"
	"github.com/highway-engine/highway/storagetest"
)

// inMemory is the in-memory storage with all that the suite can use.
type inMemory struct {
	*memory.Storage
	clock *clock
}

// clock is a clock that stands, but for what it is put forward and back.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	wait func() // what the next reader does first
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	wait := c.wait
	c.wait = nil
	c.mu.Unlock()
	if wait != nil {
		wait()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func newInMemory() *inMemory {
	c := &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	return &inMemory{memory.New(c.read), c}
}

func (s *inMemory) Advance(d time.Duration) {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	s.clock.now = s.clock.now.Add(d)
}

func (s *inMemory) Delete(key string) error {
	s.Forget(key)
	return nil
}

// Block lets somebody look at the row who takes long to read the clock. The storage is
// locked meanwhile.
func (s *inMemory) Block(key string) (release func()) {
	holding, released := make(chan struct{}), make(chan struct{})
	s.clock.mu.Lock()
	s.clock.wait = func() { close(holding); <-released }
	s.clock.mu.Unlock()
	go s.Row(key)
	<-holding
	return func() { close(released) }
}

// Twin is the same storage for another user, who cannot close it for the first.
func (s *inMemory) Twin(*testing.T) fleet.Storage { return shared{s.Storage} }

type shared struct{ *memory.Storage }

func (shared) Close(context.Context) error { return nil }

// Spoil loses the row: in memory nobody can write nonsense, and that is all that a
// storage has left of a row that makes no sense.
func (s *inMemory) Spoil(key string) error { return s.Delete(key) }

func TestInMemoryStorage(t *testing.T) {
	storagetest.Run(t, func(*testing.T) fleet.Storage { return newInMemory() })
}

// open opens a storage that offers nothing beyond the contract, in real time.
func open(*testing.T) fleet.Storage { return memory.New(time.Now) }

func TestStorage(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) fleet.Storage { return open(t) })
}
