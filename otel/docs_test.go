package highwayotel_test

import (
	"context"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
	highwayotel "github.com/highway-engine/highway/otel"
)

// TestTheDocsHaveTheEvents: each event with all its attributes is in docs/telemetry.md, and
// no other.
func TestTheDocsHaveTheEvents(t *testing.T) {
	docs, err := os.ReadFile("../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(highway\\.[a-z_]+)` \\|.*$").FindAllStringSubmatch(string(docs), -1) {
		documented[row[1]] = row[0]
	}
	payments := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(1, 1), OnStatusChange: highwayotel.OnStatusChange, OnRefusal: highwayotel.OnRefusal,
	}))
	retry := highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{}, OnAttempt: highwayotel.OnAttempt}
	seen := map[string]bool{}
	for _, event := range traced(func(ctx context.Context) {
		play(ctx, highway.Must(highway.NewSafetyNet(retry, payments)), "x")
	}) {
		name, attributes, _ := strings.Cut(event, ": ")
		seen[name] = true
		for _, m := range regexp.MustCompile(`([a-z_.]+)=`).FindAllStringSubmatch(attributes, -1) {
			if !strings.Contains(documented[name], "`"+m[1]+"`") {
				t.Errorf("docs/telemetry.md has no %s of %s", m[1], name)
			}
		}
	}
	if len(seen) != 3 || len(documented) != len(seen) {
		t.Errorf("there are the events %v, and documented %v", seen, documented)
	}
}

// TestOnlyTheInterfacesAreImported: which SDK there is, is for the program to say.
func TestOnlyTheInterfacesAreImported(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			if strings.Contains(i.Path.Value, "otel/sdk") || strings.Contains(i.Path.Value, "exporters") {
				t.Errorf("%s imports %s", path, i.Path.Value)
			}
		}
	}
}
