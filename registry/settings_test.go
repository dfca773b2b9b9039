package registry_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
)

// whole has every name there is.
const whole = `{"template":{"cooldown":"30s","failure_limit":"10 of 20","success_limit":"2 of 3","probe_timeout":"1m"},` +
	`"overrides":{"api.example.com:443":{"failure_limit":"1 of 2"},"payments":{"cooldown":"1h30m"}}}`

func TestSettingsAreReadAndWritten(t *testing.T) {
	s, err := registry.Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := registry.Settings{
		Template: highway.Settings{
			Cooldown:     30 * time.Second,
			FailureLimit: highway.Fraction(10, 20),
			SuccessLimit: highway.Fraction(2, 3),
			ProbeTimeout: time.Minute,
		},
		Overrides: map[string]highway.Settings{
			"api.example.com:443": {FailureLimit: highway.Fraction(1, 2)},
			"payments":            {Cooldown: 90 * time.Minute},
		},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got %+v", s)
	}
	if text, err := json.Marshal(s); err != nil || string(text) != whole {
		t.Errorf("written again: %s, %v", text, err)
	}
	var again registry.Settings
	if err := json.Unmarshal([]byte(whole), &again); err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("as a part of other JSON: %+v, %v", again, err)
	}
}

func TestSettingsMayLeaveEverythingOut(t *testing.T) {
	for _, text := range []string{`{}`, `{"template":{}}`, `{"overrides":{}}`, " {\n\"template\" : {} , \"overrides\" : {} }\n "} {
		s, err := registry.Parse([]byte(text))
		if err != nil || s.Template != (highway.Settings{}) || len(s.Overrides) != 0 {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
		if written, err := json.Marshal(s); err != nil || string(written) != `{"template":{}}` {
			t.Errorf("written again: %s, %v", written, err)
		}
	}
}

func TestWhatIsWrongWithSettingsIsNamed(t *testing.T) {
	long := strings.Repeat("x", 256)
	for text, want := range map[string]string{
		`{"overrides":{"payments":{"cooldown":"-3s"}}}`:     `overrides.payments.cooldown is "-3s": it must not be negative`,
		`{"overrides":{"a.b":{"cooldown":"-3s"}}}`:          `overrides["a.b"].cooldown is "-3s": it must not be negative`,
		`{"template":{"cooldown":"3"}}`:                     `template.cooldown is "3": it must be a duration with its unit`,
		`{"template":{"cooldown":3}}`:                       `template.cooldown is a number: it must be text, such as "30s"`,
		`{"template":{"cooldown":"0s"}}`:                    `template.cooldown is "0s": it must not be zero`,
		`{"template":{"cooldown":""}}`:                      `template.cooldown is "": it must be a duration`,
		`{"template":{"cooldown":null}}`:                    `template.cooldown is null: it must be text`,
		`{"template":{"failure_limit":"4 of 3"}}`:           `template.failure_limit is "4 of 3": the numerator must be between 1 and the denominator`,
		`{"template":{"success_limit":["2","3"]}}`:          `template.success_limit is a list: it must be text, such as "2 of 3"`,
		`{"template":{"probe_timeout":"-1m"}}`:              `template.probe_timeout is "-1m": it must not be negative`,
		`{"template":{"cool_down":"3s"}}`:                   `template.cool_down is not known: the names here are cooldown, failure_limit, success_limit, probe_timeout`,
		`{"template":{"Cooldown":"3s"}}`:                    `template.Cooldown is not known`,
		`{"templates":{}}`:                                  `templates is not known: the names here are template, overrides`,
		`{"template":{"cooldown":"1s","cooldown":"2s"}}`:    `template.cooldown is there twice: a name must come once`,
		`{"template":{},"template":{}}`:                     `template is there twice`,
		`{"overrides":{"a":{},"a":{}}}`:                     `overrides.a is there twice`,
		`{"overrides":{"":{}}}`:                             `overrides[""] is for a key of 0 bytes: a key must have 1 to 255 bytes`,
		`{"overrides":{"` + long + `":{"cooldown":"-3s"}}}`: `xxx"… (256 bytes)] is for a key of 256 bytes: a key must have`,
		`{"overrides":null}`:                                `overrides is null: it must be an object`,
		`{"overrides":{"a":"5s"}}`:                          `overrides.a is text: it must be an object`,
		`{"template":[]}`:                                   `template is a list: it must be an object`,
		`[]`:                                                `settings is a list: it must be an object`,
		`null`:                                              `settings is null: it must be an object`,
		`true`:                                              `settings is true or false: it must be an object`,
		``:                                                  `not JSON: line 1: unexpected end`,
		`{} {}`:                                             `not JSON: line 1: invalid character '{' after top-level value`,
		"{\n\n\"template\" {}}":                             `not JSON: line 3: invalid character`,
	} {
		s, err := registry.Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || !reflect.DeepEqual(s, registry.Settings{}) {
			t.Errorf("%s\n gives %+v, %v\n want %s", text, s, err, want)
		}
	}
}

func TestAllThatIsWrongIsNamedAtOnce(t *testing.T) {
	before := registry.Settings{Template: highway.Settings{Cooldown: time.Second}}
	s := before
	err := json.Unmarshal([]byte(`{"template":{"cooldown":"soon","password":"hunter2"},"overrides":{"a":{"success_limit":"0/2"},"b":7}}`), &s)
	for _, want := range []string{"template.cooldown", "template.password", "overrides.a.success_limit", "overrides.b"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("what is not known was told: %v", err)
	}
	if !reflect.DeepEqual(s, before) {
		t.Errorf("it has left %+v", s)
	}
}

// TestSettingsMadeInGoAreCheckedAlike.
func TestSettingsMadeInGoAreCheckedAlike(t *testing.T) {
	err := registry.Settings{
		Template:  highway.Settings{SuccessLimit: highway.Fraction(0, 0)},
		Overrides: map[string]highway.Settings{"payments": {Cooldown: -3 * time.Second}, "": {}},
	}.Validate()
	for _, want := range []string{
		`template.success_limit is "0 of 0": the denominator`, `overrides[""] is for a key of 0 bytes`,
		`overrides.payments.cooldown is "-3s": it must not be negative`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in %v", want, err)
		}
	}
}

// TestTooManyProblemsAreCounted: a large file is no reason for a larger error.
func TestTooManyProblemsAreCounted(t *testing.T) {
	for n, want := range map[int]string{20: "", 21: "\nand 1 more", 1000: "\nand 980 more"} {
		s := registry.Settings{Overrides: map[string]highway.Settings{}}
		var text strings.Builder
		for i := range n {
			s.Overrides[fmt.Sprint("key ", i)] = highway.Settings{Cooldown: -1}
			fmt.Fprintf(&text, `,"%d":0`, i)
		}
		_, err := registry.Parse([]byte(`{"template":{}` + text.String() + `}`))
		for _, err := range []error{err, s.Validate()} {
			if lines := strings.Split(err.Error(), "\n"); len(lines) != min(n, 21) || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("of %d: %d lines, the last %q", n, len(lines), lines[len(lines)-1])
			}
		}
	}
}

// TestAKeyThatIsNoTextHasNoOverride: JSON would have another key in its place.
func TestAKeyThatIsNoTextHasNoOverride(t *testing.T) {
	s := registry.Settings{Overrides: map[string]highway.Settings{"a\xff": {Cooldown: time.Second}}}
	const want = `overrides["a\xff"] is not UTF-8`
	_, marshalled := json.Marshal(s)
	_, made := registry.New(registry.Config{Overrides: s.Overrides})
	for what, err := range map[string]error{"Validate": s.Validate(), "json.Marshal": marshalled, "New": made} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got, err := registry.Parse([]byte("{\"overrides\": {\"a\xff\": {\"cooldown\": \"1s\"}}}")); err == nil || !strings.Contains(err.Error(), "not UTF-8") {
		t.Errorf("read: %+v, %v", got, err)
	}
	if _, err := newRegistry(t, registry.Config{}).Get("a\xff"); err != nil {
		t.Errorf("a protector may have it: %v", err)
	}
}

// FuzzParse: what is taken is valid, and comes back as it was.
func FuzzParse(f *testing.F) {
	for _, text := range []string{whole, `{}`, `{"template":{"cooldown":"1h0m1s"}}`, `{"overrides":{"a":{"cooldown":"-1s"}}}`, `[{}]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := registry.Parse(text)
		if err != nil {
			return
		}
		if err := s.Validate(); err != nil {
			t.Fatalf("%s was taken: %v", text, err)
		}
		written, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := registry.Parse(written)
		if err != nil || again.Template != s.Template || len(again.Overrides) != len(s.Overrides) {
			t.Fatalf("%s came back as %s: %v", text, written, err)
		}
		for key, o := range s.Overrides {
			if again.Overrides[key] != o {
				t.Fatalf("%s came back as %s", text, written)
			}
		}
	})
}
