package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// inOwnMounts says that this process may mount what nobody else sees, and which is gone
// with it.
const inOwnMounts = "HW_CHAOS_OWN_MOUNTS"

// ownMounts runs this program once more, where it may mount, and says whether this is it.
func ownMounts() (inside bool, code int) {
	if os.Geteuid() != 0 || os.Getenv(inOwnMounts) != "" {
		return true, 0
	}
	runtime.LockOSThread() // its end would be taken for that of this process
	run := exec.Command("/proc/self/exe", os.Args[1:]...)
	run.Env = append(os.Environ(), inOwnMounts+"=1")
	run.Stdin, run.Stdout, run.Stderr = os.Stdin, os.Stdout, os.Stderr
	run.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	switch err := run.Start(); {
	case errors.Is(err, syscall.EPERM):
		return true, 0 // then without
	case err != nil:
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return false, 1
	}
	run.Wait()
	return false, run.ProcessState.ExitCode()
}

// newDisk is a small disk in a folder of its own, or none where it may not be made.
func newDisk() string {
	if os.Getenv(inOwnMounts) == "" {
		return ""
	}
	dir, err := os.MkdirTemp("/tmp", "hw-chaos-")
	if err != nil {
		return ""
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=768m,mode=0755"); err != nil {
		os.Remove(dir)
		return ""
	}
	return dir
}

func leaveDisk(dir string) { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }

// fill takes all the room that there is on a disk, and returns what gives it back.
func fill(dir string) (free func() error, err error) {
	name := filepath.Join(dir, "balloon")
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			return nil, err
		}
	}
	return func() error { return os.Remove(name) }, nil
}
