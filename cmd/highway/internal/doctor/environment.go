package doctor

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/highway-engine/highway/cmd/highway/internal/setup"
	"github.com/highway-engine/highway/internal/environment"
	"github.com/highway-engine/highway/postgres"
)

// known are the variables that mean something. The first five are those that HW_DB_DSN
// stands for.
var known = []string{"HW_DB_HOST", "HW_DB_PORT", "HW_DB_NAME", "HW_DB_USER", "HW_DB_PASSWORD", "HW_DB_DSN",
	"HW_DB_SSLMODE", "HW_DB_SSLROOTCERT", "HW_DB_SSLCERT", "HW_DB_SSLKEY", "HW_NAMESPACE"}

const inEnvironment = "environment"

// lookEnvironment sees what a program would that is started here. No value is shown that
// may be a secret.
func lookEnvironment(ctx context.Context, v *visit) Finding {
	found, broken := environment.Read()
	v.origin = map[string]string{}
	for name, value := range found {
		v.origin[name] = environment.File
		if os.Getenv(name) == value {
			v.origin[name] = inEnvironment
		}
	}
	v.namespace = v.options.Namespace
	if v.namespace == "" {
		v.namespace = found["HW_NAMESPACE"]
	}
	notes := v.variableNotes()
	if broken != nil {
		return fault("correct that line, or the file's rights: a program does not take the file either", "%v", broken).with(notes...)
	}
	if err := v.configure(ctx, found); err != nil {
		return fault(v.missing(found), "%s", strings.ReplaceAll(err.Error(), "\n", "; ")).with(notes...)
	}
	saw := fmt.Sprintf("%s, database %q, user %q", addresses(v.config), v.config.Database, v.config.User)
	if v.options.DSN != "" {
		return ok("%s, by --dsn", saw).with("with --dsn the variables HW_DB_* do not count")
	}
	by := map[string][]string{}
	for _, name := range known {
		if at := v.origin[name]; at != "" {
			by[at] = append(by[at], name)
		}
	}
	for _, at := range []string{inEnvironment, environment.File} {
		if len(by[at]) > 0 {
			saw += fmt.Sprintf("; %s: %s", at, strings.Join(by[at], ", "))
		}
	}
	if strange := v.strange(); len(strange) > 0 {
		return warning("correct the name, or remove it; docs/postgresql.md has those that there are",
			"%s; nobody reads %s", saw, some(strange, 5)).with(notes...)
	}
	return ok("%s", saw).with(notes...)
}

// configure finds out how to connect, and refuses what package postgres would.
func (v *visit) configure(ctx context.Context, found environment.Variables) error {
	options := []postgres.Option{postgres.WithSchema(v.schema()), postgres.WithNamespace(v.namespace)}
	if v.options.Listener != "" {
		options = append(options, postgres.WithListener(v.options.Listener))
	}
	storage, err := postgres.Open(ctx, "host=localhost", options...) // which connects to nothing
	if err != nil {
		return err
	}
	_ = storage.Close(ctx)
	if v.options.DSN != "" {
		v.config, err = setup.Target{DSN: v.options.DSN}.Config()
		return err
	}
	if !found.NamesDatabase() {
		return fmt.Errorf("no variable HW_DB_* is set, so every circuit of a program that is started here is on its own, in memory")
	}
	e, err := postgres.FromEnvironment()
	if err != nil {
		return err
	}
	pool, err := e.Config()
	if err == nil {
		v.config = pool.ConnConfig
	}
	return err
}

// missing is what to do about a configuration that makes no sense.
func (v *visit) missing(found environment.Variables) string {
	here, err := filepath.Abs(".")
	if err != nil {
		here = "the working directory"
	}
	switch {
	case v.options.DSN != "":
		return "correct what the command line says"
	case !found.NamesDatabase():
		return "set HW_DB_HOST and HW_DB_PASSWORD, or HW_DB_DSN, in the environment or in a file .env in " + here
	}
	return "set or correct that variable, in the environment or in the file .env in " + here
}

// strange are variables that look like this library's and mean nothing.
func (v *visit) strange() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(v.origin)) {
		if strings.HasPrefix(name, "HW_DB_") && !slices.Contains(known, name) {
			all = append(all, v.says(name))
		}
	}
	return all
}

// variableNotes say which other variables count, and which do not.
func (v *visit) variableNotes() (notes []string) {
	file, _ := environment.ReadFile()
	for _, name := range known {
		if value := os.Getenv(name); value != "" && file[name] != "" && file[name] != value {
			notes = append(notes, name+" of the environment wins over another one in "+environment.File)
		}
	}
	if v.origin["HW_DB_DSN"] != "" && v.options.DSN == "" {
		var idle []string
		for _, name := range known[:5] {
			if v.origin[name] != "" {
				idle = append(idle, name)
			}
		}
		if len(idle) > 0 {
			notes = append(notes, "with HW_DB_DSN these do not count: "+strings.Join(idle, ", "))
		}
	}
	var theirs []string
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "PG") && value != "" && slices.Contains(drivers, name) {
			theirs = append(theirs, name)
		}
	}
	if slices.Sort(theirs); len(theirs) > 0 {
		notes = append(notes, "PostgreSQL's own variables count too: "+strings.Join(theirs, ", "))
	}
	if v.namespace != "" {
		notes = append(notes, fmt.Sprintf("the namespace is %q", v.namespace))
	}
	return notes
}

// drivers are PostgreSQL's variables that say something the single ones of this library
// leave open.
var drivers = []string{"PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLNEGOTIATION", "PGSSLSNI", "PGTARGETSESSIONATTRS",
	"PGCONNECT_TIMEOUT", "PGAPPNAME", "PGOPTIONS", "PGSERVICE", "PGSERVICEFILE", "PGPASSFILE", "PGTZ", "PGCHANNELBINDING"}
