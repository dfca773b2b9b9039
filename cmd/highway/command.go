package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/highway-engine/highway/cmd/highway/internal/output"
)

// The exit codes.
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitRefused   = 3
	exitUnreached = 4
	exitNotDone   = 5
	exitUnknown   = 6
	exitNoCircuit = 7
	exitOvertaken = 8
	exitWarnings  = 9 // of the doctor
)

// A failure is an error of a command that was called properly.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// A refusal is a failure because nobody has agreed.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// A result is an error with an exit code of its own.
type result struct {
	error
	code int
}

func (r result) Unwrap() error { return r.error }

// execute runs the command line and returns the exit code. Every error that is not a
// failure, refusal or result, such as cobra's own, is a mistake in the command line.
func execute(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := rootCommand()
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
	// What it quotes may come from anywhere.
	fmt.Fprintf(errs, "highway: %s\n", output.SafeLines(strings.TrimPrefix(err.Error(), "highway: ")))
	var r result
	switch {
	case errors.As(err, &r):
		return r.code
	case errors.As(err, new(failure)):
		return exitFailed
	case errors.As(err, new(refusal)):
		return exitRefused
	}
	fmt.Fprintf(errs, "see \"%s --help\"\n", command.CommandPath())
	return exitUsage
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "highway",
		Short:         "Operate circuit breakers",
		Long:          "Operates the circuit breakers of a fleet, sets up and examines its\ndatabase, and shows the library at work.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(flagError)
	root.Version = strings.TrimPrefix(version(build()), "highway ")
	root.SetVersionTemplate("highway {{.Version}}\n")
	root.AddGroup(&cobra.Group{ID: groupSee, Title: "See how the circuits of a fleet fare:"},
		&cobra.Group{ID: groupAct, Title: "Give an order to a whole fleet:"})
	root.AddCommand(listCommand(), showCommand(), historyCommand(), watchCommand(), dashboardCommand())
	root.AddCommand(orderCommands()...)
	root.AddCommand(demoCommand(), doctorCommand(), setupCommand(), versionCommand(), manCommand())
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		c.Short = "Print a script that completes commands, flags and keys"
		c.Long = `Prints a script that has a shell complete commands and flags, and keys, if the
storage answers within a second. The help of each shell says where to put it, as
highway completion bash --help does.`
	}
	return root
}

// The groups of commands in the help.
const (
	groupSee = "see"
	groupAct = "act"
)
