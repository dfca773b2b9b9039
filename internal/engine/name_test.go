package engine

import (
	"regexp"
	"strings"
	"testing"
)

func TestANameIsReadableAndNeverTheSameAgain(t *testing.T) {
	pattern := regexp.MustCompile(`^[A-Za-z0-9._-]{1,63}/[0-9]+/[A-Z2-7]{10}$`)
	seen := map[string]bool{}
	for range 1000 {
		name := newName()
		if !pattern.MatchString(name) || seen[name] {
			t.Fatalf("%q", name)
		}
		seen[name] = true
	}
}

func TestAHostsNameIsPrintable(t *testing.T) {
	for host, want := range map[string]string{
		"":                        "unknown",
		"web-7":                   "web-7",
		"a.b_C9":                  "a.b_C9",
		"o'brien/x\n\x00 y":       "o_brien_x___y",
		"Zürich":                  "Z_rich",
		"\xff":                    "_",
		strings.Repeat("é", 100):  strings.Repeat("_", 63),
		strings.Repeat("ab", 100): strings.Repeat("ab", 31) + "a",
	} {
		if got := printable(host); got != want {
			t.Errorf("%q is %q, want %q", host, got, want)
		}
	}
}
