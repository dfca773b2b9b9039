package highway

import (
	"time"

	"github.com/highway-engine/highway/internal/protocol"
)

// askedFor is the time that the error of a failed call asks for: what the method RetryAfter
// says that errors.As finds in it. What a refusal says, joined with the failure, is about
// another circuit. It gives up on errors that look endless.
func askedFor(err error) time.Duration {
	left := 100
	return asksFor(err, &left)
}

func asksFor(err error, left *int) time.Duration {
	for ; err != nil && *left > 0; *left-- {
		switch e := err.(type) {
		case *ProtectedCallError:
			return 0
		case interface{ RetryAfter() time.Duration }:
			return e.RetryAfter()
		case interface{ As(any) bool }:
			var hint interface{ RetryAfter() time.Duration } // here, because it is allocated
			if e.As(&hint) {
				return hint.RetryAfter()
			}
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			*left--
			for _, err := range e.Unwrap() {
				if d := asksFor(err, left); d > 0 {
					return d
				}
			}
			return 0
		default:
			return 0
		}
	}
	return 0
}

// putOff tells the machine what a failed call asks for. The lock is held.
func (p *CircuitProtector) putOff(t protocol.Ticket, d time.Duration) {
	if p.member != nil {
		p.member.PutOff(t, d, time.Now())
	} else {
		p.machine.PutOff(t.Epoch, t.Probe, d, time.Now())
	}
}
