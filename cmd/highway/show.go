package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/highway-engine/highway/cmd/highway/internal/output"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

const showHelp = `Shows one circuit: its state and how long it will last, who has decided it and
why, what each instance that uses it sees, with which settings, and its last
transitions.`

// recent is how many transitions are shown with a circuit.
const recent = 5

func showCommand() *cobra.Command {
	var a asker
	command := &cobra.Command{
		Use:     "show KEY",
		GroupID: groupSee,
		Short:   "Show all that is known of one circuit",
		Long:    showHelp,
		Example: `  highway show payments`,
		Args:    arguments(1, 1, "KEY"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := check(args[0]); err != nil {
				return err
			}
			var d fleet.Detail
			var history []fleet.Transition
			if err := a.ask(c.Context(), func(ctx context.Context, ledger fleet.Ledger) (err error) {
				if d, err = ledger.Look(ctx, args[0]); err != nil {
					return err
				}
				if d.Row.Incarnation == 0 {
					return fmt.Errorf("%w: %q", operate.ErrNoCircuit, args[0])
				}
				history, err = ledger.History(ctx, fleet.HistoryQuery{Key: args[0], Limit: recent})
				return err
			}); err != nil {
				return err
			}
			return a.print(c, output.DetailOf(d, history), func(s output.Screen) error { return output.Show(s, d, history) })
		},
	}
	a.register(command)
	return command
}
