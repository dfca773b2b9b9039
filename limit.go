package highway

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxWindow is the largest denominator of a [Limit]: the longest window and the
// most probes that a protector works with.
const MaxWindow = 1_000_000

// A Limit is a share of a number of calls, such as 3 of the last 10. The zero Limit
// stands for the default of the field it is used in.
type Limit struct {
	count, of int
	given     bool // tells Fraction(0, 0), which is refused, from the zero Limit
}

// Fraction returns the limit of count in a window of "of" calls. It is not reduced:
// 5 of 10 looks at ten calls, 1 of 2 at two. A limit that makes no sense, such as
// 4 of 3, is refused by what it is given to.
func Fraction(count, of int) Limit { return Limit{count: count, of: of, given: true} }

// Count is the limit's numerator.
func (l Limit) Count() int { return l.count }

// Of is the limit's denominator.
func (l Limit) Of() int { return l.of }

// String gives the limit as "3 of 10".
func (l Limit) String() string { return fmt.Sprintf("%d of %d", l.count, l.of) }

// MarshalText gives the same as String.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText takes "3 of 10", as String gives it, and "3/10". Anything else, and a limit
// that makes no sense, is refused with an [*InvalidPolicyError] that names the rule, and
// leaves the limit as it is.
func (l *Limit) UnmarshalText(text []byte) error {
	count, of, ok := strings.Cut(string(text), "/")
	if !ok {
		count, of, ok = strings.Cut(string(text), " of ")
	}
	parsed := Fraction(digits(count), digits(of))
	rule := parsed.problem()
	if !ok || parsed.count < 0 || parsed.of < 0 {
		rule = `it must be two whole numbers, such as "3 of 10" or "3/10"`
	}
	if rule != "" {
		return &InvalidPolicyError{"Limit", "UnmarshalText", fmt.Sprintf("%.50q", text), rule}
	}
	*l = parsed
	return nil
}

// digits reads a number that has digits and nothing else, or gives -1. One that is too
// large for an int is too large for a limit as well.
func digits(text string) int {
	text = strings.TrimSpace(text)
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return -1
	}
	n, _ := strconv.Atoi(text) // the largest int if it is larger
	return n
}

func (l Limit) orDefault(d Limit) Limit {
	if l.given {
		return l
	}
	return d
}

// problem says which rule the limit breaks, or nothing.
func (l Limit) problem() string {
	switch {
	case !l.given:
		return ""
	case l.of < 1 || l.of > MaxWindow:
		return fmt.Sprintf("the denominator must be between 1 and %d", MaxWindow)
	case l.count < 1 || l.count > l.of:
		return "the numerator must be between 1 and the denominator"
	}
	return ""
}
