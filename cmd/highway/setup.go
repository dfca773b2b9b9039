package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/highway-engine/highway/cmd/highway/internal/setup"
	"github.com/highway-engine/highway/postgres/schema"
)

const setupHelp = `Creates the database, the table hw_circuit_breakers and whatever else a fleet
needs in PostgreSQL 14 or newer: tables, indexes, functions and triggers. If
that table is there, made by hand or by the Python library, it is upgraded in
place: its rows and its columns stay as they are. Nothing is ever deleted.

It first shows what it has found and what it will do, and asks. If there is
nothing to do it says so; functions that somebody has changed are put right. Two
of these at once do no harm. On a table that is in use it waits for a lock no
longer than 5 seconds, three times, as whoever comes after it waits with it.

Where the database is, the flags say or, where they do not, the environment or
the file .env: HW_DB_DSN, or HW_DB_HOST, HW_DB_PORT, HW_DB_NAME, HW_DB_USER and
HW_DB_PASSWORD, with HW_DB_SSLMODE, HW_DB_SSLROOTCERT, HW_DB_SSLCERT and
HW_DB_SSLKEY. Others on this machine can see a password on the command line:
HW_DB_PASSWORD, PGPASSWORD or a file .pgpass hides it, and in a terminal the
password is asked for if the server wants one.

With --dry-run it prints the SQL and connects to nothing. With --roles it prints
SQL that makes three roles, with no more rights than each needs: the owner, who
sets up; one for programs, who can neither create nor change a table; and one
for monitoring, who only reads.

Exit codes: 0, done, or nothing to do; 1, it failed, and all is as it was, but
the database may have been created; 2, a bad flag or argument; 3, there is
something to do and nobody has agreed, because the answer was no or there is no
terminal and no --yes.`

func setupCommand() *cobra.Command {
	var target setup.Target
	var want schema.Setup
	var age setup.Age
	var yes, dryRun, printRoles bool
	roles := schema.DefaultRoles
	command := &cobra.Command{
		Use:   "setup",
		Short: "Set up the PostgreSQL database that a fleet shares",
		Long:  setupHelp,
		Example: `  highway setup -p your_password
  HW_DB_PASSWORD=… highway setup --host db.example.com --user admin --yes
  highway setup --dry-run | less
  highway setup --roles | psql -d highway_circutbreaker_db`,
		Args: arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			want.History.Age = age.Duration()
			if c.Flags().Changed("history-rows") && want.History.Rows < 1 {
				return errors.New("--history-rows: it must be at least 1")
			}
			if c.Flags().Changed("schema") && want.Schema == "" {
				return errors.New("--schema: the name must not be empty")
			}
			if err := want.Check(); err != nil {
				return err
			}
			if err := roles.Check(); err != nil {
				return err
			}
			config, err := target.Config()
			if err != nil {
				return err
			}
			switch {
			case printRoles:
				return write(c.OutOrStdout(), want.Grants(config.Database, roles))
			case dryRun:
				return write(c.OutOrStdout(), setup.Script(config.Database, want))
			}
			err = setup.Run(c.Context(), setup.NewConsole(c.InOrStdin(), c.OutOrStdout()), config, want, yes)
			switch {
			case errors.Is(err, setup.ErrNotAgreed):
				return refusal{err}
			case err != nil:
				return failure{err}
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	target.Register(command)
	flags.StringVar(&want.Schema, "schema", "", "`name` of the tables' schema (default public)")
	flags.Var(&age, "history-age", "`time` to keep transitions, as 12h (at first 90d)")
	flags.IntVar(&want.History.Rows, "history-rows", 0, "`number` to keep of each key (at first 1000)")
	flags.BoolVarP(&yes, "yes", "y", false, "do it without asking")
	flags.BoolVar(&dryRun, "dry-run", false, "only print the SQL")
	flags.BoolVar(&printRoles, "roles", false, "only print the SQL of roles and their rights")
	flags.StringVar(&roles.Owner, "owner-role", roles.Owner, "`name`")
	flags.StringVar(&roles.Runtime, "runtime-role", roles.Runtime, "`name`")
	flags.StringVar(&roles.Monitor, "monitor-role", roles.Monitor, "`name`")
	command.MarkFlagsMutuallyExclusive("dry-run", "roles")
	return command
}

func write(out io.Writer, text string) error {
	if _, err := fmt.Fprint(out, text); err != nil {
		return failure{err}
	}
	return nil
}
