package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// errNoProc is what there is where the kernel does not tell of processes by files.
var errNoProc = errors.New("no /proc here")

// tick is the unit of the kernel's figures; it is this on every Linux.
const tick = time.Second / 100

// processor is how long the server's processes have kept a processor busy, those that
// have ended included.
func (d *database) processor(ctx context.Context) (time.Duration, error) {
	var backend int
	if err := d.control.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return 0, err
	}
	own, err := readProcess(backend)
	if err != nil {
		return 0, err
	}
	postmaster, err := readProcess(own.parent)
	if err != nil {
		return 0, err
	}
	sum := postmaster.own + postmaster.ended
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if p, err := readProcess(pid); err == nil && p.parent == own.parent {
			sum += p.own
		}
	}
	return sum, nil
}

// A process is what the kernel says of one.
type process struct {
	parent     int
	own, ended time.Duration // of the process, and of its children that have ended
}

func readProcess(pid int) (process, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) {
		err = errNoProc
	}
	if err != nil {
		return process{}, err
	}
	return parseProcess(string(text))
}

// parseProcess reads a line of proc(5). The name of the program may hold anything.
func parseProcess(line string) (p process, err error) {
	_, rest, ok := strings.Cut(line[strings.LastIndexByte(line, ')')+1:], " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 15 {
		return p, fmt.Errorf("no line of a process: %q", line)
	}
	number := func(field int) (n int) {
		n, e := strconv.Atoi(fields[field])
		err = errors.Join(err, e)
		return n
	}
	p.parent = number(1)
	p.own = time.Duration(number(11)+number(12)) * tick
	p.ended = time.Duration(number(13)+number(14)) * tick
	return p, err
}
