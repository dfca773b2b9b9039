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
