// Package output is what the commands that operate a fleet print: for people in a
// terminal, and as JSON for programs.
package output

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Safe is text from elsewhere, such as a key, as a terminal may get it: in quotes, as Go
// writes them, if it could be taken for something else or move the cursor.
func Safe(text string) string {
	if text == "" || text[0] == '"' || text != strings.TrimSpace(text) || !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) {
		return strconv.Quote(text)
	}
	return text
}

// SafeLines is a message of several lines, in which what a terminal may not get is escaped.
func SafeLines(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		if r != '\n' && r != '\t' && hidden(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// hidden says that r does not show as itself.
func hidden(r rune) bool { return !strconv.IsPrint(r) }

// JSON writes v on one line. Nothing in it but its end is a control character, or one that
// does not show.
func JSON(out io.Writer, v any) error {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	var line strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		switch {
		case !hidden(r):
			line.WriteRune(r)
		case r > 0xFFFF: // in two halves, as JSON has it
			r -= 0x10000
			fmt.Fprintf(&line, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		default:
			fmt.Fprintf(&line, `\u%04x`, r)
		}
	}
	_, err := fmt.Fprintln(out, line.String())
	return err
}
