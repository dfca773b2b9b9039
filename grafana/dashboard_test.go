package grafana_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// A dashboard is what the tests read of highway.json.
type dashboard struct {
	Templating struct {
		List []struct {
			Name, Type string
			Query      json.RawMessage
		}
	}
	Panels []panel
}

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Datasource  struct{ UID string }
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct {
		Expr       string
		Datasource struct{ UID string }
	}
}

func load(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("highway.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// queries are those of all panels, by title, as Grafana sends them when a resource, or a
// regular expression for several, is chosen.
func (d dashboard) queries(resource string) map[string]string {
	variables := strings.NewReplacer("$resource_key", resource, "$__rate_interval", "1m", "$__range", "15m")
	found := map[string]string{}
	for _, p := range d.Panels {
		for i, target := range p.Targets {
			found[fmt.Sprintf("%s (%d)", p.Title, i)] = variables.Replace(target.Expr)
		}
	}
	return found
}

func TestTheDashboardIsTidy(t *testing.T) {
	d := load(t)
	ids, titles, taken := map[int]bool{}, map[string]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || titles[p.Title] {
			t.Errorf("the panel %q, or its id %d, is there twice", p.Title, p.ID)
		}
		ids[p.ID], titles[p.Title] = true, true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Errorf("%q and %q overlap, or leave the screen, at %d, %d", p.Title, other, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("%q has no description, or no query", p.Title)
		}
		if p.Datasource.UID != "${datasource}" {
			t.Errorf("%q is tied to the data source %s", p.Title, p.Datasource.UID)
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" {
				t.Errorf("%q is tied to the data source %s", p.Title, target.Datasource.UID)
			}
		}
	}
}

func TestTheVariablesOfTheDashboard(t *testing.T) {
	names := exported(run(t))
	variables := map[string]string{}
	for _, v := range load(t).Templating.List {
		variables[v.Name] = string(v.Query)
	}
	if len(variables) != 2 || variables["datasource"] != `"prometheus"` {
		t.Errorf("the variables are %v", variables)
	}
	m := regexp.MustCompile(`label_values\((\w+), (\w+)\)`).FindStringSubmatch(variables["resource_key"])
	if m == nil || !names[m[1]][m[2]]["payments"] {
		t.Errorf("resource_key has the query %s", variables["resource_key"])
	}
}

// TestTheDashboardShowsEverything: a metric that no panel shows is easily forgotten.
func TestTheDashboardShowsEverything(t *testing.T) {
	all := ""
	for _, query := range load(t).queries(".*") {
		all += query + "\n"
	}
	for name := range exported(run(t)) {
		if strings.HasSuffix(name, "_sum") {
			continue // of a histogram, whose count and buckets are shown
		}
		if !strings.Contains(all, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
}
