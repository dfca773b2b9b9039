package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/highway-engine/highway/cmd/highway/internal/output"
	"github.com/highway-engine/highway/cmd/highway/internal/watch"
)

const watchHelp = `Writes how things stand, and then a line for each change, as it happens, until
Ctrl-C: of one circuit, or of all, or of those whose keys begin with --prefix.
It hears of changes by the storage's notifications, and looks once a second in
case these do not come. With --json each line is one object.

A storage that goes away is said on the standard error, and asked again.`

func watchCommand() *cobra.Command {
	var a asker
	var prefix string
	command := &cobra.Command{
		Use:     "watch [KEY]",
		GroupID: groupSee,
		Short:   "Watch circuits change, until Ctrl-C",
		Long:    watchHelp,
		Example: `  highway watch
  highway watch payments`,
		Args: arguments(0, 1, "KEY"),
		RunE: func(c *cobra.Command, args []string) error {
			w := watch.Watcher{Prefix: prefix, Timeout: a.Timeout}
			if len(args) == 1 {
				if w.Key = args[0]; check(w.Key) != nil {
					return check(w.Key)
				}
				if prefix != "" {
					return errors.New("--prefix: it is for all keys, not for one")
				}
			}
			storage, end, err := a.Open(c.Context())
			if err != nil {
				return err
			}
			defer end()
			w.Ledger = storage
			w.Tell = a.teller(c)
			w.Trouble = func(err error) {
				text := "the storage answers again"
				if err != nil {
					text = "the storage does not answer, and is asked again: " + err.Error()
				}
				fmt.Fprintf(c.ErrOrStderr(), "highway: %s\n", output.SafeLines(text))
			}
			err = w.Run(c.Context())
			if errors.Is(err, context.DeadlineExceeded) {
				err = fmt.Errorf("the storage did not answer within %v (--timeout): %w", a.Timeout, err)
			}
			return judged(err)
		},
	}
	command.Flags().StringVar(&prefix, "prefix", "", "only keys that begin with `text`")
	a.register(command)
	return command
}

// teller writes events.
func (a *asker) teller(c *cobra.Command) func(watch.Event) error {
	return func(e watch.Event) error {
		object := struct {
			Event      watch.Kind               `json:"event"`
			Key        *string                  `json:"key"`
			Circuit    *output.CircuitObject    `json:"circuit"`
			Transition *output.TransitionObject `json:"transition"`
			Suspects   []string                 `json:"suspects"`
		}{Event: e.Kind, Suspects: append([]string{}, e.Suspects...)}
		if e.Kind != watch.Watching {
			object.Key = &e.Key
		}
		if e.Circuit != nil {
			circuit := output.CircuitOf(*e.Circuit)
			object.Circuit = &circuit
		}
		if e.Transition != nil {
			transition := output.TransitionOf(*e.Transition)
			object.Transition = &transition
		}
		return a.print(c, object, func(s output.Screen) error { return line(s, e) })
	}
}

// line writes an event for people.
func line(s output.Screen, e watch.Event) error {
	switch e.Kind {
	case watch.Watching:
		return output.Line(s, "watching; Ctrl-C ends it")
	case watch.Is:
		return output.Stands(s, e.Key, e.Circuit)
	case watch.Changed:
		return output.Happened(s, *e.Transition)
	case watch.Suspected:
		return output.Suspected(s, e.Key, e.Suspects, e.Circuit)
	}
	return output.Line(s, output.Safe(e.Key)+"  no longer suspected")
}
