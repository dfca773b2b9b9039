package highway

import (
	"errors"
	"fmt"
)

// InvalidPolicyError says that one field of a policy makes no sense. What refuses a
// policy joins one such error for each wrong field, so that all can be mended at
// once; errors.As finds the first.
type InvalidPolicyError struct {
	Policy string // the type, such as "CircuitProtectorPolicy"
	Field  string // the field, such as "FailureLimit"; empty for the whole
	Value  any    // what the field holds
	Rule   string // what it must be
}

// Error names the field, its value and the rule.
func (e *InvalidPolicyError) Error() string {
	what := e.Policy
	if e.Field != "" {
		what += "." + e.Field
	}
	return fmt.Sprintf("highway: %s is %v: %s", what, e.Value, e.Rule)
}

// problems collects what is wrong with one policy.
type problems struct {
	policy string
	errs   []error
}

// check notes a problem with field unless ok.
func (p *problems) check(ok bool, field string, value any, rule string) {
	if !ok {
		p.errs = append(p.errs, &InvalidPolicyError{p.policy, field, value, rule})
	}
}

// checkLimit notes the rule that l breaks, if any.
func (p *problems) checkLimit(field string, l Limit) {
	rule := l.problem()
	p.check(rule == "", field, l, rule)
}

func (p *problems) err() error { return errors.Join(p.errs...) }
