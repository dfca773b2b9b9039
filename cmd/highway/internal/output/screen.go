package output

import (
	"io"
	"os"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"github.com/highway-engine/highway/fleet"
)

// A Screen is where people read.
type Screen struct {
	Out     io.Writer
	Width   int  // in columns; zero is no limit
	Colours bool // whether it takes them
}

// NewScreen is the screen that out leads to. One that is no terminal has no limit and no
// colours.
func NewScreen(out io.Writer) Screen {
	s := Screen{Out: out}
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return s
	}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil {
		s.Width = width
	}
	s.Colours = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return s
}

// A Paint is a colour that means something. What it says, a word says too.
type Paint uint8

// The paints.
const (
	Plain Paint = iota
	Faint
	Good
	Bad
	Wary
)

// The terminal's own colours suit its background.
var styles = [...]lipgloss.Style{
	Plain: lipgloss.NewStyle(),
	Faint: lipgloss.NewStyle().Faint(true),
	Good:  lipgloss.NewStyle().Foreground(lipgloss.Green),
	Bad:   lipgloss.NewStyle().Foreground(lipgloss.Red),
	Wary:  lipgloss.NewStyle().Foreground(lipgloss.Yellow),
}

// Paint is text in a colour, where there are colours.
func (s Screen) Paint(p Paint, text string) string {
	if !s.Colours || p == Plain || text == "" {
		return text
	}
	return styles[p].Render(text)
}

// PaintOf is the colour of a state.
func PaintOf(state fleet.State) Paint {
	switch state {
	case fleet.Open:
		return Bad
	case fleet.HalfOpen:
		return Wary
	}
	return Good
}
