package highway_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
)

func TestALimitIsReadFromText(t *testing.T) {
	for text, want := range map[string]highway.Limit{
		"3 of 10":            highway.Fraction(3, 10),
		"3/10":               highway.Fraction(3, 10),
		" 3 / 10 ":           highway.Fraction(3, 10),
		"5 of 10":            highway.Fraction(5, 10), // not reduced
		"1000000 of 1000000": highway.Fraction(1000000, 1000000),
	} {
		var got highway.Limit
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}

func TestATextThatIsNoLimitIsRefusedWithTheRule(t *testing.T) {
	const form, count, of = "two whole numbers", "the numerator must be", "the denominator must be"
	for text, rule := range map[string]string{
		"":                       form,
		"3":                      form,
		"3 of":                   form,
		"3of10":                  form,
		"/10":                    form,
		"-3 of 10":               form,
		"+3 of 10":               form,
		"3 of -10":               form,
		"3.5/10":                 form,
		"3 of 10 of 20":          form,
		"3/10/20":                form,
		"30%":                    form,
		"0 of 10":                count,
		"4 of 3":                 count,
		"0 of 0":                 of,
		"1 of 1000001":           of,
		"1/99999999999999999999": of,
		"99999999999999999999/9": count,
	} {
		limit := highway.Fraction(1, 2)
		err := limit.UnmarshalText([]byte(text))
		var invalid *highway.InvalidPolicyError
		if !errors.As(err, &invalid) || !strings.Contains(invalid.Rule, rule) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q gives %v, not the rule %q", text, err, rule)
		}
		if limit != highway.Fraction(1, 2) {
			t.Errorf("%q has left %v", text, limit)
		}
	}
}

func TestALimitIsTextInJSON(t *testing.T) {
	want := map[string]highway.Limit{"a": highway.Fraction(3, 10)}
	text, err := json.Marshal(want)
	if err != nil || string(text) != `{"a":"3 of 10"}` {
		t.Fatalf("got %s, %v", text, err)
	}
	var got map[string]highway.Limit
	if err := json.Unmarshal(text, &got); err != nil || got["a"] != want["a"] {
		t.Errorf("got %v, %v", got, err)
	}
}

// FuzzLimit: what is taken is sensible and comes back as it was.
func FuzzLimit(f *testing.F) {
	for _, text := range []string{"3 of 10", "3/10", "0/0", "4 of 3", " 1 /1", "1 of 99999999999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var limit highway.Limit
		if limit.UnmarshalText([]byte(text)) != nil {
			if limit != (highway.Limit{}) {
				t.Fatalf("a refusal has left %v", limit)
			}
			return
		}
		if err := (highway.CircuitProtectorPolicy{FailureLimit: limit}).Validate(); err != nil {
			t.Fatalf("%q was taken: %v", text, err)
		}
		var again highway.Limit
		written, _ := limit.MarshalText()
		if err := again.UnmarshalText(written); err != nil || again != limit {
			t.Fatalf("%q was %v and came back as %v, %v", text, limit, again, err)
		}
	})
}
