package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/highway-engine/highway/cmd/highway/internal/output"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

const historyHelp = `Shows what has happened to a circuit, or to all, newest first: from which state
to which, why, who decided it, and on which evidence. What there is more it
says at the end, and how to get it. Times are those of this machine's zone.`

func historyCommand() *cobra.Command {
	var a asker
	var limit int
	var before uint64
	command := &cobra.Command{
		Use:     "history [KEY]",
		GroupID: groupSee,
		Short:   "Show what has happened",
		Long:    historyHelp,
		Example: `  highway history
  highway history payments --limit 100`,
		Args: arguments(0, 1, "KEY"),
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 0 {
				return fmt.Errorf("--limit %d: it must not be less than 0", limit)
			}
			q := fleet.HistoryQuery{Before: before}
			if len(args) == 1 {
				if q.Key = args[0]; check(q.Key) != nil {
					return check(q.Key)
				}
			}
			var all []fleet.Transition
			var next uint64
			if err := a.ask(c.Context(), func(ctx context.Context, ledger fleet.Ledger) (err error) {
				all, next, err = pages(ctx, ledger, q, limit)
				if err == nil && len(all) == 0 && q.Key != "" {
					err = known(ctx, ledger, q.Key)
				}
				return err
			}); err != nil {
				return err
			}
			object := struct {
				Transitions []output.TransitionObject `json:"transitions"`
				Next        *uint64                   `json:"next_before"`
			}{Transitions: output.TransitionsOf(all)}
			if next != 0 {
				object.Next = &next
			}
			return a.print(c, object, func(s output.Screen) error {
				if err := output.History(s, all, q.Key == ""); err != nil || next == 0 {
					return err
				}
				_, err := fmt.Fprintf(s.Out, "There is more: --before %d\n", next)
				return err
			})
		},
	}
	flags := command.Flags()
	flags.IntVar(&limit, "limit", 20, "`number` of transitions at most; 0 is all")
	flags.Uint64Var(&before, "before", 0, "only those before the one with this `id`")
	a.register(command)
	return command
}

// known is an error if there is neither a row at the key nor a line of its history.
func known(ctx context.Context, ledger fleet.Ledger, key string) error {
	all, err := ledger.History(ctx, fleet.HistoryQuery{Key: key, Limit: 1})
	if err != nil || len(all) > 0 {
		return err
	}
	d, err := ledger.Look(ctx, key)
	if err == nil && d.Row.Incarnation == 0 {
		err = fmt.Errorf("%w: %q", operate.ErrNoCircuit, key)
	}
	return err
}

// pages returns up to limit transitions, and the id before which there are more.
func pages(ctx context.Context, ledger fleet.Ledger, q fleet.HistoryQuery, limit int) (all []fleet.Transition, next uint64, err error) {
	for {
		q.Limit = fleet.LargestPage
		if limit > 0 { // one more says whether there is one
			q.Limit = min(limit+1-len(all), fleet.LargestPage)
		}
		page, err := ledger.History(ctx, q)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, page...)
		if limit > 0 && len(all) > limit {
			return all[:limit], all[limit-1].ID, nil
		}
		if len(page) < q.Limit {
			return all, 0, nil
		}
		q.Before = page[len(page)-1].ID
	}
}
