package highway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
)

func TestANetWithoutPoliciesIsTheCallItself(t *testing.T) {
	net := highway.Must(highway.NewSafetyNet())
	if err := net.Do(context.Background(), fail); err != errDown {
		t.Errorf("got %v", err)
	}
}

func TestTheFirstPolicyIsOutermost(t *testing.T) {
	var order []string
	named := func(name string) highway.Policy {
		return policyFunc(func(ctx context.Context, call func(context.Context) error) error {
			order = append(order, name)
			defer func() { order = append(order, "/"+name) }()
			return call(ctx)
		})
	}
	inner := highway.Must(highway.NewSafetyNet(named("b"), named("c")))
	net := highway.Must(highway.NewSafetyNet(named("a"), inner, named("d")))
	_ = net.Do(context.Background(), func(context.Context) error { order = append(order, "call"); return nil })
	if got, want := strings.Join(order, " "), "a b c d call /d /c /b /a"; got != want {
		t.Errorf("order is %q, want %q", got, want)
	}
}

// TestOrderDecidesWhatTheProtectorCounts: inside a retry every attempt, outside each
// call.
func TestOrderDecidesWhatTheProtectorCounts(t *testing.T) {
	retry := highway.RetryWithBackoffPolicy{MaxRetries: 2, Backoff: highway.FixedDelay{}}
	for _, wrap := range []func(highway.Policy) highway.Policy{
		func(p highway.Policy) highway.Policy { return p },
		func(p highway.Policy) highway.Policy { // the same through foreign policies
			return highway.Must(highway.NewSafetyNet(&foreign{}, p, &foreign{}))
		},
	} {
		inside := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(9, 9)})
		_ = wrap(highway.Must(highway.NewSafetyNet(retry, inside))).Do(context.Background(), fail)
		wantLog(t, inside, "xxx")
		outside := newProtector(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(9, 9)})
		_ = wrap(highway.Must(highway.NewSafetyNet(outside, retry))).Do(context.Background(), fail)
		wantLog(t, outside, "x")
	}
}

func TestTheSamePolicyTwiceIsRefused(t *testing.T) {
	p, q := newProtector(t, highway.CircuitProtectorPolicy{}), newProtector(t, highway.CircuitProtectorPolicy{})
	retry := &highway.RetryWithBackoffPolicy{}
	own := &foreign{}
	ofP := highway.Must(highway.NewSafetyNet(p))
	for name, policies := range map[string][]highway.Policy{
		"protector":       {p, q, p},
		"retry":           {retry, p, retry},
		"foreign":         {own, own},
		"in a nested net": {p, highway.Must(highway.NewSafetyNet(q, ofP))},
		"net":             {ofP, ofP},
	} {
		net, err := highway.NewSafetyNet(policies...)
		if net != nil || err == nil || !strings.Contains(err.Error(), "twice") {
			t.Errorf("%s: got %v, %v", name, net, err)
		}
	}
	// Equal values are not the same policy, and comparing them must not panic: they
	// hold functions.
	value := highway.RetryWithBackoffPolicy{ShouldHandle: func(error) bool { return true }}
	f := policyFunc(nil)
	f = func(ctx context.Context, call func(context.Context) error) error { return call(ctx) }
	type empty struct{ highway.Policy }
	for name, policies := range map[string][]highway.Policy{
		"protectors":   {p, q},
		"values":       {value, value},
		"functions":    {f, f},
		"structs":      {empty{p}, empty{q}},
		"without size": {&sizeless{}, &sizeless{}},
	} {
		if _, err := highway.NewSafetyNet(policies...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type sizeless struct{}

func (*sizeless) Do(ctx context.Context, call func(context.Context) error) error { return call(ctx) }

func TestANilPolicyIsRefused(t *testing.T) {
	for _, nothing := range []highway.Policy{
		nil, (*highway.CircuitProtector)(nil), (*highway.SafetyNet)(nil), (*highway.RetryWithBackoffPolicy)(nil), policyFunc(nil),
	} {
		_, err := highway.NewSafetyNet(highway.RetryWithBackoffPolicy{}, nothing)
		wantInvalid(t, err, "policies")
		if want := fmt.Sprintf("policy 2 of the safety net: highway: SafetyNet.policies is a nil %T: each must be a policy", nothing); err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

func TestANetKeepsThePolicyItWasGiven(t *testing.T) {
	retry := &highway.RetryWithBackoffPolicy{MaxRetries: 1, Backoff: highway.FixedDelay{}}
	nets := []*highway.SafetyNet{
		highway.Must(highway.NewSafetyNet(retry)),
		highway.Must(highway.NewSafetyNet(&foreign{}, retry)),
	}
	retry.MaxRetries = 5
	// Also when it goes into another net later.
	nets = append(nets, highway.Must(highway.NewSafetyNet(&foreign{}, nets[0])))
	for _, net := range nets {
		wantLimit(t, net.Do(context.Background(), fail), 2, errDown, nil)
		if _, err := highway.NewSafetyNet(net, retry); err == nil {
			t.Error("the net does not know the policy again")
		}
	}
}

func TestEveryPolicyOfAMixedNetIsUsed(t *testing.T) {
	for _, outer := range []bool{true, false} {
		own, protector := &foreign{}, newProtector(t, highway.CircuitProtectorPolicy{})
		policies := []highway.Policy{own, protector}
		if outer {
			policies = []highway.Policy{protector, own}
		}
		net := highway.Must(highway.NewSafetyNet(policies...))
		_ = net.Do(context.Background(), fail)
		_, _ = highway.Call(context.Background(), net, func(ctx context.Context) (int, error) { return 0, fail(ctx) })
		_, _ = highway.Decorate(net, func(ctx context.Context, n int) (int, error) { return n, fail(ctx) })(context.Background(), 1)
		wantLog(t, protector, "xxx")
		if own.calls != 3 {
			t.Errorf("the foreign policy was used %d times", own.calls)
		}
	}
}

func TestAnUnmadeProtectorIsRefused(t *testing.T) {
	if _, err := highway.NewSafetyNet(new(highway.CircuitProtector)); err == nil {
		t.Error("it was accepted")
	}
}

func TestANetIsAPolicy(t *testing.T) {
	p := newProtector(t, highway.CircuitProtectorPolicy{})
	var policy highway.Policy = highway.Must(highway.NewSafetyNet(highway.Must(highway.NewSafetyNet(p))))
	play(t, policy, "xxxx")
	wantRefused(t, policy)
}
