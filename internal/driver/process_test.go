package driver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/driver"
)

// The lookup happens once in a process, so each of these tests is a process: this test
// binary, told by a variable which scenario to play. It prints what it sees.
const scenarioVariable = "HIGHWAY_TEST_SCENARIO"

const importNamed = `_ "github.com/highway-engine/highway/postgres"`

// early is made before the driver registers, as package variables may be.
var early = func() *highway.CircuitProtector {
	if !strings.HasPrefix(os.Getenv(scenarioVariable), "early") {
		return nil
	}
	return highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "shop"}))
}()

func init() {
	switch os.Getenv(scenarioVariable) {
	case "driver", "early", "log with driver":
		opened := false
		driver.Register(func() (fleet.Storage, error) {
			if opened {
				fmt.Println("opened again")
			}
			opened = true
			return highway.NewInMemoryStorage(), nil
		})
	case "half", "early half":
		driver.Register(func() (fleet.Storage, error) { return nil, errors.New("HW_DB_PASSWORD is missing") })
	case "nothing described":
		driver.Register(func() (fleet.Storage, error) { return nil, nil })
	case "driver panics":
		driver.Register(func() (fleet.Storage, error) { panic("oops") })
	}
}

// TestScenario is the other process.
func TestScenario(t *testing.T) {
	scenario := os.Getenv(scenarioVariable)
	if scenario == "" {
		t.Skip("it is run by others")
	}
	ctx := context.Background()
	if strings.HasPrefix(scenario, "log") {
		slog.SetDefault(slog.New(handler(func() {
			highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{}))
			fmt.Println(1)
		})))
	}
	protector := func(policy highway.CircuitProtectorPolicy) *highway.CircuitProtector {
		return highway.Must(highway.NewCircuitProtector(policy))
	}
	a := protector(highway.CircuitProtectorPolicy{ResourceKey: "shop"})
	if early != nil {
		a = early
	}
	b := protector(highway.CircuitProtectorPolicy{ResourceKey: "shop"})
	others := map[string]*highway.CircuitProtector{
		"keyless":      protector(highway.CircuitProtectorPolicy{}),
		"keyless too":  protector(highway.CircuitProtectorPolicy{}),
		"long key":     protector(highway.CircuitProtectorPolicy{ResourceKey: strings.Repeat("k", 256)}),
		"opted out":    protector(highway.CircuitProtectorPolicy{ResourceKey: "shop", Storage: highway.NewInMemoryStorage()}),
		"another name": protector(highway.CircuitProtectorPolicy{ResourceKey: "bank"}),
	}
	if scenario == "early" {
		soon(func() bool { return a.Snapshot().Fleet.Live })
	}
	for _, err := range []error{a.Isolate(ctx), b.HalfOpen(ctx)} {
		switch {
		case errors.Is(err, highway.ErrNotDone):
			fmt.Println("not done")
		case err != nil:
			fmt.Println(err)
		}
	}
	if b.Snapshot().Fleet.Shared {
		soon(func() bool { return a.Status() == highway.HalfOpen })
	}
	fmt.Println("a is", a.Status(), "and b is", b.Status())
	for name, p := range others {
		if p.Status() != highway.Closed {
			fmt.Println(name, "is", p.Status())
		}
		if strings.Contains(name, "key") && p.Snapshot().Fleet.Shared {
			fmt.Println(name, "is shared")
		}
	}
}

// soon waits until it is so. In another process there is no other way.
func soon(so func() bool) {
	for end := time.Now().Add(5 * time.Second); !so() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// play runs a scenario in a folder of its own, with a file of variables and these
// variables only.
func play(t *testing.T, scenario, file string, variables ...string) (printed, logged string) {
	t.Helper()
	folder := t.TempDir()
	if file != "" {
		if err := os.WriteFile(filepath.Join(folder, ".env"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), executable, "-test.run=^TestScenario$")
	cmd.Dir = folder
	// With the race detector a process would take a second to end.
	cmd.Env = append(variables, scenarioVariable+"="+scenario, "GORACE=atexit_sleep_ms=0")
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &log)
	}
	printed, _, ok := strings.Cut(out.String(), "PASS\n") // what is covered may follow
	if !ok {
		t.Fatalf("it printed %s", &out)
	}
	return printed, log.String()
}

const (
	alone    = "a is OPEN and b is HALF_OPEN\n"
	unheard  = "not done\nnot done\na is CLOSED and b is CLOSED\n" // who gives an order must hear that
	together = "a is HALF_OPEN and b is HALF_OPEN\n"
)

func TestTheStorageOfTheProcess(t *testing.T) {
	keyWarning := []string{"without a ResourceKey"}
	for _, c := range []struct {
		name, scenario, file string
		variables            []string
		want                 string
		warnings             []string // a word of each
	}{
		{name: "nothing is set", scenario: "plain", file: "OTHER=1\nHW_NAMESPACE=x\n", variables: []string{"HW_DB_HOST="}, want: alone},
		{name: "a file of others that makes no sense", scenario: "plain", file: "OTHER\n", want: alone},
		{name: "set, no driver", scenario: "plain", variables: []string{"HW_DB_PORT=1"}, want: unheard, warnings: []string{importNamed}},
		{name: "set in the file, no driver", scenario: "plain", file: "export HW_DB_HOST='h'\n", want: unheard, warnings: []string{importNamed}},
		{name: "a driver, nothing is set", scenario: "nothing described", want: alone},
		{name: "a driver", scenario: "driver", variables: []string{"HW_DB_HOST=h"}, want: together, warnings: keyWarning},
		{name: "half a configuration", scenario: "half", variables: []string{"HW_DB_HOST=h"}, want: unheard, warnings: []string{"HW_DB_PASSWORD is missing"}},
		{name: "a driver that panics", scenario: "driver panics", variables: []string{"HW_DB_HOST=h"}, want: unheard, warnings: []string{"oops"}},
		{name: "made before the driver registers", scenario: "early", variables: []string{"HW_DB_HOST=h"}, want: together, warnings: keyWarning},
		{name: "half, made before the driver registers", scenario: "early half", variables: []string{"HW_DB_HOST=h"}, want: alone, warnings: []string{"HW_DB_PASSWORD is missing"}},
		{name: "made early, no driver", scenario: "early without driver", variables: []string{"HW_DB_HOST=h"}, want: alone, warnings: []string{importNamed}},
		{name: "made early, nothing is set", scenario: "early half", want: alone},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			printed, logged := play(t, c.scenario, c.file, c.variables...)
			if printed != c.want {
				t.Errorf("printed %swant %s", printed, c.want)
			}
			if strings.Count(logged, "\n") != len(c.warnings) || strings.Count(logged, "WARN") != len(c.warnings) {
				t.Errorf("logged %s\nwant %d warnings", logged, len(c.warnings))
			}
			for _, word := range c.warnings {
				if !strings.Contains(logged, word) {
					t.Errorf("logged %s\nwant a warning that says %s", logged, word)
				}
			}
		})
	}
}

// TestPackageMainComesLast: where the variables of package main are initialised, every
// driver has registered, and it is said at once that there is none. The program may end
// soon.
func TestPackageMainComesLast(t *testing.T) {
	program := filepath.Join(t.TempDir(), "early")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./testdata/early").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = []string{"HW_DB_HOST=h"}
	logged, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(logged), importNamed) != 1 || strings.Count(string(logged), "WARN") != 1 {
		t.Errorf("%v, logged %s", err, logged)
	}
}

// TestALogMayMakeProtectors: it does so while the storage is looked up, and for each of
// the warnings.
func TestALogMayMakeProtectors(t *testing.T) {
	for scenario, lines := range map[string]string{"log": "1\n", "log with driver": "1\n"} {
		printed, _ := play(t, scenario, "", "HW_DB_HOST=h")
		if printed != lines+unheard && printed != lines+together {
			t.Errorf("%s: printed %s", scenario, printed)
		}
	}
}

// A handler is a log that does something.
type handler func()

func (h handler) Enabled(context.Context, slog.Level) bool  { return true }
func (h handler) Handle(context.Context, slog.Record) error { h(); return nil }
func (h handler) WithAttrs([]slog.Attr) slog.Handler        { return h }
func (h handler) WithGroup(string) slog.Handler             { return h }
