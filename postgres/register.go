package postgres

import (
	"errors"

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
	if open == nil {
		return nil, errors.New("highway/postgres: there is no storage yet")
	}
	return open(e)
}

// open makes the storage that an environment describes, without waiting for it.
var open func(e Environment) (fleet.Storage, error) // TO CONNECT: the storage's constructor
