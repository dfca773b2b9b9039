package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/highway-engine/highway"
)

// A timeline is the whole run from left to right, in a number of columns.
type timeline struct {
	duration time.Duration
	columns  int
}

// column is the column that an instant is in.
func (t timeline) column(at time.Duration) int {
	return int(min(max(at, 0), t.duration-1) * time.Duration(t.columns) / t.duration)
}

// begin is the first instant of a column.
func (t timeline) begin(column int) time.Duration {
	return (t.duration*time.Duration(column) + time.Duration(t.columns) - 1) / time.Duration(t.columns)
}

// phases draws the scenario with the name of each phase in it. What is still to come
// is faint.
func (t timeline) phases(s scenario, now time.Duration) string {
	var line strip
	for _, span := range s {
		from, to := t.column(span.from), t.column(span.to)
		if span.to == t.duration {
			to = t.columns
		}
		ink, fill := good, '─'
		switch span.phase {
		case failing:
			ink, fill = bad, '×'
		case slow:
			ink, fill = sluggish, '~'
		}
		for i, r := range centered(" "+span.phase.String()+" ", to-from, fill) {
			if from+i > t.column(now) {
				line.add(r, faint)
			} else {
				line.add(r, ink)
			}
		}
	}
	return line.String()
}

// centered puts text in the middle of width columns of fill, or as much as fits.
func centered(text string, width int, fill rune) []rune {
	label := []rune(text)
	if len(label) > width {
		label = []rune(strings.TrimSpace(text))
	}
	label = label[:min(len(label), width)]
	cells := []rune(strings.Repeat(string(fill), width))
	copy(cells[(width-len(label))/2:], label)
	return cells
}

// cursor points at now, and says what the server is doing.
func (t timeline) cursor(s scenario, now time.Duration) string {
	column := t.column(now)
	label := fmt.Sprintf("%s %s", seconds(min(now, t.duration)), s.phaseAt(now))
	if column+2+len(label) <= t.columns {
		return strings.Repeat(" ", column) + strong.on("▼ "+label)
	}
	return strings.Repeat(" ", max(0, column-1-len(label))) + strong.on(label+" ▼")
}

// track draws the states of an instance up to now.
func (t timeline) track(history []change, now time.Duration) string {
	now = min(now, t.duration)
	spent := make([][3]time.Duration, t.columns)
	state, from := highway.Closed, time.Duration(0)
	spend := func(to time.Duration) {
		for to = min(to, now); from < to; {
			column := t.column(from)
			next := min(to, max(t.begin(column+1), from+1))
			spent[column][state] += next - from
			from = next
		}
	}
	for _, c := range history {
		spend(c.at)
		state = c.to
	}
	spend(now)

	var line strip
	for _, times := range spent {
		shape, ink := cell(times)
		line.add(shape, ink)
	}
	return line.String()
}

// cell is how the time spent in each state during one column looks. It shows the
// state that lasted longest; but probing, which is brief, is shown if it was there for
// an eighth of the time.
func cell(times [3]time.Duration) (rune, paint) {
	closed, open, probing := times[highway.Closed], times[highway.Open], times[highway.HalfOpen]
	switch total := closed + open + probing; {
	case total == 0:
		return ' ', normal
	case probing*8 >= total:
		return '▒', wary
	case open > closed:
		return '█', bad
	}
	return '━', good
}
