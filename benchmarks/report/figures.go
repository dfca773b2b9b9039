package main

import (
	"fmt"
	"strings"
)

// figures is the part of the README that is made from measurements.
func figures(ps processes) string {
	var b strings.Builder
	first := ps[0]
	fmt.Fprintf(&b, "Measured on %s with %s on %s/%s, %s, GOMAXPROCS %s, %s. Times are medians; "+
		"ratios are taken within each process and shown as median (lowest–highest).\n\n",
		first.config["date"], first.config["go"], first.config["goos"], first.config["goarch"],
		first.config["cpu"], first.procs, plural(len(ps), "process", "processes"))
	if peers := first.config["peers"]; peers != "" {
		fmt.Fprintf(&b, "Peers: %s.\n\n", peers)
	}

	fmt.Fprintf(&b, "### Targets\n\n%s\n", tally(ps))
	fmt.Fprintf(&b, "%s\n", targetTable(ps))
	for _, s := range scenarios {
		if len(ps.subjects(s.name)) == 0 {
			continue
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n\n%s\n", s.name, s.says, s.table(ps))
	}
	if len(ps.subjects("Memory")) > 0 {
		fmt.Fprintf(&b, "### Memory\n\nHeap bytes per breaker: freshly made, after two windows of calls, and open.\n\n%s",
			memoryTable(ps))
	}
	if len(ps.subjects("Fleet")) > 0 {
		fmt.Fprintf(&b, "\n### Fleet\n\nFrom a command to one protector until another of its fleet refuses a call; "+
			"and 100,000 protectors on one storage, at rest.\n\n%s", fleetTable(ps))
	}
	return b.String()
}

// complete says whether there is a figure for every target.
func complete(ps processes) bool {
	for _, t := range targets() {
		if _, verdict := t.verdict(ps); verdict == notMeasured {
			return false
		}
	}
	return true
}

// tally says how many targets are met, and names the others.
func tally(ps processes) string {
	all, good := targets(), 0
	var others []string
	for _, t := range all {
		if _, verdict := t.verdict(ps); verdict == met {
			good++
		} else {
			others = append(others, fmt.Sprintf("- %s: %s (%s)\n", verdict, t.what, t.required))
		}
	}
	if good == len(all) {
		return fmt.Sprintf("All %d are met.\n", good)
	}
	return fmt.Sprintf("%d of %d are met; the others:\n\n%s", good, len(all), strings.Join(others, ""))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
