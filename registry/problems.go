package registry

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/highway-engine/highway"
)

// longestKey is what a storage takes, and a bound on what a key costs.
const longestKey = 255

var keyRule = fmt.Sprintf("a key must have 1 to %d bytes", longestKey)

func validKey(key string) bool { return key != "" && len(key) <= longestKey }

// mostProblems is how many problems are named: a file may have one in every few bytes.
const mostProblems = 20

// problems collects what is wrong with settings.
type problems struct {
	errs []error
	more int // that are not named
}

func (p *problems) add(path, value, rule string) {
	if len(p.errs) == mostProblems {
		p.more++
		return
	}
	p.errs = append(p.errs, &highway.InvalidPolicyError{
		Policy: "settings", Field: path, Value: value, Rule: rule,
	})
}

// checkKey notes a key under a path that no protector can have, or JSON.
func (p *problems) checkKey(path, key string) {
	switch {
	case !validKey(key):
		p.add(within(path, key), fmt.Sprintf("for a key of %d bytes", len(key)), keyRule)
	case !utf8.ValidString(key):
		p.add(within(path, key), "not UTF-8", "the key of an override must be, or JSON could not have it")
	}
}

// validate notes what highway says about settings, with path and value as JSON has them.
func (p *problems) validate(path string, s highway.Settings) {
	for _, f := range fields {
		if rule := f.broken(s); rule != "" {
			p.add(within(path, f.name), quoted(f.text(s)), rule)
		}
	}
}

func (p *problems) err() error {
	if p.more > 0 {
		return errors.Join(append(p.errs, fmt.Errorf("and %d more", p.more))...)
	}
	return errors.Join(p.errs...)
}

// within is the path of a name under another: overrides.payments, and
// overrides["api.example.com"] where dots would mislead.
func within(path, name string) string {
	plain := validKey(name) && strings.TrimFunc(name, func(c rune) bool {
		return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}) == ""
	switch {
	case plain && path == "":
		return name
	case plain:
		return path + "." + name
	}
	return fmt.Sprintf("%s[%s]", path, quoted(name))
}

// quoted is text from outside as a message can have it: readable, and not endless.
func quoted(text string) string {
	if len(text) > longestKey {
		return fmt.Sprintf("%.60q… (%d bytes)", text, len(text))
	}
	return fmt.Sprintf("%q", text)
}
