//go:build darwin || freebsd || netbsd || openbsd

package postgrestest

import (
	"os/exec"
	"strconv"
	"syscall"
)

func bound(attributes *syscall.SysProcAttr) *syscall.SysProcAttr { return attributes }

// guard ends a process with this one: a shell waits for the end of a pipe, which the
// system closes with this process, however it ends.
func guard(id int) (release func(), err error) {
	const script = `read -r line; kill -CONT "$0"; kill -QUIT "$0"`
	watcher := exec.Command("/bin/sh", "-c", script, strconv.Itoa(id))
	watcher.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := watcher.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := watcher.Start(); err != nil {
		return nil, err
	}
	return func() {
		watcher.Process.Kill()
		watcher.Wait()
		pipe.Close()
	}, nil
}
