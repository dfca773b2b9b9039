package postgrestest

import "time"

// Options are what a server is to be like. The zero value is a plain server.
type Options struct {
	// Binaries is a folder with PostgreSQL's programs, or [Download]. Empty means what
	// HW_TEST_POSTGRES in the environment says, else what is found.
	Binaries string

	// Private asks for a server of its own although HW_TEST_DATABASE_URL names one: for
	// tests that stop the server. So does each option below.
	Private bool

	// Durable makes the server write to the disk what it says is committed (fsync).
	// Without it commits are faster, and survive [Server.Kill] all the same, but not the
	// machine's power.
	Durable bool

	// Settings are parameters of the server, such as shared_preload_libraries. They win over
	// those that this package gives.
	Settings map[string]string

	// TLS makes the server accept TLS only, with a certificate for localhost and
	// 127.0.0.1 by an authority of its own. See [Server.CAFile].
	TLS bool

	// Clock makes [Server.SetClock] possible. It needs Linux and libfaketime.
	Clock bool

	// Logf is told what takes time, such as a download. [New] gives the test's.
	Logf func(format string, arguments ...any)
}

// Download as [Options.Binaries] asks for the downloaded PostgreSQL, whatever is installed.
const Download = "download"

// patience is how long a server may take to start, stop or be promoted.
const patience = time.Minute

// private says whether o needs a server of its own.
func (o *Options) private() bool {
	return o.Private || o.Binaries != "" || o.Durable || len(o.Settings) > 0 || o.TLS || o.Clock
}

func (o *Options) logf(format string, arguments ...any) {
	if o.Logf != nil {
		o.Logf(format, arguments...)
	}
}
