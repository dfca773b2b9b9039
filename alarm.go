package highway

import (
	"time"
	"weak"
)

// alarmAhead is how long before the end of a cooldown refusals begin to read the
// clock. Until then they do not, which makes them cheap; from then on a call that is
// due is not refused because the timer is late.
const alarmAhead = 100 * time.Millisecond

// setAlarm starts a timer for the end of the present cooldown, if there is one. The lock
// is held.
//
// Each alarm is a timer of its own that is never stopped or reset: a protector may be
// opened in a synctest bubble and then outside, and a timer may not. One that rings for
// an episode which is over does no harm.
func (p *CircuitProtector) setAlarm() {
	until := p.machine.Until()
	if until.IsZero() {
		return
	}
	left := time.Until(until)
	if left > alarmAhead {
		left -= alarmAhead
	}
	// The timer must not keep a protector alive that nobody else holds.
	self, epoch := weak.Make(p), p.machine.Epoch()
	time.AfterFunc(left, func() {
		if p := self.Value(); p != nil {
			p.ring(epoch)
		}
	})
}

// ring is the alarm of an episode: shortly before the end of the cooldown, and again at
// the end.
func (p *CircuitProtector) ring(epoch uint64) {
	p.advance()
	defer p.mu.Unlock()
	if p.machine.Epoch() == epoch {
		p.setAlarm()
	}
}
