package highway

import (
	"time"
	"weak"

	"github.com/highway-engine/highway/internal/circuit"
)

// alarmAhead is how long before the end of a cooldown refusals begin to read the
// clock. Until then they do not, which makes them cheap; from then on a call that is
// due is not refused because the timer is late.
const alarmAhead = 100 * time.Millisecond

// setAlarm makes the timer ring for the present episode. The lock is held.
func (p *CircuitProtector) setAlarm() {
	until := p.machine.Until()
	if until.IsZero() {
		return
	}
	left := time.Until(until)
	if left > alarmAhead {
		left -= alarmAhead
	}
	if p.alarm != nil {
		p.alarm.Reset(left)
		return
	}
	// The timer must not keep a protector alive that nobody else holds. It is not
	// stopped with it, as a cleanup may not touch a timer of a synctest bubble.
	self := weak.Make(p)
	p.alarm = time.AfterFunc(left, func() {
		if p := self.Value(); p != nil {
			p.ring()
		}
	})
}

// ring is the alarm: once shortly before the end of the cooldown, once at the end.
// One that comes late, for an episode that is over, does no harm.
func (p *CircuitProtector) ring() {
	p.advance()
	defer p.mu.Unlock()
	if p.machine.State() == circuit.Open {
		p.setAlarm()
	}
}
