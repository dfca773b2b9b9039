package demo

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

const (
	maxWidth   = 120 // beyond which the view gains nothing
	maxRows    = 12  // instances shown
	otherLines = 14  // lines that are not of instances, if only one of them parts blocks
	nameWidth  = 17
	mostGaps   = 3 // empty lines between the blocks, if there is room
)

// view draws a frame for a window of the given size; no line is wider than it. The last
// line is empty, because it is cleared when the program ends. Blocks are parted by as
// many empty lines as there is room for, the last ones first.
func view(f frame, width, height int) string {
	shown := min(len(f.rows), maxRows, max(1, (height-otherLines)/2))
	if shown < len(f.rows) { // makes room for the line that says so
		shown = min(shown, max(1, (height-otherLines-1)/2))
	}
	canvas := min(width, maxWidth)
	blocks := [mostGaps + 1][]string{
		{" " + strong.on("highway demo") + faint.on(" · "+f.config.headline())},
		f.table(shown),
		f.timelines(shown, canvas-nameWidth-2),
		append(f.waste(canvas), f.footer(canvas), ""),
	}
	gaps := height
	for _, block := range blocks {
		gaps -= len(block)
	}
	var lines []string
	for i, block := range blocks {
		if i > 0 && len(blocks)-i <= gaps {
			lines = append(lines, "")
		}
		lines = append(lines, block...)
	}
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, width, "")
	}
	return strings.Join(lines, "\n")
}

// table is the figures of the instances and the totals.
func (f frame) table(shown int) []string {
	lines := []string{faint.on(fmt.Sprintf(" %-*s%-12s%-10s%8s%8s%8s%8s%8s",
		nameWidth, "INSTANCE", "STATE", "WINDOW", "CALLS", "FAILED", "REFUSED", "RETRIES", "WASTED"))}
	for _, row := range f.rows[:shown] {
		lines = append(lines, fmt.Sprintf(" %s%s%s%s", f.label(row),
			paintOf(row.state).on(fmt.Sprintf("● %-10s", row.state)), sparkline(row.window), row.protected.columns()))
	}
	if more := len(f.rows) - shown; more > 0 {
		lines = append(lines, faint.on(fmt.Sprintf(" … and %s more", grouped(int64(more)))))
	}
	total := func(name string, c counts) string {
		return strong.on(fmt.Sprintf(" %-*s", nameWidth+22, name)) + c.columns()
	}
	return append(lines, total("as one fleet", f.protected), total("each on its own", f.unshared),
		total("without breakers", f.unprotected))
}

// label names a row, and says if the instance is one of the sick: in colour while its
// network is bad.
func (f frame) label(r row) string {
	if !r.sick {
		return fmt.Sprintf("%-*s", nameWidth, r.name)
	}
	ink := faint
	if f.scenario.sickAt(f.elapsed) {
		ink = bad
	}
	return r.name + " " + ink.on(fmt.Sprintf("%-*s", max(0, nameWidth-1-len(r.name)), "sick"))
}

// columns are the figures of a line of the table.
func (c counts) columns() string {
	return fmt.Sprintf("%8s%8s%8s%8s%8s", grouped(c.calls()), grouped(c.failed), grouped(c.refused),
		grouped(c.retries), grouped(c.wasted))
}

// sparkline draws the outcomes in a window, at most ten.
func sparkline(window []bool) string {
	var s strip
	for i := range 10 {
		switch {
		case i >= len(window):
			s.add(' ', normal)
		case window[i]:
			s.add('·', good)
		default:
			s.add('×', bad)
		}
	}
	return s.String()
}

// timelines shows the server over time and, beneath it, the instances.
func (f frame) timelines(shown, columns int) []string {
	t := timeline{duration: f.config.Duration, columns: max(columns, 1)}
	line := func(name, cells string) string { return fmt.Sprintf(" %-*s%s", nameWidth, name, cells) }
	lines := []string{
		line("", t.cursor(f.scenario, f.elapsed)),
		line("server", t.phases(f.scenario, f.elapsed)),
	}
	for _, row := range f.rows[:shown] {
		lines = append(lines, " "+f.label(row)+t.track(row.history, f.elapsed))
	}
	return append(lines, line("", good.on("━")+faint.on(" CLOSED  ")+bad.on("█")+faint.on(" OPEN  ")+
		wary.on("▒")+faint.on(" HALF_OPEN   ")+good.on("·")+faint.on(" success  ")+bad.on("×")+faint.on(" failure")))
}

// waste compares the requests sent to a dead server. A full bar is about what all
// calls of the outage, retried to the last, would come to.
func (f frame) waste(width int) []string {
	calls := int64(f.config.Instances) * int64(f.config.Outage/f.config.interval())
	whole := max(calls*int64(1+retry.MaxRetries), f.unprotected.wasted, f.unshared.wasted, f.protected.wasted)
	line := func(name string, n int64, p paint) string {
		return fmt.Sprintf(" %-24s%s%8s", name, gauge(n, whole, max(0, width-24-10), p), grouped(n))
	}
	return []string{
		line("wasted as one fleet", f.protected.wasted, good),
		line("wasted each on its own", f.unshared.wasted, wary),
		line("wasted without breakers", f.unprotected.wasted, bad),
	}
}

// footer is how far the run has come.
func (f frame) footer(width int) string {
	percent, left := f.progress()
	word := fmt.Sprintf("%3d %% · %s left · ctrl+c ends it", percent, seconds(left))
	switch {
	case f.interrupted:
		word = fmt.Sprintf("%3d %% · interrupted", percent)
	case f.ended:
		word = fmt.Sprintf("%3d %% · done", percent)
	}
	const room = 36
	return " " + bar(percent, max(0, width-room-3)) + " " + word
}
