package postgrestest

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// command is what launch runs.
type command struct {
	path        string
	arguments   []string
	environment []string
	dir         string
	output      *os.File
	attributes  *syscall.SysProcAttr
}

// process is a server's first process, the parent of the others.
type process struct {
	id    int
	ended chan struct{} // closed when it has
}

// launch starts a process that does not outlive this one.
func launch(c command) (*process, error) {
	p := &process{ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The system counts the end of the thread that started a process as the end
		// of its parent, so the thread stays until the process has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		run := exec.Command(c.path, c.arguments...)
		run.Env = c.environment
		run.Dir = c.dir
		run.Stdout, run.Stderr = c.output, c.output
		run.SysProcAttr = bound(c.attributes)
		if err := run.Start(); err != nil {
			started <- err
			return
		}
		release, err := guard(run.Process.Pid)
		if err != nil {
			run.Process.Kill()
			run.Wait()
			started <- err
			return
		}
		p.id = run.Process.Pid
		started <- nil
		run.Wait() // how it ended is in its log
		release()
		close(p.ended)
	}()
	return p, <-started
}

// over says whether the process has ended.
func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}
