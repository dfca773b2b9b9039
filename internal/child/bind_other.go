//go:build !linux

package child

import "os/exec"

// Bind does nothing here: the process has to notice that its input ends.
func Bind(*exec.Cmd) {}
