package child

import (
	"os/exec"
	"syscall"
)

// Bind lets the system end a process with this one, however this one ends. It is called
// before the process is started.
func Bind(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
