package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
	"github.com/highway-engine/highway/registry/config"
)

const inYAML = `# What the on-call team may change.
template:
  cooldown: 30s
  failure_limit: 10 of 20
  success_limit: 2/3
overrides:
  api.example.com:443: {failure_limit: "1 of 2"}
  443:
    probe_timeout: 1m30s
  on: {cooldown: 5s}
`

const inJSON = `{
  "template": {"cooldown": "30s", "failure_limit": "10 of 20", "success_limit": "2 of 3"},
  "overrides": {
    "api.example.com:443": {"failure_limit": "1 of 2"},
    "443": {"probe_timeout": "1m30s"},
    "on": {"cooldown": "5s"}
  }
}`

var settings = registry.Settings{
	Template: highway.Settings{
		Cooldown:     30 * time.Second,
		FailureLimit: highway.Fraction(10, 20),
		SuccessLimit: highway.Fraction(2, 3),
	},
	Overrides: map[string]highway.Settings{
		"api.example.com:443": {FailureLimit: highway.Fraction(1, 2)},
		"443":                 {ProbeTimeout: 90 * time.Second},
		"on":                  {Cooldown: 5 * time.Second},
	},
}

// file writes a file, and gives its path.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	put(t, path, text)
	return path
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFileIsReadByItsName(t *testing.T) {
	for name, text := range map[string]string{
		"a.yaml": inYAML, "a.yml": inYAML, "A.YAML": inYAML, "a.json": inJSON,
		"json.yaml": inJSON, // which is YAML too
	} {
		got, err := config.Read(file(t, name, text))
		if err != nil || !reflect.DeepEqual(got, settings) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestWhatIsWrongWithAFileIsNamed(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a.yaml", "overrides:\n  payments:\n    cooldown: -3s\n", `overrides.payments.cooldown is "-3s": it must not be negative`},
		{"a.json", `{"overrides":{"payments":{"cooldown":"-3s"}}}`, `overrides.payments.cooldown is "-3s": it must not be negative`},
		{"a.yaml", "template: {cooldown: 3}", `template.cooldown is a number: it must be text, such as "30s"`},
		{"a.yaml", "template: {cooldown: 3.5}", `template.cooldown is a number`},
		{"a.yaml", "template: {cooldown: true}", `template.cooldown is true or false`},
		{"a.yaml", "template: {cooldown: [3s]}", `template.cooldown is a list`},
		{"a.yaml", "template: {cooldown: 2026-01-01}", `template.cooldown is "2026-01-01": it must be a duration`},
		{"a.yaml", "template: {cooldown: 1s, cooldown: 2s}", `template.cooldown is there twice`},
		{"a.yaml", "overrides: {a: {}, \"a\": {}}", `overrides.a is there twice`},
		{"a.yaml", "overrides:\n  payments:\n  cooldown: 3s\n", `overrides.payments is null: it must be an object`},
		{"a.yaml", "overrides:\n", `overrides is null`},
		{"a.yaml", "templates: {}", `templates is not known`},
		{"a.yaml", "", "there are no settings in it"},
		{"a.yaml", "# nothing\n", "there are no settings in it"},
		{"a.yaml", "~", "settings is null: it must be an object"},
		{"a.yaml", "template: {}\n---\ntemplate: {}\n", "line 2: it must be one document"},
		{"a.yaml", "template: {}\n---\n}\n", "line "},
		{"a.yaml", "template: {\n", "line "},
		{"a.yaml", "template:\n\tcooldown: 3s\n", "line 2"},
		{"a.yaml", "template: &t {cooldown: 3s}\noverrides: {a: *t}\n", "line 1: it must have no anchors, aliases, tags"},
		{"a.yaml", "template:\n  cooldown: &t 3s\n", "line 2: it must have no anchors"},
		{"a.yaml", "template: [&t 1]\noverrides: *t\n", "line 2: it must have no anchors, aliases"},
		{"a.yaml", "template: *t\n", "it must have no anchors, aliases"},
		{"a.yaml", "template:\n  cooldown: !!str 3s\n", "line 2: it must have no anchors, aliases, tags"},
		{"a.yaml", "template:\n  cooldown: !mine 3s\n", "line 2: it must have no anchors, aliases, tags"},
		{"a.yaml", "template: !!map {cooldown: 3s}\n", "line 1: it must have no anchors, aliases, tags"},
		{"a.yaml", "overrides:\n  &t a: {cooldown: 3s}\n", "line 2: a name must be plain text"},
		{"a.yaml", "overrides:\n  !!str a: {cooldown: 3s}\n", "line 2: a name must be plain text"},
		{"a.yaml", "overrides:\n  a:\n    <<: {cooldown: 3s}\n", "line 3: a name must be plain text"},
		{"a.yaml", "}", "line 1: it is not YAML"},
		{"a.yaml", "? [a, b]\n: c\n", "line 1: a name must be plain text"},
		{"a.json", "", "not JSON"},
		{"a.json", inYAML, "not JSON: line 1"},
		{"a.json", strings.Repeat(" ", config.MaxSize+1), "it must have at most 1048576 bytes"},
		{"a.toml", inYAML, "the name must end in .json, .yaml or .yml"},
		{"yaml", inYAML, "the name must end in"},
	} {
		path := file(t, test.name, test.text)
		got, err := config.Read(path)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s %.60q gives %v\n want %s", test.name, test.text, err, test.want)
		}
		if !reflect.DeepEqual(got, registry.Settings{}) {
			t.Errorf("%.60q gives %+v", test.text, got)
		}
	}
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		folder:              "it is not a regular file",
		folder + "/no.yaml": "no such file or directory",
	} {
		if _, err := config.Read(path); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestNoSecretIsTold when somebody names the wrong file.
func TestNoSecretIsTold(t *testing.T) {
	for name, text := range map[string]string{
		"a.yaml": "apiVersion: v1\nkind: Secret\ndata: {password: hunter2}\ntoken: hunter2\nlist: [hunter2]\n",
		"b.yaml": "hunter2\n",
		"c.yaml": "template: hunter2\noverrides: [hunter2]\n",
		"d.yaml": "db_password: *hunter2\n",
		"e.yaml": "template: {cooldown: 5s}\ndb:\n  password: *hunter2\n",
		"f.yaml": "template: {cooldown: 5s}\n---\na: *hunter2\n",
		"g.yaml": "a: !hunter2! x\n",
		"h.yaml": "a: !hunter2 x\n",
		"i.yaml": "a: &hunter2 x\n",
		"j.yaml": "%hunter2 x\n---\na: b\n",
		"k.yaml": "a: \"hunter2\n",
		"l.yaml": "a: |hunter2\n",
		"m.yaml": "a: @hunter2\n",
		"n.yaml": "? {a: hunter2}\n: b\n",
		"a.json": `{"password": "hunter2", "template": "hunter2", "overrides": {"a": {"password": "hunter2"}}}`,
		"b.json": `hunter2`,
	} {
		if _, err := config.Read(file(t, name, text)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzYAML: whatever is in a file, reading it ends with settings that make sense or with an
// error.
func FuzzYAML(f *testing.F) {
	for _, text := range []string{inYAML, inJSON, "a: &a [*a]", "? ? a\n: b", "--- {}\n--- {}", "!!binary aGk=: 1"} {
		f.Add([]byte(text))
	}
	path := filepath.Join(f.TempDir(), "a.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		put(t, path, string(text))
		if s, err := config.Read(path); err == nil && s.Validate() != nil {
			t.Errorf("%q gives %+v", text, s)
		}
	})
}
