package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/highway-engine/highway/cmd/highway/internal/output"
	"github.com/highway-engine/highway/fleet"
)

const listHelp = `Lists the circuits of the fleet. FAILED is in the windows of all instances, as
they last said: within 13 seconds after the number of failures in its window, or
whether it uses the circuit, has changed, and otherwise every five minutes.
Right after a change the figures may be those of before. A circuit that is OPEN
in one instance alone is CLOSED here; --busy finds it by its suspect.`

// orders are those that a list can have. Keys decide between equals.
var orders = map[string]func(a, b fleet.Circuit) int{
	"key": func(a, b fleet.Circuit) int { return 0 },
	"state": func(a, b fleet.Circuit) int {
		return cmp.Or(cmp.Compare(urgency(a.Row.State), urgency(b.Row.State)), -cmp.Compare(a.Row.Hold, b.Row.Hold))
	},
	"rate":    func(a, b fleet.Circuit) int { return -cmp.Compare(rate(a), rate(b)) },
	"changed": func(a, b fleet.Circuit) int { return cmp.Compare(a.Changed, b.Changed) },
}

func urgency(s fleet.State) int {
	return slices.Index([]fleet.State{fleet.Open, fleet.HalfOpen, fleet.Closed}, s)
}

// rate is the share of calls that fail; without calls it is less than any.
func rate(c fleet.Circuit) float64 {
	if c.Outcomes == 0 {
		return -1
	}
	return float64(c.Failures) / float64(c.Outcomes)
}

func listCommand() *cobra.Command {
	var a asker
	var q fleet.Query
	var states []string
	var held bool
	var sort string
	command := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		GroupID: groupSee,
		Short:   "List the circuits",
		Long:    listHelp,
		Example: `  highway list
  highway list --busy --sort changed
  highway list --state open,half-open --prefix payments`,
		Args: arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			order, ok := orders[sort]
			if !ok {
				return fmt.Errorf("--sort %s: it must be key, state, rate or changed", sort)
			}
			var err error
			if q.States, err = parseStates(states); err != nil {
				return err
			}
			if held {
				q.Holds = []fleet.Hold{fleet.HeldOpen, fleet.Isolated, fleet.Disabled}
			}
			var all []fleet.Circuit
			if err := a.ask(c.Context(), func(ctx context.Context, ledger fleet.Ledger) (err error) {
				all, err = every(ctx, ledger, q)
				return err
			}); err != nil {
				return err
			}
			slices.SortStableFunc(all, order)
			objects := make([]output.CircuitObject, len(all))
			for i, circuit := range all {
				objects[i] = output.CircuitOf(circuit)
			}
			return a.print(c, map[string]any{"circuits": objects}, func(s output.Screen) error {
				if len(all) == 0 {
					return output.Line(s, output.Nothing(q, a.Namespace()))
				}
				return output.List(s, all)
			})
		},
	}
	flags := command.Flags()
	flags.StringSliceVar(&states, "state", nil, "only these `states`: closed, open, half-open")
	flags.StringVar(&q.Prefix, "prefix", "", "only keys that begin with `text`")
	flags.BoolVar(&held, "held", false, "only those that a person holds")
	flags.BoolVar(&q.Busy, "busy", false, "only those not plainly closed, or suspected")
	flags.StringVar(&sort, "sort", "key", "by `what`: key, state, rate or changed")
	a.register(command)
	complete(command, "state", "closed", "open", "half-open")
	complete(command, "sort", "key", "state", "rate", "changed")
	return command
}

// every returns the circuits of all pages.
func every(ctx context.Context, ledger fleet.Ledger, q fleet.Query) (all []fleet.Circuit, err error) {
	for {
		page, err := ledger.List(ctx, q)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all = append(all, page...)
		q.After = page[len(page)-1].Key
	}
}

func parseStates(names []string) (states []fleet.State, err error) {
	for _, name := range names {
		switch strings.ReplaceAll(strings.ToLower(name), "_", "-") {
		case "closed":
			states = append(states, fleet.Closed)
		case "open":
			states = append(states, fleet.Open)
		case "half-open":
			states = append(states, fleet.HalfOpen)
		default:
			return nil, fmt.Errorf("--state %s: it must be closed, open or half-open", name)
		}
	}
	return states, nil
}

// complete gives a flag's values to the shell.
func complete(c *cobra.Command, flag string, values ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
