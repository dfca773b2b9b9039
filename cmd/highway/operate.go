package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/cmd/highway/internal/connect"
	"github.com/highway-engine/highway/cmd/highway/internal/output"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

// where is what every command that asks the storage says in its help.
const where = `

The storage is the one that HW_DB_* and HW_NAMESPACE describe, in the
environment or in .env, or that the flags do. A storage that does not answer
within --timeout is an error. With --json the output is for programs; its keys,
and the exit codes, are in docs/cli.md:

  0 done   1 failed   2 usage   3 not agreed   4 storage not reached
  5 not done   6 may be done or not   7 no such circuit   8 overtaken`

// An asker has what the commands that ask the storage have in common.
type asker struct {
	connect.Flags
	json bool
}

// register gives the flags, the help and the completion of keys to a command.
func (a *asker) register(c *cobra.Command) {
	c.Long += where
	c.Flags().SortFlags = false
	c.Flags().BoolVar(&a.json, "json", false, "print JSON")
	a.Register(c)
	c.ValidArgsFunction = func(_ *cobra.Command, args []string, begin string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 || c.Args == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.keys(c.Context(), begin), cobra.ShellCompDirectiveNoFileComp
	}
}

// keys completes a key, if the storage is quick. Who completes does not want errors.
func (a *asker) keys(ctx context.Context, begin string) (keys []string) {
	a.Timeout = min(a.Timeout, time.Second)
	_ = a.ask(ctx, func(ctx context.Context, ledger fleet.Ledger) error {
		page, err := ledger.List(ctx, fleet.Query{Prefix: begin, Limit: 100})
		for _, c := range page {
			if output.Safe(c.Key) == c.Key { // others a shell would not get right
				keys = append(keys, c.Key)
			}
		}
		return err
	})
	return keys
}

// ask does something with the storage, within the timeout.
func (a *asker) ask(ctx context.Context, do func(ctx context.Context, ledger fleet.Ledger) error) error {
	storage, end, err := a.Open(ctx)
	if err != nil {
		return err
	}
	defer end()
	bounded, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	err = do(bounded, storage)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("the storage did not answer within %v (--timeout): %w", a.Timeout, err)
	}
	if errors.Is(err, operate.ErrNoCircuit) && a.Namespace() != "" {
		err = fmt.Errorf("%w, in the namespace %q", err, a.Namespace())
	}
	return judged(err)
}

// judged gives an error of the storage or of an order its exit code. One that has a code is
// left alone.
func judged(err error) error {
	var invalid *operate.InvalidError
	switch {
	case err == nil, errors.As(err, new(result)), errors.As(err, new(failure)), errors.As(err, new(refusal)):
		return err
	case errors.As(err, &invalid):
		return mistake(err)
	case errors.Is(err, operate.ErrNoCircuit):
		return result{err, exitNoCircuit}
	case errors.Is(err, operate.ErrOvertaken):
		return result{err, exitOvertaken}
	case errors.Is(err, highway.ErrUnknown):
		return result{err, exitUnknown}
	case errors.Is(err, fleet.ErrRefused), errors.Is(err, operate.ErrCrowded):
		return result{err, exitNotDone}
	}
	return result{err, exitUnreached}
}

// mistake says an invalid order in the words of the command line.
func mistake(err error) error {
	var all []error
	each := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		each = joined.Unwrap()
	}
	names := map[string]string{"Key": "KEY", "For": "--for", "By": "--by", "Note": "--reason"}
	for _, err := range each {
		var invalid *operate.InvalidError
		if !errors.As(err, &invalid) {
			continue
		}
		text := strings.TrimPrefix(invalid.Error(), "highway: "+invalid.Field)
		text = strings.ReplaceAll(text, operate.LongestOpen.String(), "a year (365d)")
		all = append(all, errors.New(names[invalid.Field]+text))
	}
	return errors.Join(all...)
}

// check says whether a key can be one, before anybody is asked about it.
func check(key string) error {
	if key == "" || len(key) > fleet.LongestKey {
		return fmt.Errorf("KEY is %.60q: it must have 1 to %d bytes", key, fleet.LongestKey)
	}
	return nil
}

// print writes what people read, or what programs read.
func (a *asker) print(c *cobra.Command, object any, text func(output.Screen) error) error {
	var err error
	if a.json {
		err = output.JSON(c.OutOrStdout(), object)
	} else {
		err = text(output.NewScreen(c.OutOrStdout()))
	}
	if err != nil {
		return failure{err}
	}
	return nil
}
