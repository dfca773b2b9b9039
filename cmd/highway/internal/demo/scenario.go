package demo

import "time"

// A phase is what the server does with requests.
type phase uint8

const (
	healthy phase = iota // answers at once
	failing              // answers 503 at once
	slow                 // answers when the client has long given up
)

func (p phase) String() string { return [...]string{"healthy", "failing", "slow"}[p] }

// down says that a request sent in this phase is wasted.
func (p phase) down() bool { return p != healthy }

// A span is a phase and its time, counted from the start of the run; to is not in it.
type span struct {
	phase    phase
	from, to time.Duration
}

// A scenario is what the server goes through: healthy, failing, slow, healthy.
type scenario [4]span

// newScenario puts the outage in the middle and halves it between failing and slow.
func newScenario(duration, outage time.Duration) scenario {
	fails := (duration - outage) / 2
	slows := fails + outage/2
	mends := fails + outage
	return scenario{
		{healthy, 0, fails},
		{failing, fails, slows},
		{slow, slows, mends},
		{healthy, mends, duration},
	}
}

// breaks is when the outage begins, mends when it ends.
func (s scenario) breaks() time.Duration { return s[1].from }
func (s scenario) mends() time.Duration  { return s[len(s)-1].from }

// sickFrom and sickTo are when the networks of sick instances go bad and get well again:
// in the middle of each healthy phase, so that they are seen to be bad alone, first in
// a fleet that is closed, then in one that closes without them.
func (s scenario) sickFrom() time.Duration { return s[0].to / 2 }
func (s scenario) sickTo() time.Duration   { return s.mends() + (s[len(s)-1].to-s.mends())/2 }

// sickAt says whether these networks are bad at instant t.
func (s scenario) sickAt(t time.Duration) bool { return t >= s.sickFrom() && t < s.sickTo() }

// at is the index of the span that instant t is in; past the end it is the last one.
func (s scenario) at(t time.Duration) int {
	for i, span := range s {
		if t < span.to {
			return i
		}
	}
	return len(s) - 1
}

// phaseAt is the phase at instant t.
func (s scenario) phaseAt(t time.Duration) phase { return s[s.at(t)].phase }
