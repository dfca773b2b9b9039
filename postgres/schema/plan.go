package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Plan says in words what Install will do to what was found, and nothing if there is
// nothing to do. An error says why Install cannot.
func (s Setup) Plan(f Found) ([]string, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if err := f.Check(); err != nil {
		return nil, err
	}
	steps := s.steps(f)
	if len(steps) == 0 {
		return nil, nil
	}
	return steps, f.rights(s)
}

func (s Setup) steps(f Found) (steps []string) {
	add := func(format string, args ...any) { steps = append(steps, fmt.Sprintf(format, args...)) }
	// list adds a step about things of a kind, if there are any.
	list := func(verb, kind string, names []string, tail string) {
		switch len(names) {
		case 0:
		case 1:
			add("%s the %s %s%s", verb, kind, names[0], tail)
		default:
			if kind == "index" {
				kind = "indexe"
			}
			add("%s the %ss %s%s", verb, kind, strings.Join(names, ", "), tail)
		}
	}
	missing := func(names []string) (all []string) {
		for _, name := range names {
			if !f.has(name) {
				all = append(all, name)
			}
		}
		return all
	}
	all := want(f.quoted)
	if !f.Schema {
		add("create the schema %q", s.name())
	}
	list("create", "table", missing(all.tables), "")
	if f.Table {
		var columns []string
		for _, c := range all.columns {
			if f.columns[c.name] == "" {
				columns = append(columns, c.name)
			}
		}
		list("add", "column", columns, fmt.Sprintf(" to %s, whose rows (%d) and columns stay as they are", Table, f.Rows))
	}
	list("create", "sequence", missing(all.sequences), "")
	list("create", "index", missing(all.indexes), "")

	var absent, others []string
	for _, w := range all.functions {
		switch {
		case !slices.ContainsFunc(f.functions, func(g function) bool { return g.Name == w.Name }):
			absent = append(absent, w.Name)
		case !slices.ContainsFunc(f.functions, w.equal):
			others = append(others, w.Name)
		}
	}
	list("create", "function", absent, "")
	list("replace", "function", others, ", different from version "+fmt.Sprint(Version))
	absent = nil
	for _, t := range all.triggers {
		if !slices.Contains(f.triggers, t) {
			absent = append(absent, t.Name)
		}
	}
	list("create", "trigger", absent, " on "+Table)

	if f.mayReadIt && f.Version < Version { // whoever must not look need not write either
		add("note that this is version %d (it says %d)", Version, f.Version)
	}
	if h := s.History; h.Age != 0 && h.Age != f.History.Age {
		add("keep transitions for %s%s", age(h.Age), was(f.History.Age != 0, age(f.History.Age)))
	}
	if h := s.History; h.Rows != 0 && h.Rows != f.History.Rows {
		add("keep at most %d transitions of each key%s", h.Rows, was(f.History.Rows != 0, fmt.Sprint(f.History.Rows)))
	}
	return steps
}

func was(known bool, before string) string {
	if !known {
		return ""
	}
	return " (until now " + before + ")"
}
