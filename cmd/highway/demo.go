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
real clients that call it. Each makes its calls three times over, at the same
instants and with the same retries: through a circuit breaker that shares a
storage with those of all other clients, so that they are one fleet; through one
that is on its own ("unshared"); and through none ("unprotected"). It ends by
itself with a summary that compares the three.

The fleet opens when enough of its instances see the server fail, and closes
when their probes succeed. With --sick some instances get a bad network of their
own, which loses nine of ten requests before they reach the server, from the
middle of the first healthy phase to the middle of the last: they open alone. A
fleet of one or two instances has nobody to ask: the first trip opens it. But in
its first 10 seconds it cannot know that there are no others, and until then
each is on its own.

The fleet meets in memory. With --storage postgres each instance has connections
of its own to PostgreSQL, as if it were a process of its own. That is the
database that HW_DB_* describes, in the environment or in .env; or, if they are
not set, a server that is started for the demo and goes with it, of the
PostgreSQL on this machine or else of one that is downloaded. The output says
which. In your database the demo works in a schema of its own, highway_demo_ and
some letters, so that real breakers are not touched, and removes it at the end.
It needs the right to create one, and three connections for each instance.

In a terminal it shows the run live. With --plain, or when the output is not a
terminal, it writes a line for each change of state, and now and then the
totals.

With --dashboard it serves a page on this machine instead, until Ctrl-C: the
breakers of a fleet that calls seven servers, with buttons that break, slow and
heal each, and that make an instance sick.

Ctrl-C, or SIGTERM, ends the run cleanly: the summary so far is printed and the
exit code is 0. Other exit codes: 1, the run failed; 2, a bad flag or argument.

With --json the output is one object and nothing else. Its keys:

  instances                    protected clients
  sick                         how many of them had a bad network of their own
  duration_ms                  how long the run took, in milliseconds
  outage_ms                    how long the server was to be failing or slow
  seed                         what decided when calls were made
  storage                      where the fleet met: memory or postgres
  storage_at                   which database that was, for people to read; null
                               with memory
  interrupted                  true if the run was ended before its time
  calls                        calls as one fleet that came to an end:
                               succeeded_calls + failed_calls + refused_calls
  succeeded_calls              calls that succeeded, maybe after retries
  failed_calls                 calls that failed after at least one request
  refused_calls                calls that the breaker refused, without a request
  retries                      requests made again after one that failed
  wasted_calls                 requests, retries included, that were sent while
                               the server was failing or slow, reached it, and
                               failed
  open_on_all_ms               from the beginning of the outage until every
                               instance that is not sick had refused a call;
                               null if that did not happen
  closed_on_all_ms             from the end of the outage until all instances
                               that are not sick were CLOSED at one time; null
                               if that did not happen
  calls_unshared               calls each on its own: succeeded_calls_unshared +
                               failed_calls_unshared + refused_calls_unshared
  succeeded_calls_unshared     like succeeded_calls, each on its own
  failed_calls_unshared        like failed_calls, each on its own
  refused_calls_unshared       like refused_calls, each on its own
  retries_unshared             like retries, each on its own
  wasted_calls_unshared        like wasted_calls, each on its own
  calls_unprotected            calls without breakers:
                               succeeded_calls_unprotected +
                               failed_calls_unprotected
  succeeded_calls_unprotected  like succeeded_calls, without breakers
  failed_calls_unprotected     like failed_calls, without breakers
  retries_unprotected          like retries, without breakers
  wasted_calls_unprotected     like wasted_calls, without breakers
  status_changes               changes of state of all breakers of the fleet
  status_changes_unshared      changes of state of all breakers on their own
  by_instance                  for each protected client: name, sick (true or
                               false), state (of its breaker in the fleet at the
                               end: CLOSED, OPEN or HALF_OPEN), calls,
                               succeeded_calls, failed_calls, refused_calls,
                               retries, wasted_calls, wasted_calls_unshared,
                               wasted_calls_unprotected, status_changes,
                               status_changes_unshared

A client has at most 100 calls in flight, and leaves out those beyond; only then
calls and calls_unprotected differ much. With more than 33 instances each calls
less often, so that together they make 1333 calls a second at most, three times
over.`

func demoCommand() *cobra.Command {
	var config demo.Config
	var plain, asJSON, board bool
	var listen string
	command := &cobra.Command{
		Use:   "demo",
		Short: "Watch a fleet with breakers, and without, meet a server that fails",
		Long:  demoHelp,
		Example: `  highway demo
  highway demo --instances 12 --duration 1m --outage 20s
  highway demo --instances 20 --sick 1
  highway demo --storage postgres
  highway demo --dashboard
  highway demo --duration 10s --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := config.Validate(); err != nil {
				return err
			}
			config.Logf = func(format string, arguments ...any) { fmt.Fprintf(c.ErrOrStderr(), format+"\n", arguments...) }
			if board {
				return demoDashboard(c.Context(), c.OutOrStdout(), config, listen)
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
	flags.IntVar(&config.Sick, "sick", 0, "`number` of them with a bad network of their own")
	flags.DurationVar(&config.Duration, "duration", 20*time.Second, "`time` the run takes, 1s to 1h")
	flags.DurationVar(&config.Outage, "outage", 0, "`time` the server is down (default half the duration)")
	flags.Uint64Var(&config.Seed, "seed", 1, "`number` that decides when calls are made")
	flags.StringVar(&config.Storage, "storage", demo.Memory, "memory or `postgres`, to meet in")
	flags.BoolVar(&plain, "plain", false, "lines of text without colours or cursor movement")
	flags.BoolVar(&asJSON, "json", false, "nothing but a summary at the end, as a JSON object")
	flags.BoolVar(&board, "dashboard", false, "a page with breakers of servers that you break")
	flags.StringVar(&listen, "listen", "127.0.0.1:0", "`address` of that page")
	for _, other := range []string{"duration", "outage", "plain", "json"} {
		command.MarkFlagsMutuallyExclusive("dashboard", other)
	}
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
