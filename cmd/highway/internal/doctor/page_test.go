package doctor

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fault and warning as a check's source has them, itself or by what several have in common.
var (
	faults   = regexp.MustCompile(`\bfault\(|v\.kept\(`)
	warnings = regexp.MustCompile(`\bwarning\(`)
)

// TestThePageHasTheChecks in their order, what they look at, and whether they may find a
// warning or a fault.
func TestThePageHasTheChecks(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (.+?) \\| (.+?) \\| (.+) \\|$").FindAllStringSubmatch(page(t), -1)
	if len(rows) != len(checks) {
		t.Fatalf("it has %d checks, want %d", len(rows), len(checks))
	}
	for i, c := range checks {
		row := rows[i]
		if row[1] != c.name || row[2] != c.about {
			t.Errorf("check %d is %q, %q, want %q, %q", i, row[1], row[2], c.name, c.about)
		}
		source, err := os.ReadFile(c.name + ".go")
		if err != nil {
			t.Fatal(err)
		}
		if (row[3] != "-") != warnings.Match(source) {
			t.Errorf("%s: its warning is %q", c.name, row[3])
		}
		if (row[4] != "-") != faults.Match(source) {
			t.Errorf("%s: its fault is %q", c.name, row[4])
		}
	}
}

func TestThePageHasTheLimits(t *testing.T) {
	if clockRight != 2*time.Second || clockWrong != time.Minute || expiring != 14*24*time.Hour || probeTime != 250*time.Millisecond ||
		requestTime != time.Second || forgotten != 24*time.Hour || perProcess != 5 || DefaultTimeout != 10*time.Second {
		t.Error("docs/doctor.md and this test have other limits")
	}
	for _, text := range []string{"more than 2 seconds", "a minute or more", "within 14 days", "longer than 250 ms", "longer than a second",
		"older than 24 hours", "fewer than ten, or than a tenth", "`10s`"} {
		if !strings.Contains(page(t), text) {
			t.Errorf("it lacks %q", text)
		}
	}
}

func TestEachCheckNeedsEarlierOnes(t *testing.T) {
	var before []string
	for _, c := range checks {
		for _, need := range c.needs {
			if !slices.Contains(before, need) {
				t.Errorf("%s needs %s, which is not before it", c.name, need)
			}
		}
		before = append(before, c.name)
	}
}
