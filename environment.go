package highway

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/highway-engine/highway/internal/driver"
)

// fromEnvironment is the storage for a protector whose policy names none: that of the
// process, if somebody has configured one and the protector has a key for it.
func fromEnvironment(key string) Storage {
	storage := driver.Storage()
	if storage == nil || key != "" && len(key) <= maxKeyLength {
		return storage
	}
	if !warnedOfKeys.Swap(true) {
		slog.Warn(fmt.Sprintf("highway: a protector without a ResourceKey of 1 to %d bytes is not in the fleet, "+
			"its circuit is on its own", maxKeyLength))
	}
	return nil
}

// warnedOfKeys is there because programs may make such protectors by the thousand.
var warnedOfKeys atomic.Bool
