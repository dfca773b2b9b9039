package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/highway-engine/highway/cmd/highway/internal/doctor"
)

const doctorHelp = `Looks at everything between this machine and a healthy fleet, as a program would
that is started here with the same variables, and says of each check whether it
is ok, what it saw, and what to do. The checks are in such an order that the
first fault is the cause; what cannot be looked at because of it is skipped.

It changes no row: it reads in transactions in which the server lets nobody
write. Only the exchange that it times is a real one, which is rolled back, and
for notifications it listens on a channel of its own. A password is never shown.

Where the database is, HW_DB_* says, in the environment or in the file .env, or
--dsn. If programs call postgres.Open with options, the flags of the same name
say so here.

Exit codes: 0, no fault; 1, a fault, be it that the database was not reached;
2, a bad flag or argument; 9, with --strict, warnings and no fault.

With --json the output is one object and nothing else. Its keys:

  status    the worst of all checks: ok, warning or fault
  cause     the name of the check with the first fault; null if there is none
  faults    how many checks found one
  warnings  how many checks found one
  checks    all of them in order, skipped ones too, each with

    check   its name
    status  ok, warning, fault or skipped
    saw     what it saw, or why it was skipped, for people
    advice  what to do, for people; empty if there is nothing to do
    notes   what else is good to know, for people
    ms      the time that was measured, in milliseconds: of connecting, an
            exchange or a notification, or how far the server's clock is ahead;
            null if nothing was`

func doctorCommand() *cobra.Command {
	options := doctor.Options{Timeout: doctor.DefaultTimeout}
	var asJSON, strict bool
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what keeps a fleet from working, and what to do",
		Long:  doctorHelp,
		Example: `  highway doctor
  HW_DB_HOST=db.example.com HW_DB_PASSWORD=… highway doctor --strict
  highway doctor --json | jq -r '.cause // empty'`,
		Args: arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if options.Timeout <= 0 {
				return fmt.Errorf("--timeout %v: it must be more than 0", options.Timeout)
			}
			out := c.OutOrStdout()
			report := doctor.Run(c.Context(), options)
			var err error
			if asJSON {
				err = report.JSON(out)
			} else {
				err = report.Print(out, doctor.NewPaper(out))
			}
			switch {
			case err != nil:
				return failure{err}
			case report.Status == doctor.Fault:
				return verdict{exitFailed}
			case report.Status == doctor.Warning && strict:
				return verdict{exitWarnings}
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&options.DSN, "dsn", "", "connection `string` instead of HW_DB_*")
	flags.StringVar(&options.Schema, "schema", "", "`name` of the tables' schema (default public)")
	flags.StringVar(&options.Namespace, "namespace", "", "`name` of the fleet's (default HW_NAMESPACE)")
	flags.StringVar(&options.Listener, "listener", "", "connection `string` by which notifications come")
	flags.BoolVar(&options.PollOnly, "poll-only", false, "programs do without notifications")
	flags.DurationVar(&options.Timeout, "timeout", options.Timeout, "`time` for everything")
	flags.BoolVar(&strict, "strict", false, "exit with 9 if there are warnings")
	flags.BoolVar(&asJSON, "json", false, "print one object, for programs")
	command.MarkFlagsMutuallyExclusive("listener", "poll-only")
	return command
}

// A verdict is the exit code of a command that has said all there is to say.
type verdict struct{ code int }

func (v verdict) Error() string { return fmt.Sprintf("exit code %d", v.code) }

// said is the exit code of err, if it is a verdict.
func said(err error) (code int, ok bool) {
	var v verdict
	ok = errors.As(err, &v)
	return v.code, ok
}
