package main

import (
	"bufio"
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A plan is how to measure.
type plan struct {
	results   string // the folder for the binary and what it prints
	runs      int
	bench     string
	benchtime string
	progress  io.Writer
}

// measure builds the test binary once and runs it as separate processes, one after
// the other: a process has one layout of code and heap, and one lucky layout is not
// a result. What each prints is kept in a file, with a head that describes it.
func (p plan) measure(ctx context.Context) error {
	if err := p.clear(); err != nil {
		return err
	}
	binary, err := filepath.Abs(filepath.Join(p.results, "benchmarks.test"))
	if err != nil {
		return err
	}
	fmt.Fprintln(p.progress, "building the test binary")
	build := command(ctx, "test", "-c", "-o", binary, ".")
	build.Stderr = p.progress
	if err := build.Run(); err != nil {
		return fmt.Errorf("go test -c: %w", err)
	}
	head, err := describe(ctx, binary)
	if err != nil {
		return err
	}
	for i := 1; i <= p.runs; i++ {
		if err := p.run(ctx, binary, head, i); err != nil {
			return err
		}
	}
	return nil
}

// command runs go outside the workspace, whose other modules would have a say in the
// versions of the peers.
func command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(cmd.Environ(), "GOWORK=off")
	return cmd
}

// clear makes the folder, without the output of earlier measurements.
func (p plan) clear() error {
	if err := os.MkdirAll(p.results, 0o755); err != nil {
		return err
	}
	old, err := outputs(p.results)
	if err != nil {
		return err
	}
	for _, file := range old {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// run is one process.
func (p plan) run(ctx context.Context, binary, head string, i int) (err error) {
	file, err := os.Create(filepath.Join(p.results, fmt.Sprintf("run-%02d.txt", i)))
	if err != nil {
		return err
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	if _, err := io.WriteString(file, head); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, binary,
		"-test.run=NONE", "-test.bench="+p.bench, "-test.benchtime="+p.benchtime, "-test.timeout=0")
	cmd.Stderr = p.progress
	printed, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	followed := p.follow(io.TeeReader(printed, file), i)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("process %d: %w; it printed %s", i, err, file.Name())
	}
	return followed
}

// follow reports which scenario a process has come to.
func (p plan) follow(printed io.Reader, i int) error {
	scenario := ""
	lines := bufio.NewScanner(printed)
	for lines.Scan() {
		name, _, _ := strings.Cut(lines.Text(), "/")
		if name, ok := strings.CutPrefix(name, "Benchmark"); ok && name != scenario {
			scenario = name
			fmt.Fprintf(p.progress, "process %d of %d: %s\n", i, p.runs, scenario)
		}
	}
	return lines.Err()
}

// libraries are the modules that Highway is compared with.
var libraries = []string{
	"github.com/sony/gobreaker/v2",
	"github.com/failsafe-go/failsafe-go",
	"github.com/eapache/go-resiliency",
	"github.com/rubyist/circuitbreaker",
	"github.com/afex/hystrix-go",
}

// describe gives what the binary does not print itself, in the lines that the
// benchmark format has for that.
func describe(ctx context.Context, binary string) (string, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return "", err
	}
	// The binary of a test does not name the modules in it.
	list := command(ctx, append([]string{"list", "-m"}, libraries...)...)
	peers, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	return fmt.Sprintf("date: %s\ngo: %s\npeers: %s\n",
		time.Now().UTC().Format(time.DateOnly), info.GoVersion, peersOf(string(peers))), nil
}

// peersOf shortens what go list prints of the peers to one line.
func peersOf(listed string) string {
	var peers []string
	for module := range strings.Lines(listed) {
		peers = append(peers, strings.TrimPrefix(strings.TrimSpace(module), "github.com/"))
	}
	return strings.Join(peers, ", ")
}

// outputs are the files of a measurement, in order.
func outputs(results string) ([]string, error) {
	return filepath.Glob(filepath.Join(results, "run-*.txt"))
}

// read parses the files of a measurement.
func read(results string) (processes, error) {
	files, err := outputs(results)
	if err != nil {
		return nil, err
	}
	var ps processes
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		p, err := parse(file, name)
		file.Close()
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	if len(ps) == 0 {
		return nil, fmt.Errorf("no measurements in %s", results)
	}
	return ps, nil
}
