//go:build linux || darwin || freebsd || netbsd || openbsd

package postgrestest

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"
)

// signal asks the server to stop.
func (s *Server) signal(mode Mode) error {
	return syscall.Kill(s.process.id, map[Mode]syscall.Signal{
		Smart: syscall.SIGTERM, Fast: syscall.SIGINT, Immediate: syscall.SIGQUIT,
	}[mode])
}

// Kill ends every process of the server at once, as a crash of the machine does.
func (s *Server) Kill() error {
	if err := s.running(); err != nil {
		return err
	}
	// Who is paused can start no other process meanwhile.
	family, err := s.freeze()
	if err != nil {
		return err
	}
	for _, id := range slices.Backward(family) {
		if err := send(id, syscall.SIGKILL); err != nil {
			return err
		}
	}
	<-s.process.ended
	s.process, s.paused = nil, false
	return eventually("the server's processes to be gone", func(all map[int]entry) bool {
		return !slices.ContainsFunc(family, func(id int) bool { return all[id].alive() })
	})
}

// Pause stops every process of the server where it is. Connections stay, and nothing
// answers, until [Server.Resume].
func (s *Server) Pause() error {
	if err := s.running(); err != nil {
		return err
	}
	if s.paused {
		return errPaused
	}
	_, err := s.freeze()
	return err
}

// Resume lets a paused server go on.
func (s *Server) Resume() error {
	if err := s.running(); err != nil {
		return err
	}
	if !s.paused {
		return errors.New("postgrestest: the server is not paused")
	}
	all, err := processes()
	if err != nil {
		return err
	}
	for _, id := range slices.Backward(descent(all, s.process.id)) {
		if err := send(id, syscall.SIGCONT); err != nil {
			return err
		}
	}
	s.paused = false
	return nil
}

// freeze pauses the server's processes and returns them, its first one first.
func (s *Server) freeze() ([]int, error) {
	s.paused = true
	first := s.process.id
	if err := stopped(first); err != nil {
		return nil, err
	}
	all, err := processes()
	if err != nil {
		return nil, err
	}
	family := descent(all, first)
	return family, stopped(family...)
}

// stopped stops processes and returns when they have, or are gone.
func stopped(ids ...int) error {
	for _, id := range ids {
		if err := send(id, syscall.SIGSTOP); err != nil {
			return err
		}
	}
	return eventually("the server's processes to pause", func(all map[int]entry) bool {
		return !slices.ContainsFunc(ids, func(id int) bool { return all[id].alive() && all[id].state != 'T' })
	})
}

// send sends a signal to a process that may be gone.
func send(id int, signal syscall.Signal) error {
	if err := syscall.Kill(id, signal); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("postgrestest: sending %v to process %d: %w", signal, id, err)
	}
	return nil
}

// eventually waits until a condition on the system's processes is met.
func eventually(what string, met func(map[int]entry) bool) error {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		all, err := processes()
		if err != nil {
			return err
		}
		if met(all) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("postgrestest: waited in vain for %s", what)
		}
	}
}

// entry is a process in the system's table. The zero one is none.
type entry struct {
	parent int
	state  byte // as ps says it
}

// alive says whether it runs or may run: a zombie does not.
func (e entry) alive() bool { return e.state != 0 && e.state != 'Z' && e.state != 'X' }

// descent is a process and all that come from it, parents before children.
func descent(all map[int]entry, id int) []int {
	family := []int{id}
	for i := 0; i < len(family); i++ {
		for child, e := range all {
			if e.parent == family[i] {
				family = append(family, child)
			}
		}
	}
	return family
}
