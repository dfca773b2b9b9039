package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/highway-engine/highway/cmd/highway/internal/demo"
)

const demoHelp = `Starts a real HTTP server on loopback that is healthy, then failing (503 at
once), then slow (answers after the clients' timeout), then healthy again, and
real clients that call it: each protected by a circuit breaker of its own, and
each with a twin that makes the same calls at the same instants with the same
retries, but without a breaker. It ends by itself with a summary that compares
the two.

In a terminal it shows the run live. With --plain, or when the output is not a
terminal, it writes a line for each change of state, and now and then the
totals.

Ctrl-C, or SIGTERM, ends the run cleanly: the summary so far is printed and the
exit code is 0. Other exit codes: 1, the run failed; 2, a bad flag or argument.

With --json the output is one object and nothing else. Its keys:

  instances                    protected clients
  duration_ms                  how long the run took, in milliseconds
  outage_ms                    how long the server was to be failing or slow
  seed                         what decided when calls were made
  interrupted                  true if the run was ended before its time
  calls                        calls of protected clients that came to an end:
                               succeeded_calls + failed_calls + refused_calls
  succeeded_calls              calls that succeeded, maybe after retries
  failed_calls                 calls that failed after at least one request
  refused_calls                calls that the breaker refused, without a request
  retries                      requests made again after one that failed
  wasted_calls                 requests, retries included, that were sent while
                               the server was failing or slow, and failed
  calls_unprotected            calls of the twins: succeeded_calls_unprotected +
                               failed_calls_unprotected
  succeeded_calls_unprotected  like succeeded_calls, of the twins
  failed_calls_unprotected     like failed_calls, of the twins
  retries_unprotected          like retries, of the twins
  wasted_calls_unprotected     like wasted_calls, of the twins
  status_changes               changes of state of all breakers
  by_instance                  for each protected client: name, state (of its
                               breaker at the end: CLOSED, OPEN or HALF_OPEN),
                               calls, succeeded_calls, failed_calls,
                               refused_calls, retries, wasted_calls,
                               wasted_calls_unprotected, status_changes

A client has at most 100 calls in flight, and leaves out those beyond; only then
calls and calls_unprotected differ much. With more than 50 instances each calls
less often, so that together they make 2000 calls a second at most.`

func demoCommand() *cobra.Command {
	var config demo.Config
	var plain, asJSON bool
	command := &cobra.Command{
		Use:   "demo",
		Short: "Watch clients with breakers, and without, meet a server that fails",
		Long:  demoHelp,
		Example: `  highway demo
  highway demo --instances 12 --duration 1m --outage 20s
  highway demo --duration 10s --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := config.Validate(); err != nil {
				return err
			}
			show := live
			switch {
			case asJSON:
				show = jsonOnly
			case plain || !isTerminal(c.OutOrStdout()) || os.Getenv("TERM") == "dumb":
				show = plainText
			}
			run, err := demo.Start(c.Context(), config)
			if err != nil {
				return failure{err}
			}
			if err := show(run, c.InOrStdin(), c.OutOrStdout()); err != nil {
				return failure{err}
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.IntVar(&config.Instances, "instances", 5, fmt.Sprintf("`number` of protected clients, 1 to %d", demo.MaxInstances))
	flags.DurationVar(&config.Duration, "duration", 20*time.Second, "`time` the run takes, 1s to 1h")
	flags.DurationVar(&config.Outage, "outage", 0, "`time` the server is down (default half the duration)")
	flags.Uint64Var(&config.Seed, "seed", 1, "`number` that decides when calls are made")
	flags.BoolVar(&plain, "plain", false, "lines of text without colours or cursor movement")
	flags.BoolVar(&asJSON, "json", false, "nothing but a summary at the end, as a JSON object")
	return command
}

// live shows the run in the terminal, and then the summary.
func live(run *demo.Run, in io.Reader, out io.Writer) error {
	if !isTerminal(in) {
		in = nil
	}
	if err := demo.Live(run, in, out); err != nil {
		return err
	}
	return printSummary(run, out)
}

// plainText tells of the run line by line, and then the summary.
func plainText(run *demo.Run, _ io.Reader, out io.Writer) error {
	if err := demo.Plain(run, out); err != nil {
		return err
	}
	return printSummary(run, out)
}

func printSummary(run *demo.Run, out io.Writer) error {
	summary, err := run.Wait()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n%s", summary)
	return err
}

// jsonOnly prints the summary as JSON.
func jsonOnly(run *demo.Run, _ io.Reader, out io.Writer) error {
	summary, err := run.Wait()
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(summary)
}

// isTerminal says whether a reader or writer is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(file.Fd()))
}
