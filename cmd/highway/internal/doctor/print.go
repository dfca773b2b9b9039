package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// JSON writes the report as one object.
func (r Report) JSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	object := struct {
		Status   Status    `json:"status"`
		Cause    *string   `json:"cause"`
		Faults   int       `json:"faults"`
		Warnings int       `json:"warnings"`
		Checks   []Finding `json:"checks"`
	}{r.Status, nil, r.Faults, r.Warnings, r.Checks}
	if r.Cause != "" {
		object.Cause = &r.Cause
	}
	return encoder.Encode(object)
}

// A Paper is what a report is printed on.
type Paper struct {
	Colours bool
	Width   int // of a line; zero is without end
}

// NewPaper is that of a stream: with colours and an end of the line on a terminal only.
func NewPaper(out io.Writer) Paper {
	file, is := out.(*os.File)
	if !is || !term.IsTerminal(int(file.Fd())) {
		return Paper{}
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		width = 0
	}
	return Paper{Colours: coloured(os.Getenv), Width: width}
}

// coloured says whether a terminal is to have colours: see no-color.org.
func coloured(variable func(string) string) bool {
	return variable("NO_COLOR") == "" && variable("TERM") != "dumb"
}

// paint are the colours of the terminal, so that they suit its background. What they say,
// the words say too.
var paint = map[Status]string{OK: "32", Warning: "33", Fault: "31", Skipped: "2"}

// indent is where the text of a finding begins.
const indent = len("skipped  notifications  ")

// Print writes the report for people.
func (r Report) Print(out io.Writer, p Paper) error {
	var b strings.Builder
	for _, f := range together(r.Checks) {
		word := fmt.Sprintf("%-7s", f.Status)
		if p.Colours {
			word = "\x1b[" + paint[f.Status] + "m" + word + "\x1b[0m"
		}
		fmt.Fprintf(&b, "%s  %-13s  %s\n", word, f.Check, p.fold(f.Saw))
		if f.Advice != "" {
			fmt.Fprintf(&b, "%*s%s\n", indent, "", p.fold("-> "+f.Advice))
		}
		for _, note := range f.Notes {
			fmt.Fprintf(&b, "%*s%s\n", indent, "", p.fold("(note) "+note))
		}
	}
	b.WriteString("\n" + p.wrap(r.verdict(), 0) + "\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// together makes one line, at the end, of the checks that were skipped for the same reason.
func together(all []Finding) (lines []Finding) {
	var reasons []string
	skipped := map[string][]string{}
	for _, f := range all {
		if f.Status == Skipped && len(f.Notes) == 0 {
			if skipped[f.Saw] == nil {
				reasons = append(reasons, f.Saw)
			}
			skipped[f.Saw] = append(skipped[f.Saw], f.Check)
		}
	}
	for _, f := range all {
		if len(skipped[f.Saw]) < 2 || f.Status != Skipped {
			lines = append(lines, f)
		}
	}
	for _, reason := range reasons {
		if names := skipped[reason]; len(names) > 1 {
			lines = append(lines, Finding{Status: Skipped, Check: plural(len(names), "check"), Saw: reason + ": " + strings.Join(names, ", ")})
		}
	}
	return lines
}

// fold keeps text within the lines after the indent.
func (p Paper) fold(text string) string { return p.wrap(text, indent) }

func (p Paper) wrap(text string, indent int) string {
	text = strings.Map(func(r rune) rune { // names come from elsewhere, and a terminal obeys
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
	const least = 20
	if p.Width < indent+least {
		return text
	}
	return strings.ReplaceAll(ansi.Wordwrap(text, p.Width-indent-1, " "), "\n", "\n"+strings.Repeat(" ", indent))
}

// verdict is the end of it.
func (r Report) verdict() string {
	var counts []string
	if r.Faults > 0 {
		counts = append(counts, plural(r.Faults, "fault"))
	}
	if r.Warnings > 0 {
		counts = append(counts, plural(r.Warnings, "warning"))
	}
	switch {
	case len(counts) == 0:
		return "All is well. Nothing was changed."
	case r.Cause == "" && r.nobody != "":
		return strings.Join(counts, ", ") + ", and no fault found; " + r.nobody + ". Nothing was changed."
	case r.Cause == "":
		return strings.Join(counts, ", ") + ", and no fault: a fleet works here. Nothing was changed."
	}
	return strings.Join(counts, ", ") + ". Begin with " + r.Cause + ": what follows may come from that. Nothing was changed."
}
