package highway

import (
	"cmp"
	"slices"
)

// A ChangeCount says how often a protector has changed to a state for a reason.
type ChangeCount struct {
	To     CircuitState // the state that was entered
	Reason Reason       // why
	Count  uint64       // since the protector was made; never zero
}

// changeCounts are those that there have been, in order. Most protectors never change,
// and there may be very many: what has not happened takes no room.
type changeCounts []ChangeCount

func (c *changeCounts) add(to CircuitState, why Reason) {
	i, found := slices.BinarySearchFunc(*c, ChangeCount{To: to, Reason: why}, func(a, b ChangeCount) int {
		return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.Reason, b.Reason))
	})
	if !found {
		*c = slices.Insert(*c, i, ChangeCount{To: to, Reason: why})
	}
	(*c)[i].Count++
}

func (c changeCounts) sum() (n uint64) {
	for _, c := range c {
		n += c.Count
	}
	return n
}
