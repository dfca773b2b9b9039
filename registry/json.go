package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/highway-engine/highway"
)

// Parse reads settings from JSON. It is strict: a name that is not known or comes twice is
// refused, and so are null, a zero, and whatever follows the settings. The problems are
// joined, up to twenty, each an [*highway.InvalidPolicyError] with path, value and rule,
// such as
//
//	settings.overrides.payments.cooldown is "-3s": it must not be negative
//
// JSON that cannot be read at all is refused with the line. What marshalling settings gives
// is read as the same settings.
func Parse(text []byte) (Settings, error) {
	if !utf8.Valid(text) {
		return Settings{}, errors.New("highway: the settings are not UTF-8") // a key would be another
	}
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return Settings{}, fmt.Errorf("highway: the settings are not JSON: %w", located(text, err))
	}
	var p problems
	var s Settings
	p.object("", whole, []string{"template", "overrides"}, func(path, name string, value json.RawMessage) {
		if name == "template" {
			s.Template = p.settings(path, value)
			return
		}
		s.Overrides = map[string]highway.Settings{}
		p.object(path, value, nil, func(within, key string, value json.RawMessage) {
			p.checkKey(path, key)
			s.Overrides[key] = p.settings(within, value)
		})
	})
	if err := p.err(); err != nil {
		return Settings{}, err
	}
	return s, nil
}

// UnmarshalJSON is [Parse], and leaves the settings as they are if that refuses the text.
func (s *Settings) UnmarshalJSON(text []byte) error {
	parsed, err := Parse(text)
	if err == nil {
		*s = parsed
	}
	return err
}

// MarshalJSON gives what [Parse] reads as the same settings, or the error of Validate. What
// is zero is left out.
func (s Settings) MarshalJSON() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	overrides := map[string]numbers{}
	for key, o := range s.Overrides {
		overrides[key] = numbers(o)
	}
	return json.Marshal(struct {
		Template  numbers            `json:"template"`
		Overrides map[string]numbers `json:"overrides,omitempty"`
	}{numbers(s.Template), overrides})
}

// numbers are the settings of a template or a key in JSON.
type numbers highway.Settings

// MarshalJSON gives the fields in the order of their table.
func (n numbers) MarshalJSON() ([]byte, error) {
	var members []string
	for _, f := range fields {
		if text := f.text(highway.Settings(n)); text != "" {
			members = append(members, fmt.Sprintf("%q:%q", f.name, text))
		}
	}
	return []byte("{" + strings.Join(members, ",") + "}"), nil
}

// settings reads those of a template or a key.
func (p *problems) settings(path string, text json.RawMessage) (s highway.Settings) {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	p.object(path, text, names, func(path, name string, value json.RawMessage) {
		f := fields[slices.Index(names, name)]
		var word string
		if value[0] != '"' || json.Unmarshal(value, &word) != nil {
			p.add(path, kind(value), fmt.Sprintf("it must be text, such as %q", f.example))
			return
		}
		one, err := f.parse(word)
		if err != nil {
			p.add(path, quoted(word), err.Error())
		} else if rule := f.broken(one); rule != "" {
			p.add(path, quoted(word), rule)
		}
		s = over(s, one)
	})
	return s
}

// object gives the members of an object one by one, and notes names that are not among
// those known or come twice. Known nil means that every name is.
func (p *problems) object(path string, text json.RawMessage, known []string, member func(path, name string, value json.RawMessage)) {
	if text[0] != '{' {
		p.add(path, kind(text), "it must be an object")
		return
	}
	seen := map[string]bool{}
	in := json.NewDecoder(bytes.NewReader(text))
	for _, _ = in.Token(); in.More(); { // no error: the text is valid JSON
		token, _ := in.Token()
		name, _ := token.(string)
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			p.add(within(path, name), "JSON", err.Error())
			return
		}
		switch at := within(path, name); {
		case seen[name]:
			p.add(at, "there twice", "a name must come once")
		case known != nil && !slices.Contains(known, name):
			p.add(at, "not known", "the names here are "+strings.Join(known, ", "))
		default:
			member(at, name, value)
		}
		seen[name] = true
	}
}

// kind says what a value is without telling it: a file that was given by mistake may hold
// secrets.
func kind(value json.RawMessage) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// located puts the line before a mistake in JSON.
func located(text []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		before := text[:min(max(int(syntax.Offset)-1, 0), len(text))]
		return fmt.Errorf("line %d: %w", 1+bytes.Count(before, []byte("\n")), err)
	}
	return err
}
