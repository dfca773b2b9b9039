package dashboard

import "math/bits"

// pastSlots is how many failure rates are kept of each circuit: two minutes, if the ledger is
// looked at every second.
const pastSlots = 120

// levels are the failure rates that a past can hold, from none to all, and unknown is where
// there was no call. The page is sent a past as text.
const (
	levels  = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	unknown = '-'
)

// level is the rate of failures among outcomes.
func level(failures, outcomes int) byte {
	if outcomes <= 0 {
		return unknown
	}
	// A ledger can have any numbers in it, whose product an int need not hold.
	most := uint64(len(levels) - 1)
	high, low := bits.Mul64(uint64(min(max(failures, 0), outcomes)), most)
	is, _ := bits.Div64(high, low, uint64(outcomes))
	return levels[is]
}

// A past is the failure rates of one circuit. All circuits have theirs at the same slots.
type past [pastSlots]byte

func newPast() *past {
	p := new(past)
	for i := range p {
		p[i] = unknown
	}
	return p
}

// put writes the slots after one up to another. In those that were left out the rate was what
// it was before.
func (p *past) put(after, to int64, now byte) {
	before := p[after%pastSlots]
	for slot := max(after+1, to-pastSlots+1); slot < to; slot++ {
		p[slot%pastSlots] = before
	}
	p[to%pastSlots] = now
}

// text is the slots up to one, the oldest first.
func (p *past) text(to int64) string {
	first := (to + 1) % pastSlots
	return string(p[first:]) + string(p[:first])
}
