package highway

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// A SafetyNet makes calls through several policies, the first outermost:
//
//	NewSafetyNet(retry, protector)
//
//	 call ──▶ retry ──▶ protector ──▶ resource
//	            ▲           │
//	            └── error ──┘
//
// Here every attempt asks the protector, which counts every attempt; the other way
// round the protector would count a call with all its retries as one. A net is a
// policy itself, is immutable and is safe for concurrent use. The zero net has no
// policies.
type SafetyNet struct {
	policies []Policy
	layers   []layer // the policies, if all are this package's own; otherwise nil
}

// NewSafetyNet joins policies. It refuses a policy that makes no sense, a nil one,
// and one that is there twice, also inside another net: a protector in two places
// would count each call twice. Without policies, Do is the call itself.
func NewSafetyNet(policies ...Policy) (*SafetyNet, error) {
	n := &SafetyNet{layers: []layer{}}
	var errs []error
	for i, p := range policies {
		if err := n.add(p); err != nil {
			errs = append(errs, fmt.Errorf("policy %d of the safety net: %w", i+1, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return n, nil
}

// add puts p inside all policies that the net has. Nets within nets dissolve.
func (n *SafetyNet) add(p Policy) error {
	if p == nil || isNil(p) {
		return &InvalidPolicyError{"SafetyNet", "policies", fmt.Sprintf("a nil %T", p), "each must be a policy"}
	}
	if inner, ok := p.(*SafetyNet); ok {
		for _, p := range inner.policies {
			if err := n.add(p); err != nil {
				return err
			}
		}
		return nil
	}
	if v, ok := p.(validator); ok {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(n.policies, func(q Policy) bool { return same(p, q) }) {
		return &InvalidPolicyError{"SafetyNet", "policies", fmt.Sprintf("%T twice", p), "each must be there once"}
	}
	n.policies = append(n.policies, p)
	n.addLayer(p)
	return nil
}

func (n *SafetyNet) addLayer(p Policy) {
	if n.layers == nil {
		return
	}
	switch p := p.(type) {
	case *CircuitProtector:
		n.layers = append(n.layers, layer{protector: p})
	case *RetryWithBackoffPolicy:
		retry := *p // as it was when it was validated
		n.layers = append(n.layers, layer{retry: &retry})
	case RetryWithBackoffPolicy:
		n.layers = append(n.layers, layer{retry: &p})
	default:
		n.layers = nil
	}
}

// layered says whether all policies are this package's own, so that calls can go
// through them without being wrapped.
func (n *SafetyNet) layered() bool { return n.layers != nil }

// Do makes the call through all policies.
func (n *SafetyNet) Do(ctx context.Context, call func(context.Context) error) error {
	if n.layered() {
		_, err := through(ctx, n.layers, valueless(call))
		return err
	}
	return chain(ctx, n.policies, call)
}

func chain(ctx context.Context, policies []Policy, call func(context.Context) error) error {
	if len(policies) == 0 {
		return call(ctx)
	}
	return policies[0].Do(ctx, func(ctx context.Context) error {
		return chain(ctx, policies[1:], call)
	})
}

// same says whether p and q are one policy. Only pointers have an identity: comparing
// values can panic, and equal values are two policies. Pointers to values without a
// size may be equal by chance.
func same(p, q Policy) bool {
	v, w := reflect.ValueOf(p), reflect.ValueOf(q)
	return v.Type() == w.Type() && v.Kind() == reflect.Pointer &&
		v.Type().Elem().Size() > 0 && v.Pointer() == w.Pointer()
}
