//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package postgrestest

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"syscall"
)

var errNotHere = errors.New("postgrestest: a server cannot be paused on this system")

// bound and guard do nothing: here a server may outlive a process that was killed.
func bound(attributes *syscall.SysProcAttr) *syscall.SysProcAttr { return attributes }
func guard(int) (release func(), err error)                      { return func() {}, nil }

// signal asks the server to stop.
func (s *Server) signal(mode Mode) error {
	name := map[Mode]string{Smart: "TERM", Fast: "INT", Immediate: "QUIT"}[mode]
	return s.run(context.Background(), "pg_ctl", "kill", name, strconv.Itoa(s.process.id))
}

// Kill ends every process of the server at once, as a crash of the machine does.
func (s *Server) Kill() error {
	if err := s.running(); err != nil {
		return err
	}
	if err := exec.Command("taskkill", "/F", "/T", "/PID", strconv.Itoa(s.process.id)).Run(); err != nil {
		return err
	}
	<-s.process.ended
	s.process = nil
	return nil
}

// Pause stops every process of the server where it is, which this system cannot do.
func (s *Server) Pause() error { return errNotHere }

// Resume lets a paused server go on.
func (s *Server) Resume() error { return errNotHere }
