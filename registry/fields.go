package registry

import (
	"errors"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/durations"
)

// A field is one of the numbers in highway.Settings.
type field struct {
	name    string                                      // in JSON
	example string                                      // of its text
	text    func(highway.Settings) string               // as JSON has it; "" if it is zero
	parse   func(text string) (highway.Settings, error) // with this number only, or the rule it breaks
	only    func(highway.Settings) highway.Settings     // without the other numbers
}

var fields = []field{
	duration("cooldown", "30s", func(s *highway.Settings) *time.Duration { return &s.Cooldown }),
	limit("failure_limit", "10 of 20", func(s *highway.Settings) *highway.Limit { return &s.FailureLimit }),
	limit("success_limit", "2 of 3", func(s *highway.Settings) *highway.Limit { return &s.SuccessLimit }),
	duration("probe_timeout", "1m", func(s *highway.Settings) *time.Duration { return &s.ProbeTimeout }),
}

// broken is the rule of highway that the field breaks, if it does.
func (f field) broken(s highway.Settings) string {
	var invalid *highway.InvalidPolicyError
	if errors.As(f.only(s).Validate(), &invalid) {
		return invalid.Rule
	}
	return ""
}

func duration(name, example string, of func(*highway.Settings) *time.Duration) field {
	return field{
		name: name, example: example,
		text: func(s highway.Settings) string {
			if *of(&s) == 0 {
				return ""
			}
			return durations.Short(*of(&s))
		},
		parse: func(text string) (s highway.Settings, err error) {
			*of(&s), err = time.ParseDuration(text)
			switch {
			case err != nil:
				err = errors.New(`it must be a duration with its unit, such as "30s", "500ms" or "1m30s"`)
			case *of(&s) == 0:
				err = errors.New("it must not be zero; leave it out for the default")
			}
			return s, err
		},
		only: func(s highway.Settings) (alone highway.Settings) {
			*of(&alone) = *of(&s)
			return alone
		},
	}
}

func limit(name, example string, of func(*highway.Settings) *highway.Limit) field {
	return field{
		name: name, example: example,
		text: func(s highway.Settings) string {
			if *of(&s) == (highway.Limit{}) {
				return ""
			}
			return of(&s).String()
		},
		parse: func(text string) (s highway.Settings, err error) {
			err = of(&s).UnmarshalText([]byte(text))
			if invalid := (*highway.InvalidPolicyError)(nil); errors.As(err, &invalid) {
				err = errors.New(invalid.Rule)
			}
			return s, err
		},
		only: func(s highway.Settings) (alone highway.Settings) {
			*of(&alone) = *of(&s)
			return alone
		},
	}
}
