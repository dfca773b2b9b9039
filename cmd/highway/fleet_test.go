package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

// A deployment is a database with a fleet in it, and the command line beside it.
type deployment struct {
	*testing.T
	dsn    string
	folder string // where the command runs, without a .env
}

// deploy makes a database with the tables.
func deploy(t *testing.T) *deployment {
	t.Helper()
	d := &deployment{T: t, dsn: postgrestest.Shared(t).Database(t), folder: t.TempDir()}
	conn, err := pgx.Connect(t.Context(), d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := schema.Install(t.Context(), conn, schema.Default); err != nil {
		t.Fatal(err)
	}
	return d
}

// storage is one of the fleet.
func (d *deployment) storage(options ...postgres.Option) *postgres.Storage {
	d.Helper()
	s, err := postgres.Open(d.Context(), d.dsn, options...)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// process is the command, with nothing of this library in its environment but variables.
func (d *deployment) process(variables []string, args ...string) *exec.Cmd {
	process := exec.CommandContext(d.Context(), binary, args...)
	process.Dir = d.folder
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "HW_") && !strings.HasPrefix(variable, "PG") {
			process.Env = append(process.Env, variable)
		}
	}
	process.Env = append(process.Env, "TZ=UTC")
	process.Env = append(process.Env, variables...)
	return process
}

// with runs the command with variables.
func (d *deployment) with(variables []string, args ...string) (code int, stdout, stderr string) {
	d.Helper()
	process := d.process(variables, args...)
	var out, errs strings.Builder
	process.Stdout, process.Stderr = &out, &errs
	_ = process.Run()
	return process.ProcessState.ExitCode(), out.String(), errs.String()
}

// run runs the command on the database.
func (d *deployment) run(args ...string) (code int, stdout, stderr string) {
	d.Helper()
	return d.with([]string{"HW_DB_DSN=" + d.dsn}, args...)
}

// done runs a command that must succeed, and returns what it says.
func (d *deployment) done(args ...string) string {
	d.Helper()
	code, stdout, stderr := d.run(args...)
	if code != exitOK || stderr != "" {
		d.Fatalf("%q: exit code %d, %s%s", args, code, stdout, stderr)
	}
	return stdout
}

// object runs a command that must succeed with --json, and returns what it says.
func (d *deployment) object(args ...string) map[string]any {
	d.Helper()
	return oneObject(d.T, d.done(append(args, "--json")...))
}

// tell lets an instance say something about a key, and returns the row.
func (d *deployment) tell(s fleet.Storage, key string, r fleet.Report) fleet.Row {
	d.Helper()
	views, err := s.Exchange(d.Context(), r.Instance, map[string]fleet.Report{key: r})
	if err != nil {
		d.Fatal(err)
	}
	return views[key].Row
}

// scene makes a fleet of two instances, which disagree about their settings at payments; one
// suspects it and the other testifies.
func (d *deployment) scene(s fleet.Storage) {
	d.Helper()
	terms := fleet.Settings{Failures: 3, Window: 10, Successes: 2, Probes: 3, Cooldown: 30 * time.Second}
	a := fleet.Report{Instance: "web-1/7/AAAAAAAAAA", Number: 1, Active: true, Outcomes: 10, Settings: terms}
	row := d.tell(s, "payments", a)
	a.Number, a.About, a.Suspicion, a.Refuses, a.Failures = 2, row.Identity, 1, true, 6
	d.tell(s, "payments", a)
	terms.Cooldown = time.Minute
	d.tell(s, "payments", fleet.Report{
		Instance: "web-2/7/BBBBBBBBBB", Number: 1, About: row.Identity, Active: true, Failures: 1, Outcomes: 10, Settings: terms,
		Testimony: fleet.Testimony{About: fleet.Accusation{Suspect: a.Instance, Number: 1}, Sum: 1.5, Calls: 4},
	})
	d.tell(s, "search", fleet.Report{Instance: "web-2/7/BBBBBBBBBB", Number: 1, Active: true, Settings: terms})
}
