package demo

import (
	"context"

	"github.com/highway-engine/highway"
)

// Where the instances of the fleet meet, as --storage says it.
const (
	Memory   = "memory"
	Postgres = "postgres"
)

// A meeting is where the instances of the fleet meet.
type meeting interface {
	// storage is that of one more instance.
	storage(ctx context.Context) (highway.Storage, error)
	// place says where it is, for people, and nothing if it is in this process.
	place() string
	// close ends the storages, and removes what was made for the run.
	close() error
}

// meet makes what the instances need to meet.
func meet(ctx context.Context, config Config) (meeting, error) {
	if config.Storage == Postgres {
		return meetInPostgres(ctx, config)
	}
	return inMemory{highway.NewInMemoryStorage()}, nil
}

// inMemory is one storage for all, as they are all in this process.
type inMemory struct{ shared *highway.InMemoryStorage }

func (m inMemory) storage(context.Context) (highway.Storage, error) { return m.shared, nil }
func (m inMemory) place() string                                    { return "" }
func (m inMemory) close() error                                     { return m.shared.Close(context.Background()) }
