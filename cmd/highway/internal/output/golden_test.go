package output

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/highway-engine/highway/fleet"
)

var rewrite = flag.Bool("rewrite", false, "write what is printed into testdata")

// A key as nobody should have one: it clears the screen, begins a line and turns the
// direction of writing.
const hostile = "\x1b[2J\r\nfake  OPEN\u202e\x9b"

var terms = fleet.Settings{Failures: 3, Window: 10, Successes: 2, Probes: 3, Cooldown: 30 * time.Second}

func circuits() []fleet.Circuit {
	identity := fleet.Identity{Incarnation: 0xabc, Epoch: 12}
	return []fleet.Circuit{
		{Key: "mail", Row: fleet.Row{Identity: identity}, Changed: 50 * time.Hour, Active: 3, Outcomes: 30},
		{
			Key: "payments", Changed: 90 * time.Second, Failures: 12, Outcomes: 40, Active: 4, Suspects: 1, Disagree: true,
			Row: fleet.Row{Identity: identity, State: fleet.Open, Hold: fleet.HeldOpen, Reason: fleet.Commanded, By: "ann@ops-1",
				Note: "INC-7: the gateway is down, and its people are on it", Remaining: 598 * time.Second},
		},
		{
			Key: "search", Changed: time.Second, Failures: 9, Outcomes: 10, Active: 1,
			Row: fleet.Row{Identity: identity, State: fleet.HalfOpen, Reason: fleet.CooldownOver, By: "web-1/7/AAAAAAAAAA", Lost: 1,
				Probes: []fleet.Probe{{Holder: "web-1/7/AAAAAAAAAA", Number: 1, Remaining: time.Second}, {Number: 2, Result: fleet.Succeeded}, {Number: 3, Result: fleet.Failed}}},
		},
		{
			Key: hostile, Changed: time.Hour, Failures: 1, Outcomes: 1,
			Row: fleet.Row{Identity: identity, State: fleet.Open, Hold: fleet.Isolated, Reason: fleet.Commanded, By: hostile, Note: hostile},
		},
		{
			Key: "決済サービス", Changed: 26 * time.Hour,
			Row: fleet.Row{Identity: identity, Hold: fleet.Disabled, Reason: fleet.Commanded, By: "李雷@ops", Note: "修理中"},
		},
	}
}

func details() []fleet.Detail {
	all := circuits()
	about := fleet.Identity{Incarnation: 0xabc, Epoch: 12}
	other := terms
	other.Cooldown = time.Minute
	busy := fleet.Detail{Circuit: all[1], Live: 5, Reports: []fleet.Told{
		{Ago: time.Second, Report: fleet.Report{Instance: "web-1/7/AAAAAAAAAA", About: about, Active: true, Refuses: true, Suspicion: 3, Age: 2 * time.Second,
			Failures: 6, Outcomes: 10, Settings: terms}},
		{Ago: 12 * time.Second, Report: fleet.Report{Instance: "web-2/7/BBBBBBBBBB", About: about, Active: true, Failures: 1, Outcomes: 10, Settings: other,
			Testimony: fleet.Testimony{About: fleet.Accusation{Suspect: "web-1/7/AAAAAAAAAA", Number: 3}, Sum: -1.25, Calls: 1}}},
		{Report: fleet.Report{Instance: hostile, About: about, Active: true, Refuses: true}},
		{Report: fleet.Report{Instance: "batch/9/CCCCCCCCCC"}},
	}}
	probing := fleet.Detail{Circuit: all[2], Live: 1, Reports: []fleet.Told{{Report: fleet.Report{Instance: "web-1/7/AAAAAAAAAA", Active: true, Refuses: true, Settings: terms}}}}
	return []fleet.Detail{busy, probing, {Circuit: all[3]}}
}

func transitions() []fleet.Transition {
	at := time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC)
	identity := fleet.Identity{Incarnation: 0xabc, Epoch: 12}
	return []fleet.Transition{
		{ID: 9, At: at, Ago: time.Second, Key: "payments", Identity: identity, From: fleet.Closed, To: fleet.Open, Reason: fleet.Testified, By: "web-1/7/AAAAAAAAAA",
			Evidence: fleet.Evidence{Instances: 4, Refusing: 1, Suspects: []string{"web-1/7/AAAAAAAAAA"}, Witnesses: 3, Calls: 41, Testimony: 12.5, Failures: 12, Outcomes: 40}},
		{ID: 8, At: at, Key: "payments", Identity: identity, From: fleet.HalfOpen, To: fleet.Closed, Reason: fleet.ProbesSucceeded, By: "web-2/7/BBBBBBBBBB",
			Evidence: fleet.Evidence{Instances: 1, Succeeded: 2, Failed: 1, Suspects: []string{hostile}}},
		{ID: 7, At: at, Key: hostile, Identity: identity, From: fleet.Closed, To: fleet.Open, Hold: fleet.Isolated, Reason: fleet.Commanded, By: hostile, Note: hostile},
		{ID: 6, At: at, Key: "mail", Identity: identity, To: fleet.Closed, Made: true},
		{ID: 5, At: at, Key: "mail", Identity: identity, From: fleet.Open, Deleted: true, Reason: fleet.Commanded, By: "ann@ops-1", Note: "it is called post now"},
	}
}

// printed is all that people may see on a screen.
func printed(s Screen) error {
	all, seen, history := circuits(), details(), transitions()
	var errs []error
	part := func(title string, err error) {
		fmt.Fprintf(s.Out, "--- %s\n", title)
		errs = append(errs, err)
	}
	part("list", List(s, all))
	for _, q := range []fleet.Query{{}, {Holds: []fleet.Hold{fleet.Isolated}}, {Prefix: hostile}, {States: []fleet.State{fleet.Open, fleet.HalfOpen}, Busy: true}} {
		part("an empty list", Line(s, Nothing(q, "")))
	}
	part("an empty namespace", Line(s, Nothing(fleet.Query{}, "staging")))
	for i := range seen {
		part(fmt.Sprintf("show %d", i), Show(s, seen[i], history[:2]))
	}
	part("history", History(s, history, true))
	part("history of one", History(s, history[:2], false))
	part("an empty history", History(s, nil, false))
	for i := range all {
		part(fmt.Sprintf("stands %d", i), Stands(s, all[i].Key, &all[i]))
	}
	part("no circuit", Stands(s, hostile, nil))
	for _, t := range history {
		part("happened", Happened(s, t))
	}
	ago := Ago{24 * time.Second, true}
	part("done", Done(s, hostile, all[0].Row, all[1].Row, true, ago))
	part("another's order replaced", Done(s, "payments", all[1].Row, all[2].Row, true, ago))
	part("somebody's order replaced", Done(s, "payments", all[3].Row, all[0].Row, true, Ago{}))
	part("nothing to do", Done(s, "mail", all[0].Row, all[0].Row, false, ago))
	part("nothing to do, for somebody has done it", Done(s, "payments", all[1].Row, all[1].Row, false, ago))
	part("deleted", Done(s, "mail", all[1].Row, fleet.Row{}, true, ago))
	part("overtaken by a person", Line(s, Overtaken(all[1].Row, ago)))
	part("overtaken by an instance", Line(s, Overtaken(all[2].Row, Ago{})))
	return errors.Join(errs...)
}

// TestScreens holds what is printed against testdata, for a screen without a limit and for
// narrow ones; with -rewrite it is written anew.
func TestScreens(t *testing.T) {
	t.Setenv("TZ", "UTC")
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
	for _, width := range []int{0, 100, 60, 30} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			var out strings.Builder
			if err := printed(Screen{Out: &out, Width: width}); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", fmt.Sprintf("width%d.txt", width))
			if *rewrite {
				if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != string(want) {
				t.Errorf("it prints\n%s\nwant\n%s", out.String(), want)
			}
		})
	}
}

// TestNothingLeavesTheScreen: no table is wider, nothing moves the cursor, and colours change
// nothing else.
func TestNothingLeavesTheScreen(t *testing.T) {
	for width := range 140 {
		var plain, coloured strings.Builder
		if err := errors.Join(printed(Screen{Out: &plain, Width: width}), printed(Screen{Out: &coloured, Width: width, Colours: true})); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(coloured.String(), "\x1b[31mOPEN") && width > 60 {
			t.Error("nothing is red")
		}
		if ansi.Strip(coloured.String()) != plain.String() {
			t.Errorf("with colours and a width of %d it is\n%s\nwithout\n%s", width, coloured.String(), plain.String())
		}
		var tables strings.Builder
		narrow := Screen{Out: &tables, Width: width}
		if err := errors.Join(List(narrow, circuits()), History(narrow, transitions(), true), instances(narrow, details()[0])); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(tables.String()) {
			if ansi.StringWidth(line) > width && width > 0 {
				t.Errorf("wider than %d: %q", width, line)
			}
		}
		for line := range strings.Lines(plain.String()) {
			line = strings.TrimSuffix(line, "\n")
			if strings.ContainsFunc(line, hidden) {
				t.Errorf("not safe: %q", line)
			}
		}
	}
}

func TestSafe(t *testing.T) {
	for text, want := range map[string]string{
		"payments":        "payments",
		"a b/c:d":         "a b/c:d",
		"決済":              "決済",
		"":                `""`,
		" a":              `" a"`,
		`"a"`:             `"\"a\""`,
		"a\nb":            `"a\nb"`,
		"a\x1b[31m":       `"a\x1b[31m"`,
		"a\xff":           `"a\xff"`,
		"a\u202eb":        `"a\u202eb"`,
		"a\u200bb":        `"a\u200bb"`,
		"a\u009b31m":      `"a\u009b31m"`,
		"a\U000e0041":     `"a\U000e0041"`,
		"a\u2028b\u00a0c": `"a\u2028b\u00a0c"`,
	} {
		if got := Safe(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	if got, want := SafeLines("a\n\tb\x1b[2J\xff\u202e"), "a\n\tb\\x1b[2J\uFFFD\\u202e"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzSafe(f *testing.F) {
	f.Add("a\x1b")
	f.Fuzz(func(t *testing.T, text string) {
		var out strings.Builder
		if err := JSON(&out, map[string]string{"text": text}); err != nil {
			t.Fatal(err)
		}
		for _, got := range []string{Safe(text), strings.NewReplacer("\n", "", "\t", "").Replace(SafeLines(text)), strings.TrimSuffix(out.String(), "\n")} {
			if strings.ContainsFunc(got, hidden) {
				t.Errorf("%q is %q", text, got)
			}
		}
	})
}
