package sim

import (
	"math"
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// reopening checks that probes of two instances have failed, if there are others. The
// last failure is not in the row: it is in the change that opens.
func (c *checker) reopening(in *instance, before fleet.Row, d decision) {
	if d.view == nil || d.view.Live < 3 {
		return
	}
	holders := map[string]bool{in.name: true}
	lost := 0
	for _, p := range before.Probes {
		switch {
		case p.Result == fleet.Failed && p.Holder == "":
			lost++
		case p.Result == fleet.Failed:
			holders[p.Holder] = true
		case p.Result == fleet.Pending && (p.Remaining <= time.Second || c.trouble.clock != 0):
			lost++ // at most
		}
	}
	if len(holders)+lost < 2 {
		c.broken("S7", "%s reopens the fleet alone", in.name)
	}
}

// evidence checks, with a computation of its own, that what the instance has seen
// suffices to open the fleet.
func (c *checker) evidence(in *instance, d decision) {
	if _, ok := c.Rule.(fleet.FirstTrip); ok {
		return
	}
	v := d.view
	if v == nil {
		c.broken("S7", "%s opens the fleet, having seen nothing", in.name)
		return
	}
	var over []fleet.Accusation
	concerns := func(r fleet.Report) bool {
		return r.About.Incarnation == v.Row.Incarnation && r.About.Epoch == v.Row.Epoch
	}
	for _, r := range v.Reports {
		if concerns(r) {
			over = append(over, r.Dismissed...)
		}
	}
	stands := func(r fleet.Report) bool {
		return r.Suspicion != 0 && concerns(r) && !slices.Contains(over, fleet.Accusation{Suspect: r.Instance, Number: r.Suspicion})
	}
	var s fleet.Report
	for _, r := range v.Reports {
		if stands(r) && (s.Suspicion == 0 || r.Order < s.Order) {
			s = r
		}
	}
	if s.Suspicion == 0 {
		c.broken("S7", "%s opens the fleet without a suspicion", in.name)
		return
	}
	active, unable := 1, 0
	for _, r := range v.Reports {
		if r.Instance != s.Instance && concerns(r) && r.Active {
			active++
			if r.Refuses {
				unable++
			}
		}
	}
	if s.Age < 3*time.Second {
		active = max(active, v.Live)
	}
	if active < 3 {
		if d.at-in.born < 10*time.Second {
			c.broken("S7", "%s opens the fleet as the first trip, %v after its start", in.name, d.at-in.born)
		}
		return
	}
	enough := math.Log(30_000 * float64(active))
	needed := 3.0 // witnesses
	if active <= 4 {
		needed = 2
	}
	most, least := enough/needed, -4.6/float64(max(1, min(2, active-1-unable)))
	sum, met := 0.0, false
	for _, r := range v.Reports {
		switch {
		case r.Instance == s.Instance || !concerns(r):
		case r.Testimony.About == fleet.Accusation{Suspect: s.Instance, Number: s.Suspicion}:
			sum += min(max(r.Testimony.Sum, least), most)
			met = met || r.Testimony.Sum > 0
		case stands(r) && s.Age-r.Age <= time.Second:
			sum += most
			met = true
		}
	}
	if sum < enough-1e-6 || !met {
		c.broken("S7", "%s opens the fleet on a sum of %.2f, of %.2f", in.name, sum, enough)
	}
}
