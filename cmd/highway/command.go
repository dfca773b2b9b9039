package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitRefused = 3
)

// A failure is an error of a command that was called properly.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// A refusal is a failure because nobody has agreed.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// execute runs the command line and returns the exit code. Every error that is not a
// failure or refusal, such as cobra's own, is a mistake in the command line.
func execute(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := &cobra.Command{
		Use:           "highway",
		Short:         "Shows the highway circuit breaker library at work, and looks after its database",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(demoCommand(), doctorCommand(), setupCommand(), versionCommand())
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)

	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if code, ok := said(err); ok {
		return code
	}
	fmt.Fprintf(errs, "highway: %v\n", err)
	if errors.As(err, new(failure)) {
		return exitFailed
	}
	if errors.As(err, new(refusal)) {
		return exitRefused
	}
	fmt.Fprintf(errs, "see \"%s --help\"\n", command.CommandPath())
	return exitUsage
}
