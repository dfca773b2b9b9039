package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/highway-engine/highway/postgres/postgrestest"
)

// binary is the command, built once for the tests that need a process.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "highway")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "highway.exe")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	code := postgrestest.Run(m)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestSignalsEndTheProcessCleanly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there a process cannot send another one Ctrl-C")
	}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			process := exec.Command(binary, "demo", "--plain", "--duration=1h")
			stdout, err := process.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			var stderr strings.Builder
			process.Stderr = &stderr
			if err := process.Start(); err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(stdout)
			if _, err := reader.ReadString('\n'); err != nil { // it has begun
				t.Fatal(err)
			}
			if err := process.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(reader)
			if err != nil {
				t.Fatal(err)
			}
			if err := process.Wait(); err != nil {
				t.Errorf("%v, want exit code 0", err)
			}
			if stderr.String() != "" {
				t.Errorf("%q on the standard error, want nothing", stderr.String())
			}
			if !strings.Contains(string(rest), "Interrupted after") {
				t.Errorf("no summary in %q", rest)
			}
		})
	}
}

func TestTheProcessExitsWithTheCode(t *testing.T) {
	process := exec.Command(binary, "demo", "--instances=0")
	out, err := process.CombinedOutput()
	if process.ProcessState.ExitCode() != exitUsage {
		t.Errorf("%v, want exit code %d; it said %s", err, exitUsage, out)
	}
}
