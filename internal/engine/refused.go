package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// errSilent is what is said of a circuit that is missing in an answer without an error.
var errSilent = errors.New("the storage says nothing about the circuit")

// named is how many circuits a line of the log names at most.
const named = 10

// refusals notes which of some circuits a storage that is there has refused, and logs
// what has changed: a line for all of them, not one for each attempt. Their members ask
// again, each at its own pace.
func (e *Engine) refusals(letters []letter, err error, refused func(key string) bool) {
	if err == nil {
		err = errSilent
	}
	var lost, back []string
	e.mu.Lock()
	for _, l := range letters {
		entry, is := l.entry, refused(l.entry.key)
		switch was := entry.refused.Err != nil; {
		case is && !was:
			entry.refused.Since = time.Now()
			lost = append(lost, entry.key)
		case was && !is:
			entry.refused = Signal{}
			back = append(back, entry.key)
		}
		if is {
			entry.refused.Err = err
		}
	}
	ended := e.ended
	e.mu.Unlock()
	if ended {
		return
	}
	if len(lost) > 0 {
		slog.Warn("highway: the storage of the fleet refuses circuits; each is on its own", "keys", few(lost), "error", err)
	}
	if len(back) > 0 {
		slog.Info("highway: the storage of the fleet takes the circuits again", "keys", few(back))
	}
}

// changes notes whether a storage that is there has made a member's change, and logs when
// the first is refused. The signal is not touched: the circuit can still be asked about.
func (e *Engine) changes(entry *Entry, err error) {
	was := entry.unchanged
	entry.unchanged = err != nil
	if !was && err != nil {
		slog.Warn("highway: the storage of the fleet refuses to change a circuit", "key", entry.key, "error", err)
	}
}

// swept notes whether a storage that is there can be swept, and logs when that changes.
func (e *Engine) swept(err error) {
	was := e.unswept
	e.unswept = err != nil
	if !was && err != nil {
		slog.Warn("highway: the storage of the fleet cannot be swept; news may be late", "error", err)
	}
}

// few is the first of many keys, and how many there are besides.
func few(keys []string) []string {
	if len(keys) <= named {
		return keys
	}
	return append(keys[:named:named], fmt.Sprintf("and %d more", len(keys)-named))
}
