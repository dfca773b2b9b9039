package highway

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/highway-engine/highway/internal/driver"
)

// fromEnvironment is the storage for a protector whose policy names none: that of the
// process, if somebody has configured one and the protector has a key for it. An error
// says why there is none though one is configured.
func fromEnvironment(key string) (Storage, error) {
	storage := driver.Storage()
	if key != "" && len(key) <= maxKeyLength {
		if storage == nil {
			return nil, driver.Failure()
		}
		return storage, nil
	}
	if storage == nil {
		return nil, nil
	}
	if !warnedOfKeys.Swap(true) {
		slog.Warn(fmt.Sprintf("highway: a protector without a ResourceKey of 1 to %d bytes is not in the fleet, "+
			"its circuit is on its own", maxKeyLength))
	}
	return nil, nil
}

// DefaultStorage is the storage of protectors whose policy names none: that which the
// environment describes, or nil if it describes none or cannot be used. It is there to be
// given to [CloseStorage]. It does not wait for the network.
func DefaultStorage() Storage { return driver.Storage() }

// warnedOfKeys is there because programs may make such protectors by the thousand.
var warnedOfKeys atomic.Bool
