package schema

import (
	"regexp"
	"slices"
	"strings"
)

// parts are what the SQL makes, read from the SQL itself, so that the one cannot forget
// what the other has.
type parts struct {
	tables, sequences, indexes []string
	columns                    []column // beyond the document's
	functions                  []function
	triggers                   []trigger
}

type column struct{ name, kind string }

// A trigger is on the document's table.
type trigger struct {
	Name     string `json:"name"`
	Function string `json:"function"`
}

// A function is what matters of one.
type function struct {
	Name     string   `json:"name"`
	Body     string   `json:"body"`
	Kind     string   `json:"kind"`    // v, s or i: volatile, stable, immutable
	Definer  bool     `json:"definer"` // it runs with the rights of its owner
	Settings []string `json:"settings"`
}

var (
	tableText    = regexp.MustCompile(`(?m)^CREATE TABLE IF NOT EXISTS (\w+)`)
	sequenceText = regexp.MustCompile(`(?m)^CREATE SEQUENCE IF NOT EXISTS (\w+)`)
	indexText    = regexp.MustCompile(`(?m)^CREATE INDEX IF NOT EXISTS (\w+)`)
	columnText   = regexp.MustCompile(`(?m)^    ADD COLUMN IF NOT EXISTS (\w+) +(\w+)`)
	functionText = regexp.MustCompile(`(?ms)^CREATE OR REPLACE FUNCTION (\w+)\((.*?)AS \$\$(.*?)\$\$;`)
	functionName = regexp.MustCompile(`(?m)^CREATE OR REPLACE FUNCTION (\w+)\(`)
	settingText  = regexp.MustCompile(`SET (\w+) = ('\w+'|@schema@, pg_temp|\w+)`)
	triggerText  = regexp.MustCompile(`(?m)^CREATE OR REPLACE TRIGGER (\w+) [^;]*? EXECUTE FUNCTION (\w+)\(\)`)
)

// want are the parts that there should be in the schema that the server quotes like this.
func want(quoted string) parts {
	p := parts{
		tables:    names(tableText, tables),
		sequences: names(sequenceText, tables),
		indexes:   names(indexText, tables),
	}
	for _, m := range columnText.FindAllStringSubmatch(tables, -1) {
		kind := m[2]
		if kind == "timestamptz" {
			kind = "timestamp with time zone"
		}
		p.columns = append(p.columns, column{m[1], kind})
	}
	for _, m := range functionText.FindAllStringSubmatch(functions+reading+triggers, -1) {
		f := function{Name: m[1], Body: m[3], Kind: "v", Definer: strings.Contains(m[2], "SECURITY DEFINER"), Settings: []string{}}
		if strings.Contains(m[2], " STABLE") {
			f.Kind = "s"
		} else if strings.Contains(m[2], " IMMUTABLE") {
			f.Kind = "i"
		}
		for _, s := range settingText.FindAllStringSubmatch(m[2], -1) {
			value := strings.ReplaceAll(strings.Trim(s[2], "'"), "@schema@", quoted)
			f.Settings = append(f.Settings, s[1]+"="+value)
		}
		slices.Sort(f.Settings)
		p.functions = append(p.functions, f)
	}
	for _, m := range triggerText.FindAllStringSubmatch(triggers, -1) {
		p.triggers = append(p.triggers, trigger{m[1], m[2]})
	}
	return p
}

// names are what a pattern finds in a text.
func names(pattern *regexp.Regexp, text string) (all []string) {
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

func (f function) equal(g function) bool {
	return f.Name == g.Name && f.Body == g.Body && f.Kind == g.Kind && f.Definer == g.Definer &&
		slices.Equal(f.Settings, g.Settings)
}
