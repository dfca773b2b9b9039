package metrics_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/metrics"
)

// TestNamesOfMetrics: the names follow the rules of both worlds. That a real exporter makes
// the one of the other is tested in module otel.
func TestNamesOfMetrics(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range metrics.All {
		if seen[m.Name] || seen[m.Prometheus] {
			t.Errorf("%s is there twice", m.Name)
		}
		seen[m.Name], seen[m.Prometheus] = true, true
		if !regexp.MustCompile(`^highway(\.[a-z][a-z_]*)+$`).MatchString(m.Name) {
			t.Errorf("%s is not a name", m.Name)
		}
		if strings.HasSuffix(m.Prometheus, "_total") != (m.Kind == metrics.Counter) {
			t.Errorf("%s: counters, and only they, end in _total", m.Prometheus)
		}
		if !strings.HasSuffix(m.Help, ".") || m.Unit == "" {
			t.Errorf("%s lacks help or unit", m.Name)
		}
		for _, label := range m.Labels {
			if !strings.HasPrefix(label, "highway.") {
				t.Errorf("%s has a label %s", m.Name, label)
			}
		}
	}
}

// TestEnumsAreComplete: a state or reason that is added has to come here too.
func TestEnumsAreComplete(t *testing.T) {
	for s := highway.CircuitState(0); !strings.Contains(s.String(), "("); s++ {
		if got, want := metrics.StateName(s), strings.ToLower(s.String()); got != want {
			t.Errorf("%v is %q, want %q", s, got, want)
		}
	}
	for r := highway.Reason(0); !strings.Contains(r.String(), "("); r++ {
		if got, want := metrics.ReasonName(r), strings.ReplaceAll(r.String(), " ", "_"); got != want {
			t.Errorf("%v is %q, want %q", r, got, want)
		}
	}
	if h := highway.Disabled + 1; !strings.Contains(h.String(), "(") {
		t.Errorf("the metrics do not know the hold %v", h)
	}
	if got := metrics.ReasonName(200); got != metrics.Other {
		t.Errorf("an unknown reason is %q", got)
	}
}

// TestTheDocsHaveTheTable: docs/telemetry.md has each metric, as it is.
func TestTheDocsHaveTheTable(t *testing.T) {
	docs, err := os.ReadFile("../../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[metrics.Kind]string{
		metrics.Counter: "counter", metrics.Sum: "gauge (OpenTelemetry: up-down counter)",
		metrics.Gauge: "gauge", metrics.Histogram: "histogram",
	}
	var want []string
	for _, m := range metrics.All {
		var labels []string
		for _, l := range m.Labels {
			labels = append(labels, "`"+strings.TrimPrefix(l, "highway.")+"`")
		}
		want = append(want, fmt.Sprintf("| `%s`<br>`%s` | %s | `%s` | %s | %s |",
			m.Prometheus, m.Name, kinds[m.Kind], m.Unit, strings.Join(labels, ", "), m.Help))
	}
	var got []string
	for line := range strings.Lines(string(docs)) {
		if strings.HasPrefix(line, "| `highway_") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the table in docs/telemetry.md should be\n%s", strings.Join(want, "\n"))
	}
	for _, bound := range metrics.Buckets {
		if !strings.Contains(string(docs), fmt.Sprintf("%v, ", bound)) && !strings.Contains(string(docs), fmt.Sprintf("%v seconds", bound)) {
			t.Errorf("docs/telemetry.md does not have the bucket %v", bound)
		}
	}
}
