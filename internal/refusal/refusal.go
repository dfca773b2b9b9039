// Package refusal finds the refusal of a protector in an error, for what answers to others.
package refusal

import "github.com/highway-engine/highway"

// In gives the refusal that err is about, or nil, and whether it came only after the call had
// been made and had failed. As for a protector, an error that joins a refusal with something
// else is about that, and chains that look endless are given up.
func In(err error) (refusal *highway.ProtectedCallError, made bool) {
	return within(err, 100)
}

func within(err error, depth int) (refusal *highway.ProtectedCallError, made bool) {
	for ; err != nil && depth > 0; depth-- {
		switch e := err.(type) {
		case *highway.ProtectedCallError:
			return e, false
		case *highway.RetryLimitReachedError:
			if refusal, _ = within(e.EndedBy, depth-1); refusal != nil {
				return refusal, true
			}
			err = e.Last
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			for _, err := range e.Unwrap() {
				if err == nil {
					continue
				}
				one, failed := within(err, depth-1)
				if one == nil {
					return nil, false
				}
				refusal, made = one, made || failed
			}
			return refusal, made
		default:
			return nil, false
		}
	}
	return nil, false
}
