package postgrestest_test

import (
	"strings"
	"testing"

	"github.com/highway-engine/highway/postgres/postgrestest"
)

// The only test that may need the network, unless nothing is installed.
func TestADownloadedServer(t *testing.T) {
	s := postgrestest.New(t, postgrestest.Options{Binaries: postgrestest.Download})
	if !strings.Contains(s.From(), "download") {
		t.Errorf("from %s", s.From())
	}
	if version := ask[string](t, connect(t, s.Database(t)), "SHOW server_version"); !strings.HasPrefix(version, "18.") {
		t.Errorf("version %s", version)
	}
}
