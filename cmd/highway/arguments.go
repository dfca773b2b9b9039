package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/highway-engine/highway/cmd/highway/internal/setup"
)

// arguments are so many of what is called name, in words that are about it.
func arguments(least, most int, name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s is missing", name)
		case len(args) > most && most == 0:
			return fmt.Errorf("%q is too much: %s takes no argument", args[0], c.CommandPath())
		case len(args) > most:
			return fmt.Errorf("%q is too much: one %s is all", args[most], name)
		}
		return nil
	}
}

// kinds say what the value of a flag must be.
var kinds = map[string]string{
	"int": "it must be a whole number", "int64": "it must be a whole number", "uint64": "it must be a whole number from 0 on",
	"bool": "it must be true or false", "duration": "it must be a time, as 30s, 10m or 2h",
}

// flagError says a mistake in a flag in words that are about the flag.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &missing) && missing.GetFlag() != nil:
		return fmt.Errorf("--%s: its value is missing", missing.GetFlag().Name)
	case errors.As(err, &invalid) && invalid.GetFlag() != nil:
		f := invalid.GetFlag()
		if kind, ok := kinds[f.Value.Type()]; ok {
			return fmt.Errorf("--%s %q: %s", f.Name, invalid.GetValue(), kind)
		}
		why := strings.TrimPrefix(errors.Unwrap(invalid).Error(), fmt.Sprintf("%q: ", invalid.GetValue()))
		return fmt.Errorf("--%s %q: %s", f.Name, invalid.GetValue(), why)
	}
	return err
}

// A span is the value of a flag: a time that may be given in days.
type span struct{ to *time.Duration }

// Set implements the interface of flags.
func (s span) Set(text string) (err error) {
	*s.to, err = setup.ParseTime(text)
	return err
}

// String implements the interface of flags.
func (s span) String() string {
	if s.to == nil || *s.to == 0 {
		return ""
	}
	return s.to.String()
}

// Type implements the interface of flags.
func (span) Type() string { return "time" }
