package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/highway-engine/highway/fleet"
)

// listen is the address of a server that takes connections and says nothing.
func listen(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// keys are those of a list, in its order.
func (d *deployment) keys(args ...string) (keys []string) {
	d.Helper()
	for _, c := range d.object(append([]string{"list"}, args...)...)["circuits"].([]any) {
		keys = append(keys, c.(map[string]any)["key"].(string))
	}
	return keys
}

func TestListsAreFilteredAndSorted(t *testing.T) {
	d := deploy(t)
	s := d.storage()
	d.scene(s)
	d.tell(s, "mail", fleet.Report{Instance: "web-2/7/BBBBBBBBBB", Number: 2, Active: true, Failures: 9, Outcomes: 10})
	d.done("disable", "mail")
	d.done("open", "open", "--for=1h", "--create")
	d.done("isolate", "pay", "--create")
	d.done("half-open", "probing", "--create")
	for _, c := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"mail", "open", "pay", "payments", "probing", "search"}},
		{[]string{"--prefix=pay"}, []string{"pay", "payments"}},
		{[]string{"--state=OPEN"}, []string{"open", "pay"}},
		{[]string{"--state=half_open,open"}, []string{"open", "pay", "probing"}},
		{[]string{"--state=closed", "--held"}, []string{"mail"}},
		{[]string{"--held"}, []string{"mail", "open", "pay"}},
		{[]string{"--busy"}, []string{"mail", "open", "pay", "payments", "probing"}},
		{[]string{"--sort=changed"}, []string{"probing", "pay", "open", "mail", "search", "payments"}},
		{[]string{"--sort=state"}, []string{"pay", "open", "probing", "mail", "payments", "search"}},
		{[]string{"--sort=rate"}, []string{"mail", "payments", "open", "pay", "probing", "search"}},
		{[]string{"--prefix=nothing"}, nil},
	} {
		if got := d.keys(c.args...); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.args, got, c.want)
		}
	}
	for want, args := range map[string][]string{
		"No circuit begins with \"nothing\".\n":                   {"--prefix=nothing"},
		"No circuit is HALF_OPEN and is held.\n":                  {"--held", "--state=half-open"},
		"There is no circuit yet in the namespace \"staging\".\n": {"--namespace=staging"},
		"No circuit is busy in the namespace \"staging\".\n":      {"--namespace=staging", "--busy"},
	} {
		if said := d.done(append([]string{"list"}, args...)...); said != want {
			t.Errorf("%q, want %q", said, want)
		}
	}
}

func TestHistoryComesInPages(t *testing.T) {
	d := deploy(t)
	d.scene(d.storage())
	for i := range 5 {
		d.done("isolate", "payments", "--reason", fmt.Sprint(i))
		d.done("isolate", "search")
	}
	var notes []string
	before := "0"
	for page := range 3 {
		h := d.object("history", "payments", "--limit=2", "--before", before)
		for _, t := range h["transitions"].([]any) {
			notes = append(notes, t.(map[string]any)["note"].(string))
		}
		if next, more := h["next_before"].(float64); more != (page < 2) {
			t.Errorf("page %d: the next is %v", page, h["next_before"])
		} else {
			before = fmt.Sprintf("%.0f", next)
		}
	}
	if want := []string{"4", "3", "2", "1", "0"}; !slices.Equal(notes, want) {
		t.Errorf("%q, want %q", notes, want)
	}
	if code, stdout, stderr := d.run("history", "nosuch"); code != exitNoCircuit || stdout != "" || stderr != "highway: there is no such circuit: \"nosuch\"\n" {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	if said := d.done("history", "payments", "--before=1"); said != "There is nothing in the history.\n" {
		t.Errorf("%q", said)
	}
	d.done("delete", "search", "--yes") // of which the history is left
	d.done("history", "search")
	d.done("isolate", "search", "--create")
	text := d.done("history", "--limit=1")
	if !strings.Contains(text, "search") || !regexp.MustCompile(`(?m)^There is more: --before \d+$`).MatchString(text) {
		t.Errorf("%s", text)
	}
	if text := d.done("history", "--limit=0"); strings.Count(text, "isolated") != 11 || strings.Contains(text, "more") {
		t.Errorf("%s", text)
	}
}

// TestFiveThousandKeys, of which many are not made for terminals.
func TestFiveThousandKeys(t *testing.T) {
	d := deploy(t)
	s := d.storage()
	const keys = 5000
	for begin := 0; begin < keys; begin += 500 {
		reports := map[string]fleet.Report{}
		for i := begin; i < begin+500; i++ {
			key := fmt.Sprintf("key %04d", i)
			if i%10 == 0 {
				key += "\x1b[2J\n\u202e\u009b決済" + strings.Repeat("x", i%200)
			}
			reports[key] = fleet.Report{Instance: "a\x1b[2J", Number: 1, Active: true, Failures: i, Outcomes: keys}
		}
		if _, err := s.Exchange(t.Context(), "a\x1b[2J", reports); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"list"}, {"list", "--json"}, {"list", "--sort=rate"}, {"show", "key 0000\x1b[2J\n\u202e\u009b決済"}, {"isolate", "key 0000\x1b[2J\n\u202e\u009b決済"}, {"history"}} {
		stdout := d.done(args...)
		if i := strings.IndexFunc(stdout, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q: %q", args, stdout[max(0, i-50):i+10])
		}
		if args[0] == "list" && !slices.Contains(args, "--json") && strings.Count(stdout, "\n") != keys+1 {
			t.Errorf("%q: %d lines", args, strings.Count(stdout, "\n"))
		}
	}
	if got := d.keys("--sort=rate"); len(got) != keys || got[0] != "key 4999" {
		t.Errorf("%d keys, the first is %q", len(got), got[0])
	}
	if _, stdout, _ := d.run("__complete", "show", "key 00"); strings.Count(stdout, "key 00") != 90 || strings.Contains(stdout, "\x1b") {
		t.Errorf("%q", stdout)
	}
}

// TestWatchTellsWhatHappens until it is told to end.
func TestWatchTellsWhatHappens(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there a process cannot send another one Ctrl-C")
	}
	d := deploy(t)
	d.scene(d.storage())
	process := d.process([]string{"HW_DB_DSN=" + d.dsn}, "watch", "--json", "--prefix=pay")
	var errs strings.Builder
	process.Stderr = &errs
	pipe, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	next := func() (e struct {
		Event, Key string
		Transition *transition
	}) {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("it ends: %v, %s", lines.Err(), &errs)
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := next(); e.Event != "watching" {
		t.Errorf("%+v", e)
	}
	if e := next(); e.Event != "is" || e.Key != "payments" {
		t.Errorf("%+v", e)
	}
	d.done("isolate", "search")
	d.done("open", "payments", "--for=1m", "--reason=INC-7", "--by=ann")
	d.done("close", "payments")
	if e := next(); e.Event != "changed" || e.Transition.To != "OPEN" || e.Transition.Note != "INC-7" || e.Transition.By != "ann" {
		t.Errorf("%+v", e)
	}
	if e := next(); e.Event != "changed" || e.Transition.To != "CLOSED" {
		t.Errorf("%+v", e)
	}
	if err := process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		t.Errorf("one more: %s", lines.Text())
	}
	if err := process.Wait(); err != nil || errs.String() != "" {
		t.Errorf("%v, %s", err, &errs)
	}
}
