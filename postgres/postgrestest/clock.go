package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// SetClock sets the server's clock, at once and while it runs, to so much later than
// the machine's, or earlier. It needs [Options.Clock]. The clocks by which the server
// measures how long something takes are left alone.
//
// While the clock is ahead, a statement that waits does not notice its statement_timeout
// or lock_timeout, nor a deadlock, because libfaketime gives the true time to a signal's
// handler then. While it is behind, they work.
func (s *Server) SetClock(offset time.Duration) error {
	if s.faketime == "" {
		return errors.New("postgrestest: SetClock needs Options.Clock")
	}
	// The server reads the file whenever it asks the time, so it must never be half written.
	part := s.clockFile() + ".part"
	if err := os.WriteFile(part, fmt.Appendf(nil, "%+.9f\n", offset.Seconds()), 0o600); err != nil {
		return fmt.Errorf("postgrestest: %w", err)
	}
	if err := s.account.own(part); err != nil {
		return fmt.Errorf("postgrestest: %w", err)
	}
	return os.Rename(part, s.clockFile())
}

// prepareClock sets the clock for the first time, before the server starts.
func (s *Server) prepareClock() error {
	if !s.options.Clock {
		return nil
	}
	return s.SetClock(0)
}

func (s *Server) clockFile() string { return filepath.Join(s.dir, "clock") }

// fakeTime is what the environment says to libfaketime.
func (s *Server) fakeTime() []string {
	return []string{
		"LD_PRELOAD=" + s.faketime,
		"FAKETIME_TIMESTAMP_FILE=" + s.clockFile(),
		"FAKETIME_NO_CACHE=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1",
		"DONT_FAKE_MONOTONIC=1", // the name in older ones
		"NO_FAKE_STAT=1",
	}
}

// findFaketime finds the library that fakes the clock.
func findFaketime() (string, error) {
	if runtime.GOOS != "linux" {
		return "", fmt.Errorf("%w: Options.Clock needs Linux", ErrMissing)
	}
	for _, pattern := range []string{
		"/usr/lib/*/faketime/libfaketime.so.1",
		"/usr/lib64/faketime/libfaketime.so.1",
		"/usr/lib/faketime/libfaketime.so.1",
		"/usr/local/lib/faketime/libfaketime.so.1",
	} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("%w: install libfaketime (apt-get install libfaketime) for Options.Clock", ErrMissing)
}
