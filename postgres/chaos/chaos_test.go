package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if !actsAsInstance() {
		os.Exit(m.Run())
	}
}

// TestAShareOfTheFaults is a short run, with the same faults in the same order each time.
func TestAShareOfTheFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	share := [][]string{
		{"stop an instance", "kill the server"},
		{"kill an instance", "lose answers"},
		{"people", "clock back"},
		{"Python programs", "cut"},
	}
	result, err := play(t.Context(), options{instances: 6, seed: 1, rounds: share, logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	result.print(&table)
	t.Log(table.String())
	if !result.kept() {
		t.Error("a promise is broken")
	}
	for _, f := range result.faults {
		if !slices.ContainsFunc(share, func(round []string) bool { return slices.Contains(round, f.name) }) {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			if f.why != "" {
				t.Skip(f.why)
			}
			if f.times != 1 {
				t.Errorf("it was made %d times", f.times)
			}
		})
	}
	t.Run("PgBouncer", func(t *testing.T) {
		if result.pooled == 0 {
			t.Skip("it is not installed")
		}
	})
}
