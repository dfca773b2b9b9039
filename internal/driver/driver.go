// Package driver finds the storage for protectors whose policy names none. The root
// module imports no database; a module that does registers how to reach it.
package driver

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/environment"
)

// errMissing is said when the environment names a database and nobody can reach it.
var errMissing = errors.New(`HW_DB_* is set but no driver is imported; import _ "github.com/highway-engine/highway/postgres"`)

// errNone is said when the driver has not made a storage; it has said why.
var errNone = errors.New("there is no storage")

// An Open makes the storage that the environment describes. It waits for nothing, the
// network least of all, and logs nothing, because a log is a user's and may make a
// protector. Its error names what is missing or wrong. If nothing is described it
// returns nil and no error.
type Open func() (fleet.Storage, error)

// Register says how the storage of this process is made. It is for init functions, and
// there is one driver.
func Register(open Open) { process.register(open) }

// Storage is the storage of this process, or nil if protectors are on their own. It is
// looked up when somebody asks for the first time.
func Storage() fleet.Storage { return process.find() }

var process lookup

// A lookup is made once. No lock is held while something is logged.
type lookup struct {
	mu      sync.Mutex
	open    Open
	done    bool
	storage fleet.Storage // what was found; nil: nothing
	failed  error         // why nothing, though something is asked for
	late    *late         // what was given out before the driver registered
}

func (l *lookup) register(open Open) {
	l.mu.Lock()
	if l.open != nil {
		l.mu.Unlock()
		panic("highway: two drivers are registered")
	}
	l.open = open
	late := l.late
	l.mu.Unlock()
	if late != nil {
		storage, err := made(open)
		l.settle(storage)
		warn(err)
	}
}

// settle says what the storage is that was given out before the driver registered, if
// that has not been said.
func (l *lookup) settle(storage fleet.Storage) (first bool) {
	first = l.late.settle(storage)
	if first && storage == nil {
		l.mu.Lock()
		l.storage = nil
		l.mu.Unlock()
	}
	return first
}

func (l *lookup) find() fleet.Storage {
	l.mu.Lock()
	late, missing := l.late, l.open == nil
	if l.done {
		storage := l.storage
		l.mu.Unlock()
		if storage == nil || storage != fleet.Storage(late) || !missing || initialising() {
			return storage
		}
		// The program has begun, and so there is none.
		if l.settle(nil) && !late.told.Load() {
			warn(errMissing)
		}
		return nil
	}
	l.done = true
	var err error
	if !missing {
		l.storage, err = made(l.open)
	} else if variables, _ := environment.Read(); !variables.NamesDatabase() {
		// Nothing is asked for, and nothing is said.
	} else if initialising() {
		l.late = newLate()
		l.storage = l.late
		time.AfterFunc(expectation, func() { l.settle(nil) })
	} else {
		err = errMissing
	}
	storage := l.storage
	l.failed = err
	l.mu.Unlock()
	warn(err)
	return storage
}

// Failure is why Storage has found nothing, though the environment asks for something.
func Failure() error {
	process.mu.Lock()
	defer process.mu.Unlock()
	return process.failed
}

// made calls open. A storage beside an error is none.
func made(open Open) (storage fleet.Storage, err error) {
	defer func() {
		if r := recover(); r != nil {
			storage, err = nil, fmt.Errorf("the driver panicked: %v", r)
		}
	}()
	storage, err = open()
	if err != nil {
		return nil, err
	}
	return storage, nil
}

func warn(err error) {
	if err != nil {
		slog.Warn(fmt.Sprintf("highway: the fleet's storage is not in use, every circuit is on its own: %v", err))
	}
}

// initialising says that this goroutine initialises a package, which may be before the
// driver's turn: the order is that of the import paths. Package main comes last.
func initialising() bool {
	pcs := make([]uintptr, 64)
	for runtime.Callers(1, pcs) == len(pcs) {
		pcs = make([]uintptr, 2*len(pcs))
	}
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	caller := ""
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "runtime.doInit") {
			return !strings.HasPrefix(caller, "main.init")
		}
		if !more {
			return false
		}
		caller = frame.Function
	}
}
