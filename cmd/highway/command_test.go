package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// command runs the command line in this process.
func command(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = execute(ctx, args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestMistakesExitWith2AndSayWhereHelpIs(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"demo", "--instances", "0"}, "--instances 0: it must be from 1 to 1000"},
		{[]string{"demo", "--instances", "1001"}, "--instances 1001: it must be from 1 to 1000"},
		{[]string{"demo", "--instances", "many"}, `"many"`},
		{[]string{"demo", "--duration", "999ms"}, "--duration 999ms: it must be from 1s to 1h"},
		{[]string{"demo", "--duration", "20"}, `"20"`},
		{[]string{"demo", "--duration", "5s", "--outage", "5s"}, "--outage 5s: it must be less than the duration, which is 5s"},
		{[]string{"demo", "--outage", "-1s"}, "--outage -1s: it must be more than 0"},
		{[]string{"demo", "--sick", "5"}, "--sick 5: it must be from 0 to 4, fewer than the instances"},
		{[]string{"demo", "--sick", "-1"}, "--sick -1: it must be from 0 to 4"},
		{[]string{"demo", "--seed", "-1"}, `"-1"`},
		{[]string{"demo", "--storage", "redis"}, "--storage redis: it must be memory or postgres"},
		{[]string{"demo", "--storage", "postgres", "--instances", "101"}, "--instances 101: it must be at most 100 with --storage postgres"},
		{[]string{"demo", "--plain=perhaps"}, `"perhaps"`},
		{[]string{"demo", "--nonsense"}, "--nonsense"},
		{[]string{"demo", "nonsense"}, `"nonsense"`},
		{[]string{"setup", "nonsense"}, `"nonsense"`},
		{[]string{"setup", "--port=x"}, `the port "x": it must be a number from 1 to 65535`},
		{[]string{"setup", "--schema="}, "--schema: the name must not be empty"},
		{[]string{"setup", "--schema=pg_mine"}, `"pg_mine" is the server's own`},
		{[]string{"setup", "--history-rows=0"}, "--history-rows: it must be at least 1"},
		{[]string{"setup", "--history-rows=9999999999"}, "9999999999"},
		{[]string{"setup", "--history-age=0d"}, "days are from 1d to 36500d"},
		{[]string{"setup", "--roles", "--owner-role=public"}, `"public" cannot be a role's name`},
		{[]string{"setup", "--roles", "--dry-run"}, "[dry-run roles]"},
		{[]string{"setup", "--dsn=host='"}, "the connection string makes no sense"},
		{[]string{"demo", "--dashboard", "--json"}, "[dashboard json]"},
		{[]string{"demo", "--dashboard", "--listen=:0"}, "--listen :0: others can reach this address, and this page is for this machine alone"},
		{[]string{"dashboard", "--listen", "nonsense"}, "--listen nonsense: it must be an address and a port"},
		{[]string{"dashboard", "--listen", "0.0.0.0:0"}, "it needs --tls-cert and --tls-key, or tokens of yours"},
		{[]string{"dashboard", "--tls-cert", "cert.pem"}, "there must be both, or none"},
		{[]string{"doctor", "nonsense"}, `"nonsense"`},
		{[]string{"doctor", "--timeout=0s"}, "--timeout 0s: it must be more than 0"},
		{[]string{"doctor", "--listener=x", "--poll-only"}, "[listener poll-only]"},
		{[]string{"version", "nonsense"}, `"nonsense"`},
		{[]string{"nonsense"}, `"nonsense"`},
		{[]string{"--nonsense"}, "--nonsense"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			code, stdout, stderr := command(t.Context(), test.args...)
			if code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if stdout != "" {
				t.Errorf("%q on the standard output, want nothing", stdout)
			}
			help := "\nsee \"highway " + test.args[0] + " --help\"\n"
			if strings.HasSuffix(test.args[0], "nonsense") { // it is no command
				help = "\nsee \"highway --help\"\n"
			}
			if !strings.Contains(stderr, test.want) || !strings.HasSuffix(stderr, help) {
				t.Errorf("want %q and %q in\n%s", test.want, help, stderr)
			}
		})
	}
}

func TestHelpDocumentsEveryKeyOfTheJSON(t *testing.T) {
	code, help, _ := command(t.Context(), "demo", "--help")
	if code != exitOK {
		t.Errorf("exit code %d, want 0", code)
	}
	code, stdout, stderr := command(t.Context(), "demo", "--json", "--instances", "1", "--duration", "1s")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	summary := oneObject(t, stdout)
	keys := make([]string, 0, len(summary))
	for key := range summary {
		keys = append(keys, key)
	}
	for key := range summary["by_instance"].([]any)[0].(map[string]any) {
		keys = append(keys, key)
	}
	for _, key := range keys {
		if !regexp.MustCompile(`\b` + key + `\b`).MatchString(help) {
			t.Errorf("%s is not in the help", key)
		}
	}
	for _, line := range strings.Split(help, "\n") {
		if len([]rune(line)) > 80 {
			t.Errorf("too long for a terminal: %q", line)
		}
	}
}

// oneObject decodes text that must be one JSON object and nothing else.
func oneObject(t *testing.T, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("there is more than an object in %q", text)
	}
	return object
}

func TestJSONHasTheKeysThatScriptsRelyOn(t *testing.T) {
	code, stdout, stderr := command(t.Context(), "demo", "--json", "--plain", "--instances=3", "--sick=1", "--duration=1s", "--outage=300ms", "--seed=9")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	summary := oneObject(t, stdout)
	for key, want := range map[string]any{"instances": 3.0, "sick": 1.0, "outage_ms": 300.0, "seed": 9.0, "interrupted": false, "storage": "memory", "storage_at": nil} {
		if got, there := summary[key]; !there || got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	number := func(key string) float64 {
		n, ok := summary[key].(float64)
		if !ok {
			t.Errorf("%s is %v, want a number", key, summary[key])
		}
		return n
	}
	if number("calls") != number("succeeded_calls")+number("failed_calls")+number("refused_calls") {
		t.Errorf("calls do not add up: %s", stdout)
	}
	for _, key := range []string{"duration_ms", "calls", "wasted_calls_unprotected", "calls_unprotected"} {
		if number(key) <= 0 {
			t.Errorf("%s is %v, want more than 0", key, number(key))
		}
	}
	for _, key := range []string{"retries", "wasted_calls", "wasted_calls_unshared", "status_changes", "status_changes_unshared"} {
		number(key)
	}
	for _, key := range []string{"open_on_all_ms", "closed_on_all_ms"} {
		if value, there := summary[key]; !there || value != nil && number(key) < 0 {
			t.Errorf("%s is %v, want null or at least 0", key, value)
		}
	}
}

func TestADemoOnPostgreSQLSaysSo(t *testing.T) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "HW_DB_") {
			t.Setenv(name, "")
		}
	}
	t.Chdir(t.TempDir()) // where no .env is
	code, stdout, stderr := command(t.Context(), "demo", "--json", "--storage=postgres", "--instances=2", "--duration=1s")
	if code != exitOK {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	summary := oneObject(t, stdout)
	if at, _ := summary["storage_at"].(string); summary["storage"] != "postgres" || !strings.HasPrefix(at, "PostgreSQL 1") || summary["calls"] == 0.0 {
		t.Errorf("%s", stdout)
	}
	t.Setenv("HW_DB_HOST", "192.0.2.1")
	code, stdout, stderr = command(t.Context(), "demo", "--json", "--storage=postgres", "--duration=1s")
	if code != exitFailed || stdout != "" || !strings.Contains(stderr, "HW_DB_PASSWORD is missing") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestPlainIsPlain(t *testing.T) {
	code, stdout, stderr := command(t.Context(), "demo", "--plain", "--instances=2", "--duration=1s")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	control := func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }
	if i := strings.IndexFunc(stdout, control); i >= 0 {
		t.Errorf("a control character in %q", stdout[i:])
	}
	for _, want := range []string{"highway demo: 2 instances · 1s · outage 500ms · seed 1", "is healthy", "is failing", "is slow", "100 %", "as one fleet", "each on its own", "without breakers", "Ran for 1"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
}

func TestOutputThatIsNoTerminalIsPlain(t *testing.T) {
	code, stdout, _ := command(t.Context(), "demo", "--instances=1", "--duration=1s")
	if code != exitOK || strings.ContainsRune(stdout, '\x1b') || !strings.Contains(stdout, "Ran for 1") {
		t.Errorf("exit code %d and %q", code, stdout)
	}
}

func TestAnEndedContextGivesTheSummarySoFar(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	code, stdout, stderr := command(ctx, "demo", "--json", "--duration=1h")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	if summary := oneObject(t, stdout); summary["interrupted"] != true {
		t.Errorf("interrupted is %v, want true", summary["interrupted"])
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestFailuresExitWith1WithoutHelp(t *testing.T) {
	for _, args := range [][]string{{"demo", "--plain", "--duration=1s"}, {"demo", "--json", "--duration=1s"}, {"version"}} {
		var errs bytes.Buffer
		code := execute(t.Context(), args, strings.NewReader(""), fullDisk{}, &errs)
		if want := "highway: no space left\n"; code != exitFailed || errs.String() != want {
			t.Errorf("%v: exit code %d, %q; want %d, %q", args, code, errs.String(), exitFailed, want)
		}
	}
}

func TestVersionSaysWhatTheBuildKnows(t *testing.T) {
	code, stdout, _ := command(t.Context(), "version")
	if code != exitOK || !strings.HasPrefix(stdout, "highway ") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	settings := []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}
	tests := []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{}, "highway (devel)"},
		{debug.BuildInfo{GoVersion: "go1.25", Main: debug.Module{Version: "v1.2.3"}}, "highway v1.2.3 go1.25"},
		{debug.BuildInfo{Settings: settings}, "highway (devel) abc (modified)"},
		{debug.BuildInfo{Settings: settings[:1]}, "highway (devel) abc"},
	}
	for _, test := range tests {
		if got := version(&test.info); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestTheVersionIsAFlagToo(t *testing.T) {
	_, want, _ := command(t.Context(), "version")
	if code, stdout, stderr := command(t.Context(), "--version"); code != exitOK || stdout != want || stderr != "" {
		t.Errorf("exit code %d, %q, %q, want %q", code, stdout, stderr, want)
	}
}

func TestEachShellsHelpSaysWhereToPutTheScript(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, help, _ := command(t.Context(), "completion", shell, "--help"); code != exitOK || !strings.Contains(help, "for every new session") {
			t.Errorf("%s: exit code %d, %s", shell, code, help)
		}
	}
}

func TestTheHelpNamesTheCommands(t *testing.T) {
	_, help, _ := command(t.Context(), "--help")
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  ([\w-]+) {2,}\w`).FindAllStringSubmatch(help, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	want := []string{"close", "completion", "dashboard", "delete", "demo", "disable", "doctor", "half-open", "help", "history", "isolate", "list", "man", "open", "release", "setup", "show", "version", "watch"}
	if !slices.Equal(names, want) {
		t.Errorf("the commands are %v, want %v", names, want)
	}
	for _, name := range names {
		_, help, _ := command(t.Context(), name, "--help")
		for line := range strings.Lines(help) {
			if len([]rune(line)) > 81 {
				t.Errorf("%s: too long for a terminal: %q", name, line)
			}
		}
	}
}
