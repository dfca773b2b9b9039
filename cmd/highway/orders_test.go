package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
	"github.com/highway-engine/highway/postgres"
)

// ago is a time that no test foresees.
var ago = regexp.MustCompile(`[\d.]+s ago`)

func TestOrdersAreDoneAndRecorded(t *testing.T) {
	d := deploy(t)
	d.scene(d.storage())
	for _, step := range []struct {
		args              []string
		state, hold, said string
		changed           bool
	}{
		{[]string{"open", "--for", "10m"}, "OPEN", "held_open", "payments is OPEN, held open, 10m left; it was CLOSED.", true},
		{[]string{"release"}, "HALF_OPEN", "", "payments is HALF_OPEN; it was OPEN, held open by ann, 0s ago: step open.", true},
		{[]string{"release"}, "HALF_OPEN", "", "There was nothing to do: payments is HALF_OPEN by ann, 0s ago: step release.", false},
		{[]string{"isolate"}, "OPEN", "isolated", "payments is OPEN, isolated; it was HALF_OPEN by ann, 0s ago: step release.", true},
		{[]string{"disable"}, "CLOSED", "disabled", "payments is CLOSED, disabled; it was OPEN, isolated by ann, 0s ago: step isolate.", true},
		{[]string{"half-open"}, "HALF_OPEN", "", "payments is HALF_OPEN; it was CLOSED, disabled by ann, 0s ago: step disable.", true},
		{[]string{"close"}, "CLOSED", "", "payments is CLOSED; it was HALF_OPEN by ann, 0s ago: step half-open.", true},
		{[]string{"delete", "--yes"}, "", "", "payments is deleted; it was CLOSED by ann, 0s ago: step close.", true},
	} {
		reason := "step " + step.args[0]
		args := append(append([]string{step.args[0], "payments"}, step.args[1:]...), "--by", "ann", "--reason", reason)
		if said := ago.ReplaceAllString(d.done(args...), "0s ago"); said != step.said+"\n" {
			t.Errorf("%q says %q", args, said)
		}
		last := d.transition("payments")
		if step.changed && (last.To != step.state || last.Hold != step.hold || last.By != "ann" || last.Note != reason) {
			t.Errorf("%q: the history has %+v", args, last)
		}
	}
	code, _, stderr := d.run("close", "payments")
	if code != exitNoCircuit || stderr != "highway: there is no such circuit: \"payments\"\n" {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	code, _, stderr = d.run("close", "payments", "--seen=abc-1")
	if want := "no more there: deleted by ann, 0s ago: step delete\n"; code != exitOvertaken || !strings.HasSuffix(ago.ReplaceAllString(stderr, "0s ago"), want) {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	// Unless it is to be made.
	if made := d.object("isolate", "payments", "--create"); made["changed"] != true || made["after"].(map[string]any)["hold"] != "isolated" {
		t.Errorf("%v", made)
	}
	if said := d.done("open", "payments", "--for=2d", "--reason=weekend"); !regexp.MustCompile("^payments is OPEN, held open, (2d|47h59m) left; ").MatchString(said) {
		t.Errorf("%q", said)
	}
	if by := d.transition("payments").By; !strings.Contains(by, "@") {
		t.Errorf("who is %q, want user@host", by)
	}
	if deleted := d.object("delete", "payments", "-y"); deleted["after"] != nil || deleted["changed"] != true {
		t.Errorf("%v", deleted)
	}
}

func TestDeletionNeedsConsent(t *testing.T) {
	d := deploy(t)
	d.scene(d.storage())
	code, stdout, stderr := d.run("delete", "payments")
	if code != exitRefused || stdout != "" || !strings.Contains(stderr, "--yes") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	d.done("show", "payments")
}

func TestAnOrderAboutWhatIsNoMoreThereIsOvertaken(t *testing.T) {
	d := deploy(t)
	d.scene(d.storage())
	version := d.object("show", "payments")["version"].(string)
	d.done("isolate", "payments", "--seen", version, "--by=bob", "--reason=INC-8")
	code, _, stderr := d.run("close", "payments", "--seen", version)
	if want := "changed in the meantime: it is OPEN, isolated by bob, 0s ago: INC-8 (version "; code != exitOvertaken || !strings.Contains(ago.ReplaceAllString(stderr, "0s ago"), want) {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	d.done("close", "payments", "--seen", d.object("show", "payments")["version"].(string))
}

func TestWrongOrdersAreMistakes(t *testing.T) {
	d := deploy(t)
	for want, args := range map[string][]string{
		"--for is missing: how long, as 10m":        {"open", "k"},
		"at most a year (365d)":                     {"open", "k", "--for=366d"},
		"--for \"soon\": it must be a time, as 10m": {"open", "k", "--for=soon"},
		"--for \"0d\": days are from 1d":            {"open", "k", "--for=0d"},
		"--for: its value is missing":               {"open", "k", "--for"},
		"--before \"abc\": it must be a whole":      {"history", "--before", "abc"},
		"--limit \"x\": it must be a whole":         {"history", "--limit=x"},
		"--json \"x\": it must be true or false":    {"list", "--json=x"},
		"--timeout \"5\": it must be a time":        {"list", "--timeout=5"},
		"\"k\" is too much: highway list takes":     {"list", "k"},
		"DIR is missing":                            {"man"},
		"--for is -1s: it must be more than 0":      {"open", "k", "--for=-1s"},
		"--for is 100000h0m0s":                      {"open", "k", "--for=100000h"},
		"unknown flag: --for":                       {"isolate", "k", "--for=1s"},
		"unknown flag: --create":                    {"release", "k", "--create"},
		`--reason is "a\x1b[2J"`:                    {"isolate", "k", "--reason", "a\x1b[2J"},
		"--reason is \"" + strings.Repeat("r", 9):   {"isolate", "k", "--reason", strings.Repeat("r", 1001)},
		`--by is " "`:                               {"isolate", "k", "--by", " "},
		"KEY is \"\": it must have 1 to 255":        {"isolate", ""},
		"KEY is \"kkk":                              {"show", strings.Repeat("k", 256)},
		"KEY is missing":                            {"isolate"},
		"\"b\" is too much: one KEY":                {"show", "a", "b"},
		`--seen "x": it must be a version`:          {"close", "k", "--seen=x"},
		"--timeout 0s: it must be more than 0":      {"list", "--timeout=0"},
		"--sort size: it must be key, state":        {"list", "--sort=size"},
		"--state ajar: it must be closed":           {"list", "--state=open,ajar"},
		"--limit -1":                                {"history", "--limit=-1"},
		"--prefix: it is for all keys":              {"watch", "k", "--prefix=p"},
		"highway/postgres: namespace \"a:b\"":       {"list", "--namespace=a:b"},
		`unknown command "\x1b[2J"`:                 {"\x1b[2J"},
		`unknown flag: --\x1b[2J`:                   {"list", "--\x1b[2J"},
	} {
		code, stdout, stderr := d.run(args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, want) || strings.Contains(stderr, "\x1b") {
			t.Errorf("%q: exit code %d, %s%q; want %q", args, code, stdout, stderr, want)
		}
	}
	for want, variables := range map[string][]string{
		"where is the storage? Set HW_DB_HOST": nil,
		"HW_DB_PASSWORD is missing":            {"HW_DB_HOST=127.0.0.1"},
		"HW_DB_DSN is not a connection":        {"HW_DB_DSN=host='"},
	} {
		code, _, stderr := d.with(variables, "list")
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit code %d, %q; want %q", variables, code, stderr, want)
		}
	}
}

func TestEachOutcomeHasItsExitCode(t *testing.T) {
	away := errors.New("away")
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, exitOK},
		{away, exitUnreached},
		{fmt.Errorf("%w: %w", highway.ErrNotDone, away), exitUnreached},
		{fmt.Errorf("%w: %w", highway.ErrNotDone, fleet.ErrRefused), exitNotDone},
		{fmt.Errorf("%w: %w", highway.ErrNotDone, operate.ErrCrowded), exitNotDone},
		{fmt.Errorf("%w: %w", highway.ErrUnknown, away), exitUnknown},
		{operate.ErrNoCircuit, exitNoCircuit},
		{operate.ErrOvertaken, exitOvertaken},
		{failure{away}, exitFailed},
		{refusal{away}, exitRefused},
		{result{away, 99}, 99},
	} {
		var r result
		got := exitOK
		switch err := judged(c.err); {
		case errors.As(err, &r):
			got = r.code
		case errors.As(err, new(failure)):
			got = exitFailed
		case errors.As(err, new(refusal)):
			got = exitRefused
		}
		if got != c.code {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.code)
		}
	}
}

func TestNamespacesAreApart(t *testing.T) {
	d := deploy(t)
	d.scene(d.storage(postgres.WithNamespace("staging")))
	d.tell(d.storage(), "payments", fleet.Report{Instance: "prod", Number: 1})
	if circuits := d.object("list")["circuits"].([]any); len(circuits) != 1 {
		t.Errorf("without a namespace: %v", circuits)
	}
	staging := []string{"HW_DB_DSN=" + d.dsn, "HW_NAMESPACE=staging"}
	if code, stdout, stderr := d.with(staging, "isolate", "search", "--reason=staging"); code != exitOK {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	if code, stdout, _ := d.with(staging, "list", "--namespace="); code != exitOK || strings.Contains(stdout, "search") {
		t.Errorf("the flag does not win: exit code %d, %s", code, stdout)
	}
	if code, _, stderr := d.run("show", "search"); code != exitNoCircuit || strings.Contains(stderr, "namespace") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	for _, args := range [][]string{{"show", "nosuch"}, {"history", "nosuch"}, {"close", "nosuch"}} {
		code, _, stderr := d.with(staging, args...)
		if code != exitNoCircuit || stderr != "highway: there is no such circuit: \"nosuch\", in the namespace \"staging\"\n" {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
	}
	if held := d.object("list", "--held", "--namespace=staging")["circuits"].([]any); len(held) != 1 || held[0].(map[string]any)["key"] != "search" {
		t.Errorf("%v", held)
	}
	if all := d.object("history")["transitions"].([]any); len(all) != 0 {
		t.Errorf("%v", all)
	}
}

func TestAStorageThatDoesNotServe(t *testing.T) {
	d := deploy(t)
	config := strings.Split(strings.TrimPrefix(d.dsn, "postgres://"), "@")
	user, secret, _ := strings.Cut(config[0], ":")
	silent := listen(t)
	for _, c := range []struct {
		name, dsn, want string
		code            int
		args            []string
	}{
		{"a dead server", "postgres://u:opensesame@127.0.0.1:1/d", "the server cannot be reached; look at host, port and TLS", exitUnreached, nil},
		{"a silent server", "postgres://u:opensesame@" + silent + "/d", "the storage did not answer within 300ms (--timeout)", exitUnreached, []string{"--timeout=300ms"}},
		{"a wrong password", "postgres://" + user + ":opensesame@" + config[1], "user or password are wrong", exitUnreached, nil},
		{"no database", strings.Replace(d.dsn, "/hw_", "/no_", 1), `the database is not there: run "highway setup"`, exitUnreached, nil},
		{"no tables", d.dsn, `the schema of highway is not there: run "highway setup"`, exitNotDone, []string{"--schema=nowhere"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "a wrong password" && secret == "" {
				t.Skip("the server wants none")
			}
			for _, args := range [][]string{{"list"}, {"show", "k"}, {"history"}, {"watch"}, {"isolate", "k"}, {"delete", "k", "--yes"}} {
				begun := time.Now()
				code, stdout, stderr := d.with([]string{"HW_DB_DSN=" + c.dsn}, append(args, c.args...)...)
				if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "sesame") {
					t.Errorf("%q: exit code %d, %s%q", args, code, stdout, stderr)
				}
				if took := time.Since(begun); took > 10*time.Second {
					t.Errorf("%q: it took %v", args, took)
				}
			}
			if code, stdout, _ := d.with([]string{"HW_DB_DSN=" + c.dsn}, append(append([]string{"__complete", "show"}, c.args...), "p")...); code != exitOK || !strings.HasPrefix(stdout, ":4") {
				t.Errorf("completion: exit code %d, %q", code, stdout)
			}
		})
	}
}

// TestAnOrderOnARowThatSomebodyKeepsLocked is refused by the storage after half a second; who
// does not wait so long does not know.
func TestAnOrderOnARowThatSomebodyKeepsLocked(t *testing.T) {
	d := deploy(t)
	d.scene(d.storage())
	conn, err := pgx.Connect(t.Context(), d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "BEGIN; SELECT FROM hw_circuit_breakers FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := d.run("isolate", "payments"); code != exitNotDone || stdout != "" || !strings.Contains(stderr, "not done") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	code, stderr := exitUnreached, ""
	for range 20 { // where all is slow it may not even see the row in so short a time
		if code, _, stderr = d.run("isolate", "payments", "--timeout=300ms"); code != exitUnreached {
			break
		}
	}
	if code != exitUnknown || !strings.Contains(stderr, "did not answer within 300ms") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if seen := d.object("show", "payments"); seen["state"] != "CLOSED" {
		t.Errorf("%v", seen)
	}
}

// TestRolesMayDoWhatTheyAreFor: that of monitoring looks, and that of programs gives orders.
func TestRolesMayDoWhatTheyAreFor(t *testing.T) {
	d := deploy(t)
	d.scene(d.storage())
	config, err := pgx.ParseConfig(d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	var roles, flags []string
	for _, flag := range []string{"owner", "runtime", "monitor"} {
		role := fmt.Sprintf("hw_cli_%s_%d", flag, os.Getpid())
		roles = append(roles, role)
		flags = append(flags, "--"+flag+"-role", role)
		t.Cleanup(func() { query(t, config.Database, "DROP OWNED BY "+role+" CASCADE; DROP ROLE "+role) })
	}
	query(t, config.Database, d.done(append([]string{"setup", "--roles"}, flags...)...))
	as := func(role string) []string {
		query(t, "", "ALTER ROLE "+role+" PASSWORD 'opensesame'")
		dsn, err := url.Parse(d.dsn)
		if err != nil {
			t.Fatal(err)
		}
		dsn.User = url.UserPassword(role, "opensesame")
		return []string{"HW_DB_DSN=" + dsn.String()}
	}
	runtime, monitor := as(roles[1]), as(roles[2])
	for _, args := range [][]string{{"list"}, {"show", "payments"}, {"history"}} {
		if code, _, stderr := d.with(monitor, args...); code != exitOK {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
	}
	for _, args := range [][]string{{"isolate", "payments"}, {"isolate", "new", "--create"}, {"delete", "payments", "--yes"}} {
		code, _, stderr := d.with(monitor, args...)
		if code != exitNotDone || !strings.Contains(stderr, "the user has too few rights") {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
		if code, _, stderr := d.with(runtime, args...); code != exitOK {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
	}
}

func TestItReadsTheFileOfTheLibrary(t *testing.T) {
	d := deploy(t)
	d.scene(d.storage())
	if err := os.WriteFile(filepath.Join(d.folder, ".env"), []byte("HW_DB_DSN="+d.dsn+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := d.with(nil, "list"); code != exitOK || !strings.Contains(stdout, "payments") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	// A flag wins over it.
	if code, _, stderr := d.with(nil, "list", "--database", "nowhere"); code != exitUnreached || !strings.Contains(stderr, "nowhere") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func TestManualPages(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "man1")
	if code, stdout, stderr := command(t.Context(), "man", folder); code != exitOK || stdout+stderr != "" {
		t.Fatalf("exit code %d, %s%s", code, stdout, stderr)
	}
	text, err := os.ReadFile(filepath.Join(folder, "highway-open.1"))
	if err != nil || !strings.Contains(string(text), `--for`) {
		t.Errorf("%v, %s", err, text)
	}
	// What Markdown takes for a sign stands there as it does in the help.
	for name, wants := range map[string][]string{
		"highway-list.1":   {`HW_DB_* and HW_NAMESPACE describe`, "\n  0 done   1 failed"},
		"highway-open.1":   {`HW_DB_* and HW_NAMESPACE describe`},
		"highway-doctor.1": {`HW_DB_* says`, `instead of HW_DB_*`, "\n  cause     the name"},
		"highway-setup.1":  {`hw_circuit_breakers`, `HW_DB_SSLROOTCERT`},
	} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		plain := strings.NewReplacer(`\_`, "_", `\-`, "-", `\&`, "").Replace(string(text))
		for _, want := range wants {
			if !strings.Contains(plain, want) {
				t.Errorf("%s: %q is not in\n%s", name, want, text)
			}
		}
		if strings.Contains(plain, `\fIDB`) || strings.Contains(plain, `\fIcircuit`) {
			t.Errorf("%s has an emphasis:\n%s", name, text)
		}
	}
	for _, name := range []string{"highway.1", "highway-list.1", "highway-half-open.1"} {
		if _, err := os.Stat(filepath.Join(folder, name)); errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	if code, _, _ := command(t.Context(), "man", filepath.Join(folder, "highway.1")); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}
