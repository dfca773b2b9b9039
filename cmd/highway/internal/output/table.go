package output

import (
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// A Column is one of a table.
type Column struct {
	Name  string
	Right bool // numbers are
	// Leave says in which order columns leave a screen that is too narrow for all: the
	// highest first, zero never.
	Leave int
	// Least is how narrow the column gets, its texts cut, before others leave: zero is not
	// at all.
	Least int
}

// A Cell is one of a table. Its text is safe to show.
type Cell struct {
	Text  string
	Paint Paint
}

// A Table is aligned, and as wide as the screen at most.
type Table struct {
	Columns []Column
	Rows    [][]Cell
}

const gap = 2

// Write writes the table with its head.
func (t Table) Write(s Screen) error {
	widths := t.fit(s.Width)
	var b strings.Builder
	head := make([]Cell, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = Cell{c.Name, Faint}
	}
	t.line(&b, s, widths, head)
	for _, row := range t.Rows {
		t.line(&b, s, widths, row)
	}
	_, err := io.WriteString(s.Out, b.String())
	return err
}

// fit gives each column its width; zero to one that has left.
func (t Table) fit(limit int) []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = ansi.StringWidth(c.Name)
		empty := true
		for _, row := range t.Rows {
			widths[i] = max(widths[i], ansi.StringWidth(row[i].Text))
			empty = empty && row[i].Text == ""
		}
		if empty && c.Leave > 0 {
			widths[i] = 0
		}
	}
	if limit <= 0 {
		return widths
	}
	shrink := func() {
		for i := len(widths) - 1; i >= 0; i-- {
			if over := total(widths) - limit; over > 0 && t.Columns[i].Least > 0 && widths[i] > 0 {
				widths[i] = min(widths[i], max(t.Columns[i].Least, widths[i]-over))
			}
		}
	}
	natural := slices.Clone(widths)
	for shrink(); total(widths) > limit; shrink() {
		last := -1
		for i, c := range t.Columns {
			if widths[i] > 0 && c.Leave > 0 && (last < 0 || c.Leave > t.Columns[last].Leave) {
				last = i
			}
		}
		if last < 0 {
			break // a line is cut where the screen ends
		}
		natural[last] = 0
		copy(widths, natural)
	}
	return widths
}

func total(widths []int) (sum int) {
	for _, w := range widths {
		if w > 0 {
			sum += w + gap
		}
	}
	return max(0, sum-gap)
}

func (t Table) line(b *strings.Builder, s Screen, widths []int, row []Cell) {
	var line, spaces strings.Builder
	left := s.Width
	for i, cell := range row {
		if widths[i] == 0 {
			continue
		}
		text := ansi.Truncate(cell.Text, widths[i], "…")
		padding := strings.Repeat(" ", widths[i]-ansi.StringWidth(text))
		if t.Columns[i].Right {
			spaces.WriteString(padding)
			padding = ""
		}
		if text != "" { // spaces at the end of a line are nothing to see
			if s.Width > 0 {
				left -= spaces.Len()
				text = ansi.Truncate(text, max(0, left), "…")
				left -= ansi.StringWidth(text)
			}
			line.WriteString(spaces.String() + s.Paint(cell.Paint, text))
			spaces.Reset()
		}
		spaces.WriteString(padding + strings.Repeat(" ", gap))
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}
