package postgres

import (
	"context"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/driver"
)

func init() { driver.Register(ofProcess) }

// ofProcess is the storage for protectors whose policy names none, or nil if the
// environment describes none. It does not connect.
func ofProcess() (fleet.Storage, error) {
	e, err := FromEnvironment()
	if err != nil || !e.Set() {
		return nil, err
	}
	if _, err := e.Config(); err != nil {
		return nil, err
	}
	return open(e)
}

// open makes the storage that an environment describes, without waiting for it.
var open = func(e Environment) (fleet.Storage, error) {
	config, err := e.Config()
	if err != nil {
		return nil, err
	}
	return connect(context.Background(), config, []Option{WithNamespace(e.Namespace())})
}
