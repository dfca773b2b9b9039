package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/highway-engine/highway/benchmarks/internal/markdown"
)

// A scenario is one table of calls.
type scenario struct {
	name, says string
	peer       string // that the others are compared with
	bare       string // what the others are put around; empty: nothing
}

var scenarios = []scenario{
	{"Empty", "A call without protection.", "", ""},
	{"Healthy", "Every call succeeds, the breaker is closed and its window full.", "gobreaker", ""},
	{"Tenth", "One call in ten fails, the breaker stays closed.", "failsafe-permit", ""},
	{"Refused", "The breaker is open and refuses every call.", "gobreaker", ""},
	{"Net", "Retry around a breaker, every call succeeds.", "failsafe", ""},
	{"Shared", "A protector of a fleet beside one that is alone.", "", ""},
	{"HTTP", "A GET through a transport whose base answers from memory, read to the end.", "failsafe", "bare"},
	{"HTTPLoopback", "The same with a server in this process, on a real connection. The server's " +
		"part, and the noise of goroutines that wake each other, are in all figures.", "failsafe", "bare"},
}

// subjects lists what was measured in a scenario, Highway first.
func (ps processes) subjects(scenario string) []string {
	var names []string
	for _, l := range ps[0].lines {
		if l.scenario == scenario && !slices.Contains(names, l.subject) {
			names = append(names, l.subject)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return foreign(a) - foreign(b) })
	return names
}

func foreign(subject string) int {
	if strings.HasPrefix(subject, "highway") {
		return 0
	}
	return 1
}

// table gives the scenario's times, allocations and ratios.
func (s scenario) table(ps processes) *markdown.Table {
	t := &markdown.Table{Head: []string{"subject", "serial ns", "parallel ns", "scaling", "allocs/op", "B/op"}}
	if empty, ok := ps.scaling("Empty", "call"); ok {
		t.Head[3] = fmt.Sprintf("scaling (empty call %s)", factor(empty.median))
	}
	if s.bare != "" {
		t.Head = append(t.Head, "added to "+s.bare+", serial ns", "parallel ns", "allocs/op")
	}
	if s.peer != "" {
		t.Head = append(t.Head, s.peer+" ÷ this, serial", "parallel")
	}
	for _, subject := range ps.subjects(s.name) {
		serial, parallel := line{s.name, subject, "serial"}, line{s.name, subject, "parallel"}
		row := []string{
			subject,
			cell(ns)(ps.figure(serial, nsPerOp)),
			cell(ns)(ps.figure(parallel, nsPerOp)),
			cell(factor)(ps.scaling(s.name, subject)),
			cell(allocs)(ps.figure(serial, allocsPerOp)),
			cell(ns)(ps.figure(serial, bytesPerOp)),
		}
		if s.bare != "" {
			for _, mode := range []string{"serial", "parallel"} {
				row = append(row, cell(whole)(ps.added(s.name, subject, s.bare, mode, nsPerOp)))
			}
			row = append(row, cell(allocs)(ps.added(s.name, subject, s.bare, "serial", allocsPerOp)))
		}
		if s.peer != "" {
			for _, mode := range []string{"serial", "parallel"} {
				r, ok := ps.ratio(line{s.name, s.peer, mode}, line{s.name, subject, mode}, nsPerOp)
				row = append(row, orDash(ranged(r), ok))
			}
		}
		t.Add(row...)
	}
	return t
}

// memoryTable gives heap bytes per breaker. They are compared with failsafe-go's,
// the only peer here that keeps a window of calls.
func memoryTable(ps processes) *markdown.Table {
	t := &markdown.Table{Head: []string{
		"library", "window", "breakers", "fresh B", "used B", "open B", "goroutines added", "failsafe ÷ this, used",
	}}
	for _, subject := range ps.subjects("Memory") {
		library, window, breakers := parts(subject)
		used := line{"Memory", subject, "used"}
		row := []string{library, window, breakers}
		added, counted := 0.0, false
		for _, state := range []string{"fresh", "used", "open"} {
			row = append(row, cell(whole)(ps.figure(line{"Memory", subject, state}, bytesPerBreaker)))
			if g, ok := ps.figure(line{"Memory", subject, state}, goroutines); ok {
				added, counted = max(added, g.max), true
			}
		}
		peer := strings.Replace(subject, library, "failsafe", 1)
		r, ok := ps.ratio(line{"Memory", peer, "used"}, used, bytesPerBreaker)
		t.Add(append(row, orDash(whole(added), counted), orDash(factor(r.median), ok))...)
	}
	return t
}

// fleetTable gives what a fleet in one process takes.
func fleetTable(ps processes) *markdown.Table {
	t := &markdown.Table{Head: []string{"subject", "µs", "B each", "goroutines", "requests/s"}}
	for _, subject := range ps.subjects("Fleet") {
		once := line{"Fleet", subject, "once"}
		row := []string{subject}
		if s, ok := ps.figure(once, nsPerOp); ok && subject == adoption {
			row = append(row, whole(s.median/1000))
		} else {
			row = append(row, "–")
		}
		row = append(row, cell(whole)(ps.figure(once, bytesPerBreaker)), cell(whole)(ps.figure(once, goroutines)),
			cell(factorless)(ps.figure(once, "requests/s")))
		t.Add(row...)
	}
	return t
}

func factorless(v float64) string { return fmt.Sprintf("%.1f", v) }

// adoption is the subject of the time that a fleet takes to follow.
const adoption = "adoption"

// parts takes "library/window=10/breakers=1000" to pieces.
func parts(subject string) (library, window, breakers string) {
	library, window = subject, "counts only"
	for i, part := range strings.Split(subject, "/") {
		if i == 0 {
			library = part
		} else if w, ok := strings.CutPrefix(part, "window="); ok {
			window = w
		} else if n, ok := strings.CutPrefix(part, "breakers="); ok {
			breakers = n
		}
	}
	return library, window, breakers
}

// targetTable sets the targets beside what was measured.
func targetTable(ps processes) *markdown.Table {
	t := &markdown.Table{
		Head: []string{"target", "required", "measured", "verdict"},
		Text: map[int]bool{1: true, 3: true},
	}
	for _, target := range targets() {
		measured, verdict := target.verdict(ps)
		t.Add(target.what, target.required, measured, verdict)
	}
	return t
}

func cell(format func(float64) string) func(spread, bool) string {
	return func(s spread, ok bool) string { return orDash(format(s.median), ok) }
}

func whole(v float64) string { return fmt.Sprintf("%.0f", v) }

func orDash(s string, ok bool) string {
	if !ok {
		return "–"
	}
	return s
}
