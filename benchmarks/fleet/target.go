package main

import (
	"fmt"
	"strings"

	"github.com/highway-engine/highway/benchmarks/internal/markdown"
)

// A target is a figure that Highway has set itself, and what has come of it.
type target struct {
	what, required, measured string
	met                      bool
}

func (t target) verdict() string {
	if t.met {
		return "met"
	}
	return "**missed**"
}

func targetTable(all []target) *markdown.Table {
	t := &markdown.Table{
		Head: []string{"target", "required", "measured", "verdict"},
		Text: map[int]bool{1: true, 3: true},
	}
	for _, x := range all {
		t.Add(x.what, x.required, x.measured, x.verdict())
	}
	return t
}

// tally says how many targets are met, and names the others.
func tally(all []target) string {
	var others strings.Builder
	good := 0
	for _, t := range all {
		if t.met {
			good++
			continue
		}
		fmt.Fprintf(&others, "- missed: %s (%s)\n", t.what, t.required)
	}
	if good == len(all) {
		return fmt.Sprintf("All %d are met.\n", good)
	}
	return fmt.Sprintf("%d of %d are met; the others:\n\n%s", good, len(all), others.String())
}
