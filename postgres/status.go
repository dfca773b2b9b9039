package postgres

import (
	"log/slog"
	"sync"
	"time"
)

// A Status is how a storage stands to its database. The zero Status is that of one which
// has not asked anything yet.
type Status struct {
	Reachable bool      // the last request was answered
	Notified  bool      // changes are told at once; else within a second or two
	Since     time.Time // when one of these changed last; zero: not yet
	Err       error     // why not reachable, or else why not notified; nil if it is both
}

// status keeps a Status and tells of its changes, in their order.
type status struct {
	changed func(Status)

	mu          sync.Mutex
	answered    bool  // some request was, or failed
	unreachable error // why the last one failed
	listening   bool
	silent      error // why not
	now         Status
	waiting     []Status
	telling     bool
}

// Status is how the storage stands to its database. Before the first answer it is not
// reachable, without an error.
func (s *Storage) Status() Status {
	s.status.mu.Lock()
	defer s.status.mu.Unlock()
	return s.status.now
}

func (s *status) reached(err error) {
	s.update(func() { s.answered, s.unreachable = true, err })
}

func (s *status) notified(err error) {
	s.update(func() { s.listening, s.silent = err == nil, err })
}

// update makes a change, and lets it be told if it is one; the first answer always is.
func (s *status) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.now
	first := !s.answered
	change()
	s.now.Reachable = s.answered && s.unreachable == nil
	s.now.Notified = s.listening
	s.now.Err = s.silent
	if s.unreachable != nil {
		s.now.Err = s.unreachable
	}
	first = first && s.answered
	if !first && was.Reachable == s.now.Reachable && was.Notified == s.now.Notified {
		return
	}
	s.now.Since = time.Now()
	if s.changed == nil {
		return
	}
	s.waiting = append(s.waiting, s.now)
	if !s.telling {
		s.telling = true
		go s.tell()
	}
}

func (s *status) tell() {
	for {
		s.mu.Lock()
		if len(s.waiting) == 0 {
			s.telling = false
			s.mu.Unlock()
			return
		}
		next := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.mu.Unlock()
		func() {
			defer func() {
				if r := recover(); r != nil {
					slog.Error("highway: the status callback of the PostgreSQL storage panicked", "panic", r)
				}
			}()
			s.changed(next)
		}()
	}
}
