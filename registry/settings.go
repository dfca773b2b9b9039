package registry

import (
	"maps"
	"slices"

	"github.com/highway-engine/highway"
)

// Settings are the numbers of a registry's protectors, which can be changed while these
// work: see [Registry.Update]. In JSON they are
//
//	{"template": {"cooldown": "30s", "failure_limit": "10 of 20", "success_limit": "2 of 3", "probe_timeout": "1m"},
//	 "overrides": {"KEY": {"cooldown": "5s"}}}
//
// where everything may be left out: see [Parse].
type Settings struct {
	// Template is for all protectors. A zero field has what Config.Policy says.
	Template highway.Settings
	// Overrides are for single keys, whether or not they have a protector. A zero field
	// has what the template says.
	Overrides map[string]highway.Settings
}

// Validate says what makes no sense in the settings, naming each field, up to twenty, by its
// path in JSON, its value and the rule in an [*highway.InvalidPolicyError]. The key of an
// override must be one that [Registry.Get] takes, in UTF-8.
func (s Settings) Validate() error {
	var p problems
	p.validate("template", s.Template)
	for _, key := range slices.Sorted(maps.Keys(s.Overrides)) {
		p.checkKey("overrides", key)
		p.validate(within("overrides", key), s.Overrides[key])
	}
	return p.err()
}

// of gives the settings of a protector.
func (s *Settings) of(key string) highway.Settings {
	return over(s.Template, s.Overrides[key])
}

// over gives the fields of top, and where they are zero those of bottom.
func over(bottom, top highway.Settings) highway.Settings {
	if top.Cooldown != 0 {
		bottom.Cooldown = top.Cooldown
	}
	if top.FailureLimit != (highway.Limit{}) {
		bottom.FailureLimit = top.FailureLimit
	}
	if top.SuccessLimit != (highway.Limit{}) {
		bottom.SuccessLimit = top.SuccessLimit
	}
	if top.ProbeTimeout != 0 {
		bottom.ProbeTimeout = top.ProbeTimeout
	}
	return bottom
}

// settingsOf are the numbers of a policy.
func settingsOf(c highway.CircuitProtectorPolicy) highway.Settings {
	return highway.Settings{
		Cooldown:     c.Cooldown,
		FailureLimit: c.FailureLimit,
		SuccessLimit: c.SuccessLimit,
		ProbeTimeout: c.ProbeTimeout,
	}
}
