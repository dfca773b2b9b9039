package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// A Console is where to ask and to tell.
type Console struct {
	Out io.Writer
	// Line reads a line, and Secret one that does not appear. They are nil if there is
	// nobody to ask.
	Line, Secret func() (string, error)

	restore func() // the terminal, if a secret is no longer waited for
}

// NewConsole is one on these streams. Nobody is asked if in is no terminal.
func NewConsole(in io.Reader, out io.Writer) Console {
	c := Console{Out: out}
	file, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return c
	}
	if state, err := term.GetState(int(file.Fd())); err == nil {
		c.restore = func() { _ = term.Restore(int(file.Fd()), state) }
	}
	c.Line = func() (string, error) { return bufio.NewReader(file).ReadString('\n') }
	c.Secret = func() (string, error) {
		secret, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(out)
		return string(secret), err
	}
	return c
}

// ErrNotAgreed says that nobody has agreed to what would have been done.
var ErrNotAgreed = errors.New("nothing was changed")

// agree asks.
func (c Console) agree(ctx context.Context, yes bool) error {
	if yes {
		return nil
	}
	if c.Line == nil {
		return fmt.Errorf("%w: there is no terminal to ask on; --yes agrees to what is to do", ErrNotAgreed)
	}
	return c.Agree(ctx, "Shall this be done?")
}

// Agree asks somebody at a terminal a question.
func (c Console) Agree(ctx context.Context, question string) error {
	fmt.Fprint(c.Out, question+" [y/N] ")
	answer, err := c.wait(ctx, c.Line)
	if err != nil {
		fmt.Fprintln(c.Out)
		return ErrNotAgreed
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return ErrNotAgreed
}

// wait reads, unless ctx ends before. Somebody who says nothing is left behind, as there is
// no way to stop reading from a terminal.
func (c Console) wait(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := read()
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-ctx.Done():
		if c.restore != nil {
			c.restore()
		}
		return "", ctx.Err()
	}
}
