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

// bar is a line of the given width, the first percent of it filled.
func bar(percent, width int) string {
	n := percent * width / 100
	return strong.on(strings.Repeat("━", n)) + faint.on(strings.Repeat("─", width-n))
}

// gauge is a bar in a given width, as long as part is of whole, to an eighth of a column.
// What is more than nothing shows.
func gauge(part, whole int64, width int, p paint) string {
	eighths := 0
	if whole > 0 {
		eighths = int(min(part, whole) * int64(8*width) / whole)
	}
	if part > 0 && width > 0 {
		eighths = max(eighths, 1)
	}
	var s strip
	for range width {
		n := min(eighths, 8)
		s.add([]rune(" ▏▎▍▌▋▊▉█")[n], p)
		eighths -= n
	}
	return s.String()
}
