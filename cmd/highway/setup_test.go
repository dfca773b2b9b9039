package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/postgrestest"
)

// server is the connection string of a superuser there.
func server(t *testing.T) string {
	t.Helper()
	return postgrestest.Shared(t).DSN()
}

// secret is the password for the server, or any if it wants none.
func secret(t *testing.T) string {
	t.Helper()
	config, err := pgx.ParseConfig(server(t))
	if err != nil {
		t.Fatal(err)
	}
	if config.Password == "" {
		return "opensesame"
	}
	return config.Password
}

// query runs SQL in a database of the server, and returns what a last SELECT gives.
func query(t *testing.T, database, sql string) string {
	t.Helper()
	config, err := pgx.ParseConfig(server(t))
	if err != nil {
		t.Fatal(err)
	}
	if database != "" {
		config.Database = database
	}
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	results, err := conn.PgConn().Exec(context.Background(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, sql)
	}
	if last := results[len(results)-1]; len(last.Rows) > 0 {
		return string(last.Rows[0][0])
	}
	return ""
}

// nowhere is a database that is not there.
func nowhere(t *testing.T, name string) string {
	t.Helper()
	name = fmt.Sprintf("hw command %s %d", name, os.Getpid())
	t.Cleanup(func() { query(t, "", `DROP DATABASE IF EXISTS "`+name+`"`) })
	return name
}

func TestSetupFromNothingToNothingToDo(t *testing.T) {
	dsn, name := server(t), nowhere(t, "setup")
	password := secret(t)
	for _, step := range []struct {
		args []string
		code int
		said string
	}{
		{nil, exitRefused, "--yes agrees to what is to do"},
		{[]string{"--yes"}, exitOK, `create the database "` + name + `"`},
		{[]string{"--yes"}, exitOK, "There is nothing to do."},
		{nil, exitOK, "There is nothing to do."},
		{[]string{"--history-rows=9", "--history-age=7d"}, exitRefused, "keep transitions for 7 days (until now 90 days)"},
		{[]string{"--history-rows=9", "--history-age=7d", "-y"}, exitOK, "keep at most 9 transitions of each key (until now 1000)"},
		{[]string{"--schema", "other", "-y"}, exitOK, `create the schema "other"`},
	} {
		code, stdout, stderr := command(t.Context(), append([]string{"setup", "--dsn", dsn, "-d", name, "-p", password}, step.args...)...)
		if code != step.code || !strings.Contains(stdout+stderr, step.said) {
			t.Errorf("%q: exit code %d, want %d; want %q in\n%s%s", step.args, code, step.code, step.said, stdout, stderr)
		}
		if strings.Contains(stdout+stderr, password) {
			t.Errorf("%q: the password is in\n%s%s", step.args, stdout, stderr)
		}
	}
	if got := query(t, name, "SELECT history_age || ' ' || history_rows FROM hw_schema"); got != "7 days 9" {
		t.Error(got)
	}
	query(t, name, "CREATE SCHEMA theirs; CREATE TABLE theirs.hw_circuit_breakers (one integer)")
	code, _, stderr := command(t.Context(), "setup", "--dsn", dsn, "-d", name, "--schema=theirs", "--yes")
	if code != exitFailed || !strings.Contains(stderr, "somebody else's: rename it, or choose another schema") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

func TestWhatSetupPrintsCanBeRunByHand(t *testing.T) {
	dsn, name := server(t), nowhere(t, "by hand")
	query(t, "", `CREATE DATABASE "`+name+`"`)
	var roles []string
	for _, role := range []string{"owner", "runtime", "monitor"} {
		role := fmt.Sprintf(`hw "%s" %d`, role, os.Getpid())
		roles = append(roles, role)
		t.Cleanup(func() {
			query(t, name, "DROP OWNED BY "+pgx.Identifier{role}.Sanitize()+" CASCADE")
			query(t, name, "DROP ROLE "+pgx.Identifier{role}.Sanitize())
		})
	}
	run := func(args ...string) {
		t.Helper()
		// A server that is away shows that none is asked.
		code, stdout, stderr := command(t.Context(), append([]string{"setup", "-H", "192.0.2.1", "-d", name, "-p", "opensesame"}, args...)...)
		if code != exitOK || stderr != "" || strings.Contains(stdout, "sesame") {
			t.Fatalf("%q: exit code %d, %q, %q", args, code, stderr, stdout)
		}
		query(t, name, stdout)
	}
	run("--dry-run", "--history-age", "2h")
	run("--roles", "--owner-role", roles[0], "--runtime-role", roles[1], "--monitor-role", roles[2])
	query(t, "", "ALTER ROLE "+pgx.Identifier{roles[0]}.Sanitize()+" PASSWORD '"+secret(t)+"'")
	code, stdout, stderr := command(t.Context(), "setup", "--dsn", dsn, "-d", name, "-U", roles[0], "-p", secret(t), "--history-age", "2h")
	if code != exitOK || !strings.Contains(stdout, "There is nothing to do.") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestSetupHelpNamesEveryExitCodeAndFitsATerminal(t *testing.T) {
	code, help, _ := command(t.Context(), "setup", "--help")
	if code != exitOK {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, line := range strings.Split(help, "\n") {
		if len([]rune(line)) > 80 {
			t.Errorf("too long for a terminal: %q", line)
		}
	}
	for _, number := range []int{exitOK, exitFailed, exitUsage, exitRefused} {
		if !regexp.MustCompile(fmt.Sprintf(`(?s)Exit codes:.*\b%d, `, number)).MatchString(help) {
			t.Errorf("the exit code %d is not in\n%s", number, help)
		}
	}
	for _, flag := range []string{"-H, --host", "-P, --port", "-d, --database", "-U, --user", "-p, --password"} {
		if !strings.Contains(help, flag) {
			t.Errorf("%s is not in\n%s", flag, help)
		}
	}
}

func TestSetupThatCannotPrintFails(t *testing.T) {
	for _, flag := range []string{"--dry-run", "--roles"} {
		var errs bytes.Buffer
		code := execute(t.Context(), []string{"setup", flag}, strings.NewReader(""), fullDisk{}, &errs)
		if code != exitFailed || errs.String() != "highway: no space left\n" {
			t.Errorf("%s: exit code %d, %q", flag, code, errs.String())
		}
	}
}

func TestTheScriptOfTheDocumentIsTheCommand(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no shell here")
	}
	bin := t.TempDir()
	if err := os.Symlink(binary, bin+"/highway"); err != nil {
		t.Fatal(err)
	}
	clone, err := filepath.Abs("../../setup_postgres.sh")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(clone)
	if err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(t.TempDir(), "setup_postgres.sh")
	if err := os.WriteFile(alone, text, 0o700); err != nil {
		t.Fatal(err)
	}
	run := func(path, file string, args ...string) (int, string) {
		script := exec.Command(file, args...)
		script.Env = append(os.Environ(), "PATH="+path)
		out, _ := script.CombinedOutput()
		return script.ProcessState.ExitCode(), string(out)
	}
	path := bin + ":" + os.Getenv("PATH")
	for _, file := range []string{clone, alone} {
		if code, out := run(path, file, "-p", "two words", "--dry-run"); code != exitOK || !strings.Contains(out, "CREATE TABLE IF NOT EXISTS hw_circuit_breakers") {
			t.Errorf("%s: exit code %d: %s", file, code, out)
		}
		if code, out := run(path, file, "--port=x"); code != exitUsage {
			t.Errorf("%s: exit code %d: %s", file, code, out)
		}
	}
	// The clone has the version that fits, whatever else is installed.
	if err := os.Remove(bin + "/highway"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bin+"/highway", []byte("#!/bin/sh\nexit 9\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, out := run(path, clone, "--dry-run"); code != exitOK {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, _ := run(path, alone, "--dry-run"); code != 9 {
		t.Errorf("exit code %d", code)
	}
	if code, out := run("/usr/bin:/bin", alone); !strings.Contains(out, "go install ./cmd/highway") || code != exitFailed {
		t.Errorf("exit code %d: %s", code, out)
	}
}
