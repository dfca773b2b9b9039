package postgres

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/environment"
)

func TestTheStorageOfTheProcessIsOpenedWithItsEnvironment(t *testing.T) {
	folder(t, map[string]string{varHost: "localhost", varPassword: "secret"})
	write(t, environment.File, varNamespace+"=team\n")
	before := open
	defer func() { open = before }()
	want := highway.NewInMemoryStorage()
	var got Environment
	open = func(e Environment) (fleet.Storage, error) {
		got = e
		return want, nil
	}
	if storage, err := ofProcess(); storage != want || err != nil {
		t.Errorf("got %v, %v", storage, err)
	}
	if got.Namespace() != "team" || got.get(varHost) != "localhost" {
		t.Errorf("it is opened with %v", got)
	}
}

// TestHalfAConfigurationIsAWarning: the process makes protectors, goes on, and says once
// what is missing or wrong, but no password.
func TestHalfAConfigurationIsAWarning(t *testing.T) {
	const child = "HIGHWAY_TEST_CHILD"
	if os.Getenv(child) != "" {
		for range 3 {
			protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "shop"}))
			if err := protector.Do(t.Context(), func(context.Context) error { return nil }); err != nil {
				t.Error(err)
			}
			if protector.Snapshot().Fleet.Shared {
				t.Error("it is in a fleet")
			}
			// Whoever gives a command must hear that the fleet has not.
			if err := protector.Isolate(t.Context()); errors.Is(err, highway.ErrNotDone) != (os.Getenv(child) == "broken") {
				t.Errorf("a command says %v", err)
			}
			_ = protector.Release(t.Context())
		}
		return
	}
	for _, c := range []struct {
		name, file string
		variables  []string
		want       string // in the one warning; empty: there is none
	}{
		{"nothing", "", nil, ""},
		{"no host", "", []string{"HW_DB_PASSWORD=hunter2"}, varHost + " is missing"},
		{"no password", "HW_DB_HOST=localhost\n", nil, varPassword + " is missing"},
		{"a port that is none", "HW_DB_PASSWORD=hunter2\nHW_DB_PORT=none\n", []string{"HW_DB_HOST=h"}, `HW_DB_PORT is "none"`},
		{"a file that makes no sense", "\nHW_DB_PASSWORD='hunter2\n", []string{"HW_DB_HOST=h"}, ".env: line 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			directory := t.TempDir()
			if err := os.WriteFile(filepath.Join(directory, environment.File), []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			executable, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), executable, "-test.run=^TestHalfAConfigurationIsAWarning$")
			cmd.Dir = directory
			// With the race detector a process would take a second to end.
			state := "nothing"
			if c.want != "" {
				state = "broken"
			}
			cmd.Env = append(c.variables, child+"="+state, "GORACE=atexit_sleep_ms=0")
			var log bytes.Buffer
			cmd.Stderr = &log
			if out, err := cmd.Output(); err != nil {
				t.Fatalf("%v\n%s%s", err, out, &log)
			}
			warnings := strings.Count(log.String(), "WARN")
			if c.want == "" && log.Len() > 0 || c.want != "" && warnings != 1 ||
				!strings.Contains(log.String(), c.want) || strings.Contains(log.String(), "hunter") {
				t.Errorf("logged %s\nwant %q", &log, c.want)
			}
		})
	}
}
