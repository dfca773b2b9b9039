package main

import (
	"bufio"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/operate"
)

// page is what the documentation says about the command line.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheCommandsOfThePageRun, in its order, on a fleet that has what they are about.
func TestTheCommandsOfThePageRun(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no shell here")
	}
	d := deploy(t)
	d.scene(d.storage())
	fence := regexp.MustCompile("(?ms)^```bash\n(.*?)^```")
	commands := 0
	for _, block := range fence.FindAllStringSubmatch(page(t), -1) {
		for line := range strings.SplitSeq(strings.TrimSpace(block[1]), "\n") {
			commands++
			arguments, ok := strings.CutPrefix(line, "highway ")
			if !ok {
				t.Errorf("no command of ours: %s", line)
				continue
			}
			process := d.process([]string{"HW_DB_DSN=" + d.dsn})
			script := exec.CommandContext(t.Context(), "sh", "-c", `exec "$HIGHWAY" `+arguments)
			script.Dir, script.Env = process.Dir, append(process.Env, "HIGHWAY="+binary)
			process = script
			var errs strings.Builder
			process.Stderr = &errs
			out, err := process.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := process.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for first := true; lines.Scan(); first = false {
				if first && strings.HasPrefix(arguments, "watch") {
					_ = process.Process.Signal(os.Interrupt) // it would not end
				}
			}
			if err := process.Wait(); err != nil || errs.String() != "" {
				t.Errorf("%s: %v, %s", line, err, &errs)
			}
		}
	}
	if commands < 15 {
		t.Errorf("found only %d commands", commands)
	}
}

// section is what stands under a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, text, ok := strings.Cut(page(t), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("there is no %s", heading)
	}
	text, _, _ = strings.Cut(text, "\n#")
	return text
}

// TestThePageHasEveryKeyOfTheJSON, and no other.
func TestThePageHasEveryKeyOfTheJSON(t *testing.T) {
	d := deploy(t)
	s := d.storage()
	d.scene(s)
	row := d.tell(s, "probing", fleet.Report{Instance: "web-2/7/BBBBBBBBBB", Number: 9, Active: true})
	if _, err := s.Change(t.Context(), "probing", row.Identity, fleet.Row{
		Identity: fleet.Identity{Epoch: row.Epoch + 1, Nonce: 1}, State: fleet.HalfOpen, Reason: fleet.CooldownOver, By: "web-2/7/BBBBBBBBBB",
		Probes: []fleet.Probe{{Holder: "web-2/7/BBBBBBBBBB", Number: 1, Remaining: time.Minute}},
	}); err != nil {
		t.Fatal(err)
	}

	list := d.object("list")
	circuit := list["circuits"].([]any)[0].(map[string]any)
	show := map[string]any{}
	for _, key := range []string{"payments", "probing"} { // one has testimonies, and one has probes
		for name, value := range d.object("show", key) {
			if values, _ := value.([]any); show[name] == nil || len(values) > 0 {
				show[name] = value
			}
		}
	}
	show["instances"] = d.object("show", "payments")["instances"]
	order := d.object("open", "payments", "--for=1m")
	history := d.object("history", "payments")
	transition := history["transitions"].([]any)[0].(map[string]any)
	before := order["before"].(map[string]any)
	event := firstLine(t, d)

	without := func(object map[string]any, others ...map[string]any) map[string]any {
		object = maps.Clone(object)
		for _, other := range others {
			maps.DeleteFunc(object, func(key string, _ any) bool { _, there := other[key]; return there })
		}
		return object
	}
	// What has a table of its own is not described again.
	closed := func(object map[string]any, names ...string) map[string]any {
		object = maps.Clone(object)
		for _, name := range names {
			object[name] = nil
		}
		return object
	}
	for heading, object := range map[string]map[string]any{
		"### `list`":       closed(list, "circuits"),
		"### `show`":       closed(without(show, circuit), "transitions"),
		"### `history`":    closed(history, "transitions"),
		"### `watch`":      event,
		"### An order":     closed(order, "before", "after"),
		"### A row":        before,
		"### A circuit":    without(circuit, before),
		"### A transition": transition,
	} {
		var documented []string
		for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| .+ \\|$").FindAllStringSubmatch(section(t, heading), -1) {
			documented = append(documented, m[1])
		}
		slices.Sort(documented)
		if got := paths("", object); !slices.Equal(got, documented) {
			t.Errorf("%s explains\n%q, but there is\n%q", heading, documented, got)
		}
	}
	for _, action := range operate.Actions {
		if !strings.Contains(section(t, "### An order"), "`"+string(action)+"`") || !strings.Contains(page(t), "`highway "+string(action)+" KEY") {
			t.Errorf("%s is not explained", action)
		}
	}
}

// paths are the keys of an object and of those in it, sorted, each once.
func paths(prefix string, value any) (all []string) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			all = append(all, prefix+key)
			all = append(all, paths(prefix+key+".", inner)...)
		}
	case []any:
		for _, inner := range value {
			all = append(all, paths(prefix, inner)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// firstLine is the first of watch.
func firstLine(t *testing.T, d *deployment) map[string]any {
	t.Helper()
	process := d.process([]string{"HW_DB_DSN=" + d.dsn}, "watch", "--json")
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Error(err)
	}
	_ = process.Process.Kill()
	_ = process.Wait()
	return oneObject(t, line)
}

// TestThePageAndTheHelpHaveEveryExitCode and every flag.
func TestThePageAndTheHelpHaveEveryExitCode(t *testing.T) {
	codes := section(t, "## Exit codes")
	for code := exitOK; code <= exitWarnings; code++ {
		number := strconv.Itoa(code)
		if !strings.Contains(codes, "\n| "+number+" | ") || code != exitWarnings && !regexp.MustCompile(`\b`+number+` [a-z]`).MatchString(where) {
			t.Errorf("the exit code %d is not explained", code)
		}
	}
	if strings.Contains(codes, "\n| "+strconv.Itoa(exitWarnings+1)+" | ") {
		t.Error("there is a code that is none")
	}
	for _, c := range rootCommand().Commands() {
		if c.GroupID == "" {
			continue
		}
		if !strings.Contains(page(t), "`highway "+c.Use) {
			t.Errorf("%s is not explained", c.Use)
		}
		_, help, _ := command(t.Context(), c.Name(), "--help")
		for _, m := range regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[\w-]+)`).FindAllStringSubmatch(help, -1) {
			if m[1] != "--help" && !strings.Contains(page(t), m[1]) {
				t.Errorf("%s %s is not explained", c.Name(), m[1])
			}
		}
	}
}
