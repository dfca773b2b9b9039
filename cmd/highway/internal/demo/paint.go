package demo

import (
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/highway-engine/highway"
)

// A paint is a colour that means something. They are the terminal's own, so that they
// suit its background; everything painted is also told by a word or a shape.
type paint uint8

const (
	normal paint = iota
	strong
	faint
	good
	bad
	wary
	sluggish
)

var styles = [...]lipgloss.Style{
	normal:   lipgloss.NewStyle(),
	strong:   lipgloss.NewStyle().Bold(true),
	faint:    lipgloss.NewStyle().Faint(true),
	good:     lipgloss.NewStyle().Foreground(lipgloss.Green),
	bad:      lipgloss.NewStyle().Foreground(lipgloss.Red),
	wary:     lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	sluggish: lipgloss.NewStyle().Foreground(lipgloss.Magenta),
}

func (p paint) on(text string) string { return styles[p].Render(text) }

// paintOf is the colour of a state.
func paintOf(s highway.CircuitState) paint {
	switch s {
	case highway.Open:
		return bad
	case highway.HalfOpen:
		return wary
	}
	return good
}

// A strip is a line made of cells of one column each.
type strip struct {
	runes  []rune
	paints []paint
}

func (s *strip) add(r rune, p paint) {
	s.runes = append(s.runes, r)
	s.paints = append(s.paints, p)
}

// String paints neighbours of the same colour together.
func (s *strip) String() string {
	var b strings.Builder
	for from := 0; from < len(s.runes); {
		to := from + 1
		for to < len(s.runes) && s.paints[to] == s.paints[from] {
			to++
		}
		b.WriteString(s.paints[from].on(string(s.runes[from:to])))
		from = to
	}
	return b.String()
}

// bar is a bar of the given width, filled in proportion to part of whole. What is
// more than nothing shows.
func bar(part, whole int64, width int, filled, rest rune, p paint) string {
	n := 0
	if whole > 0 {
		n = int(min(part, whole) * int64(width) / whole)
	}
	if part > 0 {
		n = max(n, 1)
	}
	var s strip
	for i := range width {
		if i < n {
			s.add(filled, p)
		} else {
			s.add(rest, faint)
		}
	}
	return s.String()
}
