package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/cmd/highway/internal/doctor"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/pooler"
	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/schema"
)

// A visit is what the doctor has said.
type visit struct {
	doctor.Report
	code int
	text string
}

// see runs the doctor with no variables but these, and checks what is true of each run.
func see(t *testing.T, variables map[string]string, args ...string) visit {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "HW_") || strings.HasPrefix(name, "PG") {
			t.Setenv(name, "")
		}
	}
	t.Chdir(t.TempDir()) // where no .env is
	for name, value := range variables {
		t.Setenv(name, value)
	}
	code, stdout, stderr := command(t.Context(), append([]string{"doctor", "--json", "--timeout=1m"}, args...)...)
	if stderr != "" {
		t.Errorf("%q on the standard error", stderr)
	}
	v := visit{code: code, text: stdout}
	oneObject(t, stdout)
	if err := json.Unmarshal([]byte(stdout), &v.Report); err != nil {
		t.Fatal(err)
	}
	cause := ""
	for _, f := range v.Checks {
		if f.Status == doctor.Fault && cause == "" {
			cause = f.Check
		}
		if f.Saw == "" || (f.Advice == "") != (f.Status == doctor.OK || f.Status == doctor.Skipped) {
			t.Errorf("%+v", f)
		}
	}
	if cause != v.Cause || (v.code == exitFailed) != (cause != "") {
		t.Errorf("exit code %d, cause %q: %s", code, v.Cause, stdout)
	}
	return v
}

// finds checks what became of a check, and that its words have others in them.
func (v visit) finds(t *testing.T, check string, status doctor.Status, words ...string) {
	t.Helper()
	for _, f := range v.Checks {
		if f.Check != check {
			continue
		}
		all := f.Saw + "\n" + f.Advice + "\n" + strings.Join(f.Notes, "\n")
		if f.Status != status {
			t.Errorf("%s is %s, want %s: %s", check, f.Status, status, all)
		}
		for _, word := range words {
			if !strings.Contains(all, word) {
				t.Errorf("%s: want %q in\n%s", check, word, all)
			}
		}
		return
	}
	t.Errorf("there is no check %q in %s", check, v.text)
}

// at are the variables that lead to the database of a connection string.
func at(t *testing.T, dsn string) map[string]string {
	t.Helper()
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"HW_DB_HOST": c.Host, "HW_DB_PORT": fmt.Sprint(c.Port), "HW_DB_NAME": c.Database, "HW_DB_USER": c.User,
		"HW_DB_PASSWORD": first(c.Password, "opensesame"),
	}
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// run runs SQL in the database of a connection string.
func run(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

// install sets up the database of a connection string, and returns that.
func install(t *testing.T, dsn string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := schema.Install(t.Context(), conn, schema.Default); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// say lets an instance say something, as a program does.
func say(t *testing.T, dsn, instance, key string, r fleet.Report, options ...postgres.Option) {
	t.Helper()
	s, err := postgres.Open(t.Context(), dsn, options...)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	r.Instance, r.Number, r.Active = instance, 1, true
	if _, err := s.Exchange(t.Context(), instance, map[string]fleet.Report{key: r}); err != nil {
		t.Fatal(err)
	}
}

// inhabit lets somebody live in a database that is set up, as long as a test takes.
func inhabit(t *testing.T, dsn string, options ...postgres.Option) string {
	t.Helper()
	say(t, dsn, "web-1/1/A", "payment", fleet.Report{}, options...)
	return dsn
}

// contents are all rows of all tables.
func contents(t *testing.T, dsn string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var all string
	err = conn.QueryRow(t.Context(), `SELECT string_agg(query_to_xml('SELECT ctid, xmin, * FROM ' || oid::regclass || ' ORDER BY ctid', true, false, '')::text, '' ORDER BY relname)
		FROM pg_class WHERE relname LIKE 'hw\_%' AND relkind = 'r'`).Scan(&all)
	if err != nil || !strings.Contains(all, "payment") {
		t.Fatal(err, all)
	}
	return all
}

// closed is a port at which nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// role makes one of these names for the time of the test, which may do in a database what a
// program may, or only log in, and returns the connection string of it.
func role(t *testing.T, dsn string, program bool) string {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	names := schema.Roles{}
	for i, name := range []*string{&names.Owner, &names.Runtime, &names.Monitor} {
		*name = fmt.Sprintf("hw doctor %d %d", os.Getpid(), i)
	}
	password := first(config.Password, "opensesame")
	quoted := pgx.Identifier{names.Runtime}.Sanitize()
	t.Cleanup(func() {
		query(t, config.Database, "ALTER TABLE hw_circuit_breakers OWNER TO CURRENT_USER")
		for _, name := range []string{names.Owner, names.Runtime, names.Monitor} {
			quoted := pgx.Identifier{name}.Sanitize()
			query(t, config.Database, `DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '`+name+`') THEN DROP OWNED BY `+quoted+` CASCADE; DROP ROLE `+quoted+`; END IF; END $$`)
		}
	})
	if program {
		run(t, dsn, schema.Setup{}.Grants(config.Database, names))
	} else {
		run(t, dsn, "CREATE ROLE "+quoted+" LOGIN")
	}
	run(t, dsn, "ALTER ROLE "+quoted+" PASSWORD '"+password+"'")
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(names.Runtime, password)
	return u.String()
}

// behind starts a pooler before the database of a connection string.
func behind(t *testing.T, mode pooler.Mode, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pooler.StartIn(t.Context(), mode, dsn, u.Host)
	if errors.Is(err, pooler.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	u.Host, u.RawQuery = p.Addr(), "sslmode=disable"
	return u.String()
}
