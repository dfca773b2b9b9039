package circuit

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write what the machine does into the scripts in testdata")

// TestScripts plays the scripts in testdata. A line is a command, indented lines are
// what the machine answers; with -rewrite they are written anew.
//
//	settings 3/5 2/3 30s 10s   failure limit, success limit, cooldown, lease
//	ok, fail [xN]              record N outcomes in the present epoch
//	late ok, late fail         record one of the epoch before
//	ask 1m, late ask 1m        a failed call asks for so much time
//	configure 3/5 2/3 30s 10s  change the settings
//	wait 30s                   let time pass
//	admit                      ask for a call to be let through
//	settle 1 ok|fail|ignore    end probe 1
//	advance, open 5s, close, half-open, isolate, disable, release
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts in testdata", err)
	}
	for _, path := range scripts {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *rewrite {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("the machine did:\n%s\nthe script says:\n%s", got, want)
			}
		})
	}
}

func play(t *testing.T, script string) string {
	var out strings.Builder
	var m Machine
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "    ") {
			continue
		}
		out.WriteString(line)
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		answer := ""
		arg := func(i int) string {
			if i >= len(words) {
				t.Fatalf("%q lacks a word", line)
			}
			return words[i]
		}
		span := func(i int) time.Duration {
			d, err := time.ParseDuration(arg(i))
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		switch words[0] {
		case "settings":
			m = New(settingsOf(t, arg(1), arg(2), span(3), span(4)), now)
		case "configure":
			m.Configure(settingsOf(t, arg(1), arg(2), span(3), span(4)), now)
		case "ok", "fail":
			times := 1
			if len(words) > 1 {
				times = number(t, strings.TrimPrefix(words[1], "x"))
			}
			for range times {
				m.Record(m.Epoch(), words[0] == "fail", now)
			}
		case "late":
			if arg(1) == "ask" {
				m.PutOff(m.Epoch()-1, 0, span(2), now)
			} else {
				m.Record(m.Epoch()-1, arg(1) == "fail", now)
			}
		case "ask":
			probe := 0
			if len(words) > 2 {
				probe = number(t, words[2])
			}
			m.PutOff(m.Epoch(), Probe(probe), span(1), now)
		case "wait":
			now = now.Add(span(1))
		case "admit":
			probe, ok := m.Admit(now)
			answer = fmt.Sprintf("probe %d ", probe)
			if !ok {
				answer = "refused "
			} else if probe == 0 {
				answer = "admitted "
			}
		case "settle":
			outcome := map[string]Outcome{"ok": Success, "fail": Failure, "ignore": Ignored}[arg(2)]
			m.Settle(Probe(number(t, arg(1))), outcome, now)
		case "advance":
			m.Advance(now)
		case "open":
			m.OpenFor(span(1), now)
		case "close":
			m.Close(now)
		case "half-open":
			m.HalfOpen(now)
		case "isolate":
			m.Isolate(now)
		case "disable":
			m.Disable(now)
		case "release":
			m.Release(now)
		default:
			t.Fatalf("no command %q", words[0])
		}
		fmt.Fprintf(&out, "    %s%s\n", answer, describe(&m, now))
	}
	return out.String()
}

func describe(m *Machine, now time.Time) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s", [...]string{"CLOSED", "OPEN", "HALF_OPEN"}[m.State()])
	if m.Hold() != NoHold {
		fmt.Fprintf(&s, " %s", [...]string{"", "isolated", "disabled"}[m.Hold()])
	}
	if !m.Until().IsZero() {
		fmt.Fprintf(&s, " for %v", m.Until().Sub(now))
	}
	log := m.Log()
	s.WriteString(" [")
	for i := range log.Len() {
		s.WriteByte(".x"[map[bool]int{true: 1}[log.Failed(i)]])
	}
	fmt.Fprintf(&s, "] epoch %d", m.Epoch())
	if n := m.InFlight(now); n > 0 {
		fmt.Fprintf(&s, ", %d probing", n)
	}
	if m.Quiet() {
		s.WriteString(", quiet")
	}
	if d := m.Cooldown(now); d != m.Settings().Cooldown {
		fmt.Fprintf(&s, ", asked for %v", d)
	}
	return s.String()
}

func settingsOf(t *testing.T, failure, success string, cooldown, lease time.Duration) Settings {
	f, w, ok1 := strings.Cut(failure, "/")
	k, n, ok2 := strings.Cut(success, "/")
	if !ok1 || !ok2 {
		t.Fatalf("limits %q %q are not fractions", failure, success)
	}
	return Settings{number(t, f), number(t, w), number(t, k), number(t, n), cooldown, lease}
}

func number(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
