package dashboard

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/highway-engine/highway/fleet"
)

// mostCloser is how many circuits are looked at one by one in a sample.
const mostCloser = 8

// closer looks at the circuits that are closed in the fleet, and yet have suspects or many
// failures: the list of a ledger does not say who suspects, nor that instances refuse calls
// alone. While all is well there are none, and nothing is asked.
func closer(ctx context.Context, ledger fleet.Ledger, all []fleet.Circuit) (map[string]fleet.Detail, error) {
	var picked []*fleet.Circuit
	for i := range all {
		c := &all[i]
		if c.Row.State == fleet.Closed && c.Row.Hold == fleet.NoHold && (c.Suspects > 0 || c.Failures > c.Outcomes/10) {
			picked = append(picked, c)
		}
	}
	slices.SortStableFunc(picked, func(a, b *fleet.Circuit) int {
		return cmp.Or(cmp.Compare(b.Suspects, a.Suspects), cmp.Compare(b.Failures, a.Failures))
	})
	found := make(map[string]fleet.Detail, mostCloser)
	for _, c := range picked[:min(len(picked), mostCloser)] {
		detail, err := ledger.Look(ctx, c.Key)
		if err != nil {
			return nil, err
		}
		found[c.Key] = detail
	}
	return found, nil
}

// alone adds which instances refuse calls though the fleet does not, and which suspect it.
func (c *circuitJSON) alone(d *fleet.Detail) {
	var who []string
	for i := range d.Reports {
		r := &d.Reports[i]
		if r.Active && r.Refuses {
			c.Refusing++
		}
		if r.Suspicion != 0 && r.About.Incarnation == d.Row.Incarnation && r.About.Epoch == d.Row.Epoch && len(who) < 3 {
			who = append(who, r.Instance)
		}
	}
	c.Who = strings.Join(who, ", ")
}
