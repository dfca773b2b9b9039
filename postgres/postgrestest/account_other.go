//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package postgrestest

import "syscall"

// account would be another user who runs the server; here it is always this process's.
type account struct{}

func whoRuns() (*account, error)                  { return nil, nil }
func (*account) String() string                   { return "this user" }
func (*account) reaches(string) bool              { return true }
func (*account) own(string) error                 { return nil }
func (*account) attributes() *syscall.SysProcAttr { return nil }
