package protocol

import (
	"math"
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
)

const (
	// rollCall is how long instances have to answer a suspicion before those that have
	// not are taken not to use the circuit.
	rollCall = 3 * time.Second

	// together is how long after a suspicion another's trip counts as one about the same
	// trouble. A later one says no more than the calls that led to it: healthy instances
	// trip too, now and then.
	together = time.Second
)

// suspicion returns the report with the suspicion that is to be judged: of those in
// the row's epoch which nobody has dismissed, the one that came first. Only one is
// judged at a time.
func suspicion(v *fleet.View, dismissed []fleet.Accusation) (first fleet.Report, ok bool) {
	for i := range v.Reports {
		r := &v.Reports[i]
		if r.Suspicion != 0 && (!ok || r.Order < first.Order) && v.Concerns(*r) &&
			!slices.Contains(dismissed, accusation(r)) {
			first, ok = *r, true
		}
	}
	return first, ok
}

// dismissals are the suspicions that somebody has seen refuted.
func dismissals(v *fleet.View) []fleet.Accusation {
	var all []fleet.Accusation
	for i := range v.Reports {
		if r := &v.Reports[i]; len(r.Dismissed) > 0 && v.Concerns(*r) {
			all = append(all, r.Dismissed...)
		}
	}
	return all
}

// accusation is what others say of the suspicion in r.
func accusation(r *fleet.Report) fleet.Accusation {
	return fleet.Accusation{Suspect: r.Instance, Number: r.Suspicion}
}

// A count is what a view says about a suspicion.
type count struct {
	sum             float64
	against         bool    // all who can testify have said all they can against it
	active          int     // instances that use the circuit, the suspect among them
	lowest, highest float64 // the bounds of each testimony
}

// tripWeight is what a witness's own trip adds to its testimony: as much as a witness can
// say, but less the more instances there are, any of which may have tripped by chance. In
// a test of likelihoods, one chance among n costs ln(n).
func tripWeight(c count) float64 {
	return max(0, c.highest-math.Log(float64(max(1, c.active-1))))
}

// pool adds up the testimonies about suspicion s. The suspect itself contributes
// nothing. A witness that trips says so in its testimony. Instances that tripped before
// they had heard of s stand in for witnesses where there are too few left: that is how
// small fleets go down.
func pool(v *fleet.View, dismissed []fleet.Accusation, s fleet.Report, rule fleet.Rule) count {
	c := count{active: 1}
	witnesses, answers, heard := 0, 0, 0
	for i := range v.Reports {
		r := &v.Reports[i]
		if r.Instance == s.Instance || !r.Active || !v.Concerns(*r) {
			continue
		}
		c.active++
		about := r.Testimony.About == accusation(&s)
		if !r.Refuses {
			witnesses++
		}
		if r.Refuses || about {
			answers++
		}
		if !r.Refuses || about {
			heard++
		}
	}
	unable := c.active - 1 - witnesses
	if s.Age < rollCall {
		c.active = max(c.active, v.Live) // who has not answered yet may be on the way
	}
	c.lowest, c.highest = rule.Bounds(c.active, c.active-1-unable)
	enough := rule.Judge(float64(heard)*c.highest, c.active) == fleet.Opens
	against := 0
	for i := range v.Reports {
		r := &v.Reports[i]
		if r.Instance == s.Instance || !v.Concerns(*r) {
			continue
		}
		switch about := r.Testimony.About == accusation(&s); {
		case about:
			c.sum += min(max(r.Testimony.Sum, c.lowest), c.highest)
			if r.Active && !r.Refuses && r.Testimony.Sum <= c.lowest {
				against++
			}
		case !enough && r.Suspicion != 0 && s.Age-r.Age <= together && !slices.Contains(dismissed, accusation(r)):
			c.sum += c.highest
		}
	}
	c.against = witnesses > 0 && against == witnesses && answers == c.active-1
	return c
}
