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
	members []member
	layers  []layer // the members, if all are this package's own; otherwise nil
}

// A member is a policy of a net as it was given, by which it is known again, and as it
// is used: a retry policy behind a pointer is copied, so that it stays as validated.
type member struct{ given, used Policy }

// NewSafetyNet joins policies. It refuses a policy that makes no sense, a nil one,
// and one that is there twice, also inside another net: a protector in two places
// would count each call twice. Without policies, Do is the call itself.
func NewSafetyNet(policies ...Policy) (*SafetyNet, error) {
	n := &SafetyNet{layers: []layer{}}
	var errs []error
	for i, p := range policies {
		if err := n.add(member{p, p}); err != nil {
			errs = append(errs, fmt.Errorf("policy %d of the safety net: %w", i+1, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return n, nil
}

// add puts m inside all members that the net has. Nets within nets dissolve.
func (n *SafetyNet) add(m member) error {
	p := m.used
	if p == nil || isNil(p) {
		return &InvalidPolicyError{"SafetyNet", "policies", fmt.Sprintf("a nil %T", p), "each must be a policy"}
	}
	if inner, ok := p.(*SafetyNet); ok {
		for _, m := range inner.members {
			if err := n.add(m); err != nil {
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
	if slices.ContainsFunc(n.members, func(n member) bool { return same(m.given, n.given) }) {
		return &InvalidPolicyError{"SafetyNet", "policies", fmt.Sprintf("%T twice", p), "each must be there once"}
	}
	own := layer{}
	switch p := p.(type) {
	case *CircuitProtector:
		if p.episode.Load() == nil {
			return errUnmade
		}
		own.protector = p
	case *RetryWithBackoffPolicy:
		retry := *p
		m.used, own.retry = &retry, &retry
	case RetryWithBackoffPolicy:
		own.retry = &p
	}
	n.members = append(n.members, m)
	if own == (layer{}) {
		n.layers = nil
	} else if n.layered() {
		n.layers = append(n.layers, own)
	}
	return nil
}

// layered says whether all members are this package's own, so that calls can go
// through them without being wrapped.
func (n *SafetyNet) layered() bool { return n.layers != nil }

// Do makes the call through all policies.
func (n *SafetyNet) Do(ctx context.Context, call func(context.Context) error) error {
	if n.layered() {
		_, err := through(ctx, n.layers, valueless(call))
		return err
	}
	return chain(ctx, n.members, call)
}

func chain(ctx context.Context, members []member, call func(context.Context) error) error {
	if len(members) == 0 {
		return call(ctx)
	}
	return members[0].used.Do(ctx, func(ctx context.Context) error {
		return chain(ctx, members[1:], call)
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
