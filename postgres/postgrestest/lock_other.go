//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package postgrestest

// lock does nothing here: two processes that download at once do it twice, and one wins.
func lock(string) (unlock func(), err error) { return func() {}, nil }
