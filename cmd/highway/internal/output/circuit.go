package output

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/names"
)

// Nothing says what it is that a list without circuits has not found, and where.
func Nothing(q fleet.Query, namespace string) string {
	var not []string
	if len(q.States) > 0 {
		var asked []string
		for _, state := range q.States {
			asked = append(asked, StateName(state))
		}
		not = append(not, "is "+strings.Join(asked, " or "))
	}
	if q.Prefix != "" {
		not = append(not, fmt.Sprintf("begins with %q", q.Prefix))
	}
	if len(q.Holds) > 0 {
		not = append(not, "is held")
	}
	if q.Busy {
		not = append(not, "is busy")
	}
	text := "There is no circuit yet"
	if len(not) > 0 {
		text = "No circuit " + strings.Join(not, " and ")
	}
	if namespace != "" {
		text += fmt.Sprintf(" in the namespace %q", namespace)
	}
	return SafeLines(text) + "."
}

// List writes circuits, one a line.
func List(s Screen, all []fleet.Circuit) error {
	t := Table{Columns: []Column{
		{Name: "KEY", Least: 16}, {Name: "STATE"}, {Name: "LEFT", Right: true, Leave: 1}, {Name: "CHANGED", Right: true, Leave: 3},
		{Name: "FAILED", Right: true, Leave: 2}, {Name: "ACTIVE", Right: true, Leave: 6}, {Name: "SUSPECTS", Right: true, Leave: 5},
		{Name: "SETTINGS", Leave: 7}, {Name: "BY", Leave: 8, Least: 12}, {Name: "NOTE", Leave: 4, Least: 12},
	}}
	for _, c := range all {
		t.Rows = append(t.Rows, []Cell{
			{Text: Safe(c.Key)}, {State(c.Row), PaintOf(c.Row.State)}, {Text: Left(c.Row)}, {Text: Time(c.Changed) + " ago"},
			{Text: Rate(c.Failures, c.Outcomes)}, {Text: some0(c.Active)}, {some0(c.Suspects), Wary}, {disagree(c), Wary},
			{Text: name(c.Row.By)}, {Text: name(c.Row.Note)},
		})
	}
	return t.Write(s)
}

func disagree(c fleet.Circuit) string {
	if c.Disagree {
		return "differ"
	}
	return ""
}

// some0 is a number, or nothing for none.
func some0(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// name is what somebody is called, or has said: nothing if they are not.
func name(text string) string {
	if text == "" {
		return ""
	}
	return Safe(text)
}

// Line writes a line for people. A screen breaks it where it ends, so that nothing is lost.
func Line(s Screen, text string) error {
	_, err := fmt.Fprintln(s.Out, strings.TrimRight(text, " "))
	return err
}

// sentence joins what there is to say.
func sentence(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

// about says how a row came to be so.
func about(row fleet.Row) string {
	text := words(nameOf(names.Reasons, row.Reason))
	if row.By != "" {
		text = strings.TrimSpace(text + " by " + Safe(row.By))
	}
	if row.Note != "" {
		text += ": " + Safe(row.Note)
	}
	return text
}

// state says how a row stands, and for how long.
func (s Screen) state(row fleet.Row) string {
	text := s.Paint(PaintOf(row.State), State(row))
	if left := Left(row); left != "" {
		text += ", " + left + " left"
	}
	return text
}

// Stands says how a circuit stands.
func Stands(s Screen, key string, c *fleet.Circuit) error {
	if c == nil {
		return Line(s, Safe(key)+"  there is no such circuit yet")
	}
	suspects := ""
	if c.Suspects > 0 {
		suspects = "suspected by " + count(c.Suspects, "instance")
	}
	failed := ""
	if c.Outcomes > 0 {
		failed = Rate(c.Failures, c.Outcomes) + " failed"
	}
	return Line(s, fmt.Sprintf("%s  %s  %s", Safe(key), s.state(c.Row),
		sentence("since "+Time(c.Changed)+" ago", about(c.Row), failed, suspects, count(c.Active, "active instance"))))
}

// Suspected says who suspects a circuit.
func Suspected(s Screen, key string, suspects []string, c *fleet.Circuit) error {
	for i, each := range suspects {
		suspects[i] = Safe(each)
	}
	failed := ""
	if c.Outcomes > 0 {
		failed = ": " + Rate(c.Failures, c.Outcomes) + " failed"
	}
	return Line(s, fmt.Sprintf("%s  %s  %s by %s%s", clock(time.Now()), Safe(key), s.Paint(Wary, "suspected"), strings.Join(suspects, ", "), failed))
}

func clock(at time.Time) string { return at.Local().Format("15:04:05.000") }

// Happened says what has happened to a circuit.
func Happened(s Screen, t fleet.Transition) error {
	why := Why(t)
	if t.By != "" {
		why += " by " + Safe(t.By)
	}
	if t.Note != "" {
		why += ": " + Safe(t.Note)
	}
	return Line(s, fmt.Sprintf("%s  %s  %s  %s", clock(t.At), Safe(t.Key), s.Paint(changePaint(t), Change(t)), sentence(why, Evidence(t))))
}

func changePaint(t fleet.Transition) Paint {
	if t.Deleted {
		return Faint
	}
	return PaintOf(t.To)
}

// History writes transitions, one a line.
func History(s Screen, all []fleet.Transition, keys bool) error {
	if len(all) == 0 {
		return Line(s, "There is nothing in the history.")
	}
	t := Table{Columns: []Column{
		{Name: "TIME"}, {Name: "KEY", Least: 12, Leave: 1}, {Name: "CHANGE"}, {Name: "WHY", Leave: 3},
		{Name: "BY", Leave: 4, Least: 12}, {Name: "NOTE", Leave: 2, Least: 12}, {Name: "EVIDENCE", Leave: 5, Least: 16},
	}}
	for _, each := range all {
		key := ""
		if keys {
			key = Safe(each.Key)
		}
		t.Rows = append(t.Rows, []Cell{
			{Text: each.At.Local().Format(time.DateTime)}, {Text: key}, {Change(each), changePaint(each)}, {Text: Why(each)},
			{Text: name(each.By)}, {Text: name(each.Note)}, {Text: Evidence(each)},
		})
	}
	return t.Write(s)
}

// An Ago is how long ago a row came to be as it is; it is not always known.
type Ago struct {
	Time  time.Duration
	Known bool
}

// was says how a row stood, and whose order that was, if it was a person's.
func was(row fleet.Row, since Ago) string {
	if row.Hold == fleet.NoHold && row.Reason != fleet.Commanded {
		return State(row)
	}
	return became(row, since, "")
}

// became says how a row stands, who or what has made it so, when, and why.
func became(row fleet.Row, since Ago, reason string) string {
	text := State(row)
	if reason != "" {
		text += ", " + reason
	}
	if row.By != "" {
		text += " by " + Safe(row.By)
	}
	if since.Known {
		text += ", " + Time(since.Time) + " ago"
	}
	if row.Note != "" {
		text += ": " + Safe(row.Note)
	}
	return text
}

// Overtaken says to what a row has changed, and by whom.
func Overtaken(row fleet.Row, since Ago) string {
	reason := ""
	if row.Hold == fleet.NoHold && row.Reason != fleet.Commanded {
		reason = words(nameOf(names.Reasons, row.Reason))
	}
	return fmt.Sprintf("it is %s (version %s)", became(row, since, reason), Version(row.Identity))
}

// Deleted says by whom a circuit was deleted, and why.
func Deleted(t fleet.Transition) string {
	text := "deleted"
	if t.By != "" {
		text += " by " + Safe(t.By)
	}
	text += ", " + Time(t.Ago) + " ago"
	if t.Note != "" {
		text += ": " + Safe(t.Note)
	}
	return text
}

// Done says what an order has done, and what it has replaced.
func Done(s Screen, key string, before, after fleet.Row, changed bool, since Ago) error {
	switch {
	case after.Incarnation == 0:
		return Line(s, fmt.Sprintf("%s is deleted; it was %s.", Safe(key), was(before, since)))
	case !changed:
		return Line(s, fmt.Sprintf("There was nothing to do: %s is %s.", Safe(key), was(after, since)))
	}
	return Line(s, fmt.Sprintf("%s is %s; it was %s.", Safe(key), s.state(after), was(before, since)))
}
