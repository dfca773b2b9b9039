package postgrestest

import (
	"context"
	"sync"
	"testing"
)

// shared is the server of this process.
var shared struct {
	sync.Mutex
	server *Server
	err    error
}

// Shared returns a plain server that all tests of a package share: for tests that only
// use it, each in a database or schema of its own. The first that asks starts it; the
// package's TestMain must end it, by [Run]. The test fails when there is none to be had,
// and says what to install. It is safe for concurrent use.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		if shared.server, shared.err = Start(context.Background(), Options{}); shared.err == nil {
			t.Logf("PostgreSQL from %s", shared.server.From())
		}
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// Run runs the tests of a package and then ends the server that they have shared, if they
// have:
//
//	func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }
func Run(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		_ = shared.server.Close()
		shared.server = nil
	}
	return code
}
