package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A table is Markdown that also reads well in a terminal. The first column is text,
// the others are figures unless text says otherwise.
type table struct {
	head []string
	text map[int]bool
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	write := func(row []string) {
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 || t.text[i] {
				b.WriteString("| " + cell + pad + " ")
			} else {
				b.WriteString("| " + pad + cell + " ")
			}
		}
		b.WriteString("|\n")
	}
	write(t.head)
	for i, w := range width {
		if i == 0 || t.text[i] {
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

// ns gives a time with three digits that count.
func ns(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// allocs gives allocations per call: whole ones as such, others with two decimals.
func allocs(v float64) string {
	if math.Abs(v-math.Round(v)) < background {
		return strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// ranged gives a ratio and, when there were several processes, its range.
func ranged(s spread) string {
	if s.min == s.max {
		return factor(s.median)
	}
	return fmt.Sprintf("%s (%s–%s)", factor(s.median), bare(s.min), bare(s.max))
}

func factor(v float64) string { return bare(v) + "×" }

func bare(v float64) string {
	if v >= 10 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
