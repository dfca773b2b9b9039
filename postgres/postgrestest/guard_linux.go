package postgrestest

import "syscall"

// bound lets the system end a process with this one, however this one ends.
func bound(attributes *syscall.SysProcAttr) *syscall.SysProcAttr {
	attributes.Pdeathsig = syscall.SIGQUIT // an immediate stop, in which it takes its children with it
	return attributes
}

// guard has nothing left to do.
func guard(int) (release func(), err error) { return func() {}, nil }
