// Package markdown writes the tables of the project's reports.
package markdown

import (
	"strings"
	"unicode/utf8"
)

// A Table is Markdown that also reads well in a terminal. The first column is text,
// the others are figures unless Text says otherwise.
type Table struct {
	Head []string
	Text map[int]bool
	rows [][]string
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *Table) String() string {
	width := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	write := func(row []string) {
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 || t.Text[i] {
				b.WriteString("| " + cell + pad + " ")
			} else {
				b.WriteString("| " + pad + cell + " ")
			}
		}
		b.WriteString("|\n")
	}
	write(t.Head)
	for i, w := range width {
		if i == 0 || t.Text[i] {
			b.WriteString("|" + strings.Repeat("-", w+2))
		} else {
			b.WriteString("|" + strings.Repeat("-", w+1) + ":")
		}
	}
	b.WriteString("|\n")
	for _, row := range t.rows {
		write(row)
	}
	return b.String()
}
