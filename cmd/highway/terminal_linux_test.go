package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is both ends of one that is so many columns wide.
func terminal(t *testing.T, columns uint16) (person, process *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { person.Close() })
	// The descriptor itself would make the file block for ever.
	raw, err := person.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number uint32
	var failed error
	if err := raw.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			number, failed = unix.IoctlGetUint32(int(fd), unix.TIOCGPTN)
		}
		if failed == nil {
			failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: columns})
		}
	}); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	process, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	return person, process
}

// typed runs the command in a terminal where somebody types this.
func (d *deployment) typed(columns uint16, typed string, variables []string, args ...string) (code int, screen string) {
	d.Helper()
	person, side := terminal(d.T, columns)
	process := d.process(append([]string{"HW_DB_DSN=" + d.dsn, "TERM=xterm"}, variables...), args...)
	process.Stdin, process.Stdout, process.Stderr = side, side, side
	if err := process.Start(); err != nil {
		d.Fatal(err)
	}
	side.Close()
	if _, err := io.WriteString(person, typed); err != nil {
		d.Fatal(err)
	}
	out, _ := io.ReadAll(person) // its error is that the other side is closed
	_ = process.Wait()
	return process.ProcessState.ExitCode(), strings.ReplaceAll(string(out), "\r\n", "\n")
}

func TestInATerminalThereAreColoursAndATableThatFits(t *testing.T) {
	d := deploy(t)
	d.scene(d.storage())
	d.done("isolate", "payments", "--reason", "INC-7: the gateway is down, and its people are on it")
	const red = "\x1b[31mOPEN, isolated\x1b[m"
	if code, screen := d.typed(50, "", nil, "list"); code != exitOK || !strings.Contains(screen, red) || strings.Contains(screen, "INC-7: the gateway is down") {
		t.Errorf("exit code %d, %q", code, screen)
	}
	for _, variable := range []string{"NO_COLOR=1", "TERM=dumb"} {
		if code, screen := d.typed(50, "", []string{variable}, "list"); code != exitOK || strings.Contains(screen, "\x1b") {
			t.Errorf("%s: exit code %d, %q", variable, code, screen)
		}
	}
}

func TestDeletionIsAskedForInATerminal(t *testing.T) {
	d := deploy(t)
	d.scene(d.storage())
	for _, answer := range []string{"n\n", "\n", "\x04"} {
		if code, screen := d.typed(80, answer, nil, "delete", "payments"); code != exitRefused || !strings.Contains(screen, "Shall it be deleted? [y/N]") || !strings.Contains(screen, "payments  ") {
			t.Errorf("%q: exit code %d, %q", answer, code, screen)
		}
	}
	if code, screen := d.typed(80, "y\n", nil, "delete", "payments"); code != exitOK || !strings.Contains(screen, "payments is deleted") {
		t.Errorf("exit code %d, %q", code, screen)
	}
	if code, _ := d.typed(80, "y\n", nil, "delete", "payments"); code != exitNoCircuit {
		t.Errorf("exit code %d", code)
	}
}
