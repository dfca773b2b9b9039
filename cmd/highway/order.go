package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/highway-engine/highway/cmd/highway/internal/output"
	"github.com/highway-engine/highway/cmd/highway/internal/setup"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

// orderHelp says what an order does, and what others do about it.
var orderHelp = map[operate.Action]struct{ short, long, reason string }{
	operate.Open: {"Open a circuit for a time", `Opens a circuit in the whole fleet for the time that --for says. Until then no
instance makes calls, whatever they decide; after it a few calls probe.`, "INC-7: the gateway is down"},
	operate.Close: {"Close a circuit", `Closes a circuit in the whole fleet, with empty windows, and ends what open,
isolate or disable have set.`, "INC-7: the gateway is back"},
	operate.HalfOpen: {"Let a circuit probe", `Lets a few calls of the whole fleet probe the resource, which closes the circuit
or opens it again, and ends what open, isolate or disable have set.`, "INC-7: it may be back"},
	operate.Isolate: {"Open a circuit until another order", `Opens a circuit in the whole fleet, until another order is given: release lets
it probe, close closes it.`, "INC-7: the gateway is down"},
	operate.Disable: {"Keep a circuit closed until another order", `Closes a circuit in the whole fleet, and keeps it from opening until another
order is given: every call goes through.`, "INC-8: it opens for nothing"},
	operate.Release: {"End what open, isolate or disable has set", `Ends what open, isolate or disable has set: the circuit probes. Without that
there is nothing to do.`, "INC-7 is over"},
	operate.Delete: {"Delete a circuit that nobody uses any more", `Deletes a circuit; the history keeps who and why. Instances that use it make it
again, closed. It asks in a terminal; elsewhere it needs --yes.`, "it is called billing now"},
}

const recorded = `

Who (--by) and why (--reason) stand with the circuit and in its history. The
instances hear of it within moments. An order that ends with 0 is done.`

func orderCommands() (all []*cobra.Command) {
	for _, action := range operate.Actions {
		all = append(all, orderCommand(action))
	}
	return all
}

func orderCommand(action operate.Action) *cobra.Command {
	var a asker
	var version string
	var yes bool
	o := operate.Order{Action: action}
	command := &cobra.Command{
		Use:     string(action) + " KEY",
		GroupID: groupAct,
		Short:   orderHelp[action].short,
		Long:    orderHelp[action].long + recorded,
		Example: fmt.Sprintf("  highway %s payments --reason %q", action, orderHelp[action].reason),
		Args:    arguments(1, 1, "KEY"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			o.Key = args[0]
			if o.By == "" {
				o.By = whoami()
			}
			if version != "" {
				if o.Seen, err = output.ParseVersion(version); err != nil {
					return fmt.Errorf("--seen %w", err)
				}
			}
			if action == operate.Open && !c.Flags().Changed("for") {
				return errors.New("--for is missing: how long, as 10m")
			}
			if err := o.Check(); err != nil {
				return mistake(err)
			}
			if action == operate.Delete && !yes {
				if err := a.agree(c, &o); err != nil {
					return err
				}
			}
			var is operate.Outcome
			var seen witness
			if err := a.ask(c.Context(), func(ctx context.Context, ledger fleet.Ledger) error {
				seen.Ledger = ledger
				is, err = operate.Do(ctx, &seen, o)
				if errors.Is(err, operate.ErrOvertaken) {
					err = seen.overtaken(ctx, err, o.Key, is.After)
				}
				return err
			}); err != nil {
				return err
			}
			object := struct {
				Key     string            `json:"key"`
				Action  operate.Action    `json:"action"`
				Changed bool              `json:"changed"`
				Before  output.RowObject  `json:"before"`
				After   *output.RowObject `json:"after"`
			}{Key: o.Key, Action: action, Changed: is.Changed, Before: output.RowOf(is.Before)}
			if is.After.Incarnation != 0 {
				after := output.RowOf(is.After)
				object.After = &after
			}
			return a.print(c, object, func(s output.Screen) error {
				return output.Done(s, o.Key, is.Before, is.After, is.Changed, seen.since(is.Before))
			})
		},
	}
	flags := command.Flags()
	if action == operate.Open {
		command.Example = strings.Replace(command.Example, " --reason", " --for 10m --reason", 1)
		flags.Var(span{&o.For}, "for", "how `long`, as 10m, 2h or 1d; at most a year")
	}
	flags.StringVar(&o.Note, "reason", "", "why, in one `line`")
	flags.StringVar(&o.By, "by", "", "`who` (default user@host)")
	flags.StringVar(&version, "seen", "", "do it only at this `version`, which show tells")
	if action == operate.Delete {
		flags.BoolVarP(&yes, "yes", "y", false, "do it without asking")
	} else if action != operate.Release {
		flags.BoolVar(&o.Create, "create", false, "also if nobody has used such a circuit yet")
	}
	a.register(command)
	return command
}

// A witness remembers what an order has seen of a circuit, for what a row alone does not say.
type witness struct {
	fleet.Ledger
	detail fleet.Detail
	at     time.Time
}

// Look implements fleet.Ledger.
func (w *witness) Look(ctx context.Context, key string) (fleet.Detail, error) {
	d, err := w.Ledger.Look(ctx, key)
	if err == nil {
		w.detail, w.at = d, time.Now()
	}
	return d, err
}

// overtaken adds to an error to what a circuit has changed, and by whom.
func (w *witness) overtaken(ctx context.Context, err error, key string, is fleet.Row) error {
	if is.Incarnation != 0 {
		return fmt.Errorf("%w: %s", err, output.Overtaken(is, w.since(is)))
	}
	last, failed := w.History(ctx, fleet.HistoryQuery{Key: key, Limit: 1})
	if failed != nil || len(last) == 0 || !last[0].Deleted {
		return err
	}
	return fmt.Errorf("%w: %s", err, output.Deleted(last[0]))
}

// since is how long ago the row came into its epoch, if that was seen.
func (w *witness) since(row fleet.Row) output.Ago {
	seen := w.detail.Row
	if seen.Incarnation == 0 || seen.Incarnation != row.Incarnation || seen.Epoch != row.Epoch {
		return output.Ago{}
	}
	return output.Ago{Time: w.detail.Changed + time.Since(w.at), Known: true}
}

// whoami is who gives an order unless that is said. A name that no order may have is refused
// with it.
func whoami() string {
	name, host := "somebody", "somewhere"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil && h != "" {
		host = h
	}
	return name + "@" + host
}

// agree shows what there is, and asks whether to delete it: it, and nothing that it may have
// become until somebody answers.
func (a *asker) agree(c *cobra.Command, o *operate.Order) error {
	console := setup.NewConsole(c.InOrStdin(), c.ErrOrStderr())
	if console.Line == nil {
		return refusal{errors.New("nothing was changed: there is no terminal to ask on; --yes agrees")}
	}
	var d fleet.Detail
	if err := a.ask(c.Context(), func(ctx context.Context, ledger fleet.Ledger) (err error) {
		if d, err = ledger.Look(ctx, o.Key); err == nil && d.Row.Incarnation == 0 {
			err = fmt.Errorf("%w: %q", operate.ErrNoCircuit, o.Key)
		}
		return err
	}); err != nil {
		return err
	}
	if o.Seen == (fleet.Identity{}) {
		o.Seen = d.Row.Identity
	}
	s := output.NewScreen(c.ErrOrStderr())
	if err := output.Stands(s, d.Key, &d.Circuit); err != nil {
		return failure{err}
	}
	if err := console.Agree(c.Context(), "Shall it be deleted?"); err != nil {
		return refusal{err}
	}
	return nil
}
