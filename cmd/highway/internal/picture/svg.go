package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// The size of a character cell, and the room around them all, in pixels.
const (
	cellWidth, cellHeight = 8.4, 18
	margin                = 16
)

// looks are the styles that a frame uses, by their escape sequence. They suit a dark
// window.
var looks = map[string]string{
	"\x1b[m":   "",
	"\x1b[1m":  `font-weight="bold" fill="#ffffff"`,
	"\x1b[2m":  `fill="#8b949e"`,
	"\x1b[31m": `fill="#f85149"`,
	"\x1b[32m": `fill="#3fb950"`,
	"\x1b[33m": `fill="#d29922"`,
	"\x1b[35m": `fill="#bc8cff"`,
}

// draw writes a frame of the live view as an SVG. Every stretch of text is told its
// length, so that columns align in whatever font the reader has.
func draw(w io.Writer, frame string, columns int) error {
	lines := strings.Split(strings.TrimRight(frame, "\n"), "\n")
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3">`+"\n",
		2*margin+float64(columns)*cellWidth, 2*margin+len(lines)*cellHeight)
	b.WriteString(`<rect width="100%" height="100%" rx="8" fill="#0d1117"/>` + "\n")
	for row, line := range lines {
		if err := drawLine(&b, line, margin+row*cellHeight); err != nil {
			return err
		}
	}
	b.WriteString("</svg>\n")
	_, err := b.WriteTo(w)
	return err
}

func drawLine(b *bytes.Buffer, line string, top int) error {
	column, look := 0, ""
	text := ""
	flush := func() {
		if trimmed := strings.TrimLeft(text, " "); trimmed != "" {
			width := ansi.StringWidth(trimmed)
			x := margin + float64(column-width)*cellWidth
			fmt.Fprintf(b, `<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs" xml:space="preserve" %s>`,
				x, top+13, float64(width)*cellWidth, look)
			_ = xml.EscapeText(b, []byte(trimmed)) // a buffer takes everything
			b.WriteString("</text>\n")
		}
		text = ""
	}
	for len(line) > 0 {
		sequence, width, n, _ := ansi.DecodeSequence(line, 0, nil)
		line = line[n:]
		if width > 0 {
			text += sequence
			column += width
			continue
		}
		flush()
		known := false
		if look, known = looks[sequence]; !known {
			return fmt.Errorf("no look for %q", sequence)
		}
	}
	flush()
	return nil
}
