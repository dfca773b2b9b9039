package output

import (
	"fmt"

	"github.com/highway-engine/highway/fleet"
)

// Show writes all that is known of a circuit.
func Show(s Screen, d fleet.Detail, history []fleet.Transition) error {
	lines := [][2]string{
		{"state", s.state(d.Row)},
		{"since", Time(d.Changed) + " ago"},
		{"why", about(d.Row)},
		{"version", Version(d.Row.Identity)},
		{"failed", Rate(d.Failures, d.Outcomes)},
		{"instances", fmt.Sprintf("%d active, %d suspecting, %d of the fleet live", d.Active, d.Suspects, d.Live)},
		{"probes", probes(d.Row)},
		{"settings", settings(s, d)},
	}
	if err := Line(s, Safe(d.Key)); err != nil {
		return err
	}
	for _, l := range lines {
		if l[1] == "" {
			continue
		}
		if err := Line(s, fmt.Sprintf("  %-10s %s", l[0], l[1])); err != nil {
			return err
		}
	}
	if len(d.Reports) > 0 {
		if err := instances(s, d); err != nil {
			return err
		}
	}
	if len(history) == 0 {
		return nil
	}
	if err := Line(s, ""); err != nil {
		return err
	}
	return History(s, history, false)
}

func probes(row fleet.Row) string {
	var succeeded, failed, pending int
	for _, p := range row.Probes {
		switch p.Result {
		case fleet.Succeeded:
			succeeded++
		case fleet.Failed:
			failed++
		default:
			pending++
		}
	}
	if succeeded+failed+pending+row.Lost == 0 {
		return ""
	}
	return fmt.Sprintf("%d succeeded, %d failed, %d under way, %d lost", succeeded, failed, pending, row.Lost)
}

// settings says what the active instances work with, and that they disagree.
func settings(s Screen, d fleet.Detail) string {
	if d.Disagree {
		return s.Paint(Wary, "the active instances disagree, as below")
	}
	for _, told := range d.Reports {
		if told.Active {
			return Settings(told.Settings)
		}
	}
	return ""
}

func instances(s Screen, d fleet.Detail) error {
	t := Table{Columns: []Column{
		{Name: "INSTANCE", Least: 16}, {Name: "SEES"}, {Name: "FAILED", Right: true, Leave: 1}, {Name: "TESTIMONY", Right: true, Leave: 3},
		{Name: "TOLD", Right: true, Leave: 2}, {Name: "SETTINGS", Leave: 4},
	}}
	view := fleet.View{Row: d.Row}
	for _, told := range d.Reports {
		sees, paint := "closed", Good
		switch {
		case told.Suspicion != 0 && view.Concerns(told.Report):
			sees, paint = "suspects", Bad
		case !told.Active:
			sees, paint = "no calls", Faint
		case told.Refuses:
			sees, paint = "refuses", Bad
		}
		testimony, terms := "", ""
		if t := told.Testimony; t.About.Suspect != "" && view.Concerns(told.Report) {
			testimony = fmt.Sprintf("%+.1f of %s", t.Sum, count(t.Calls, "call"))
		}
		if d.Disagree {
			terms = Settings(told.Settings)
		}
		t.Rows = append(t.Rows, []Cell{
			{Text: Safe(told.Instance)}, {sees, paint}, {Text: Rate(told.Failures, told.Outcomes)},
			{Text: testimony}, {Text: Time(told.Ago) + " ago"}, {Text: terms},
		})
	}
	if err := Line(s, ""); err != nil {
		return err
	}
	return t.Write(s)
}
