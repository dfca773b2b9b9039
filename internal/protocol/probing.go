package protocol

import (
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// takePart does the member's part while the fleet is open or half-open: it hands in the
// result of its probe, or asks for one if it has a call to make.
func (m *Member) takePart(v fleet.View, now time.Time) {
	row := v.Row
	// Who has waited for all that there was to wait at first need not wait again because
	// the storage's clock was set back (S10).
	if row.Hold == fleet.Isolated || row.State == circuit.Open && row.Remaining > 0 && now.Before(m.until) {
		return
	}
	if m.local.State() == circuit.Closed {
		// It has recovered alone while the storage was away. That is no reason to change
		// the row, but one to probe with the others.
		m.follow(fleet.Row{State: circuit.HalfOpen}, now)
	}
	to := clone(row)
	if row.State == circuit.Open {
		why := fleet.CooldownOver
		if row.Hold == fleet.HeldOpen {
			why = fleet.HoldOver
		}
		to = next(row, circuit.HalfOpen, why, m.settings.Instance, 0)
	}
	terms := m.settings.Circuit
	changed := m.expireLeases(&to, now)
	if m.probe.state == probeGranted && !now.Before(m.returns()) {
		m.probe.state = probeReturned // before it is: no call may use it any more (S5)
	}
	switch m.probe.state {
	case probeReturned:
		changed = giveBack(&to, m.settings.Instance, m.probe.number) || changed
	case probeEnded:
		changed = settle(&to, m.settings.Instance, m.probe.number, m.probe.result) || changed
	case probeWanted:
		m.probe.number++ // a lease that was granted under the old one is lost by now
		m.probe.asked = now
		rested := !now.Before(m.rests)
		changed = grant(&to, m.settings.Instance, m.probe.number, terms, v.Live, rested) || changed
	}
	// The results may be enough though they are old ones: for terms that differ from those
	// of whoever entered them, or because there are fewer instances by now (L2, S12).
	if to.Epoch == row.Epoch {
		if verdict, ok := verdict(&to, terms, v.Live); ok {
			changed = true
			to = next(row, verdict, fleet.ProbesFailed, m.settings.Instance, 0)
			if verdict == circuit.Closed {
				to.Reason = fleet.ProbesSucceeded
			} else {
				to.Remaining = m.local.Cooldown(now)
			}
		}
	}
	if changed {
		to.Nonce = m.random.Uint64()
		m.propose(row, to)
	}
}

// expireLeases takes the places of probes whose lease is over, and says whether there
// were any. As many as the fleet has probes are given back; from then on a lost one
// counts as failed, by nobody, so that HALF_OPEN ends whatever crashes (L2).
func (m *Member) expireLeases(r *fleet.Row, now time.Time) bool {
	changed := false
	for i := range r.Probes {
		if p := &r.Probes[i]; p.Result == fleet.Pending && m.over(p, now) {
			changed = true
			r.Lost++
			if r.Lost > m.settings.Circuit.Probes {
				*p = fleet.Probe{Number: uint64(r.Lost), Result: fleet.Failed}
			} else {
				p.Holder = ""
			}
		}
	}
	r.Probes = slices.DeleteFunc(r.Probes, func(p fleet.Probe) bool { return p.Result == fleet.Pending && p.Holder == "" })
	return changed
}

// over says whether the lease of p is over, by the storage's clock or, if that was set
// back, by what was left of it when the member first saw it (S10).
func (m *Member) over(p *fleet.Probe, now time.Time) bool {
	ends, ok := m.leases[lease{p.Holder, p.Number}]
	return p.Remaining <= 0 || ok && !now.Before(ends)
}

// watchLeases remembers when the leases of the row are over.
func (m *Member) watchLeases(now time.Time) {
	leases := map[lease]time.Time(nil)
	for _, p := range m.row.Probes {
		if p.Result != fleet.Pending {
			continue
		}
		l := lease{p.Holder, p.Number}
		ends, ok := m.leases[l]
		if !ok {
			ends = now.Add(p.Remaining)
		}
		if leases == nil {
			leases = map[lease]time.Time{}
		}
		leases[l] = ends
	}
	m.leases = leases
}

// returns is when the member gives its lease back if no call has used it: while there is
// time to, so that only the leases of those who are gone, or whose calls hang, are lost.
func (m *Member) returns() time.Time { return m.probe.expires.Add(-m.settings.Circuit.Lease / 4) }

// giveBack removes a lease that the row still knows.
func giveBack(r *fleet.Row, holder string, number uint64) bool {
	before := len(r.Probes)
	r.Probes = slices.DeleteFunc(r.Probes, func(p fleet.Probe) bool {
		return p.Holder == holder && p.Number == number && p.Result == fleet.Pending
	})
	return len(r.Probes) < before
}

// settle enters the result of a probe whose lease the row still knows (S6).
func settle(r *fleet.Row, holder string, number uint64, result fleet.Result) bool {
	for i := range r.Probes {
		if p := &r.Probes[i]; p.Holder == holder && p.Number == number && p.Result == fleet.Pending {
			p.Result, p.Remaining = result, 0
			return true
		}
	}
	return false
}

// grant enters a lease for holder if there is a place: as many as the success limit's
// denominator fleet-wide, at most one per instance at a time (S5). While only one
// instance has failed, and there are others, its place goes to another; or to itself
// again once it has rested for a cooldown, as it may be the only one that calls (L2).
func grant(r *fleet.Row, holder string, number uint64, terms circuit.Settings, live int, rested bool) bool {
	places := terms.Probes - len(r.Probes)
	for _, p := range r.Probes {
		if p.Holder == holder && p.Result == fleet.Pending {
			return false
		}
	}
	if live >= 3 && failers(r) == 1 {
		others := slices.DeleteFunc(slices.Clone(r.Probes), func(p fleet.Probe) bool {
			return p.Holder == holder && p.Result == fleet.Failed
		})
		switch failed := len(others) < len(r.Probes); {
		case failed && !rested:
			return false
		case failed:
			r.Probes, places = others, terms.Probes-len(others)
		default:
			places += countOf(r, fleet.Failed)
		}
	}
	if places <= 0 {
		return false
	}
	r.Probes = append(r.Probes, fleet.Probe{Holder: holder, Number: number, Remaining: terms.Lease})
	return true
}

// verdict says what state the results of the probes lead to, as soon as it is certain.
// From three live instances up, one instance's failures do not open the fleet again.
func verdict(r *fleet.Row, terms circuit.Settings, live int) (circuit.State, bool) {
	switch {
	case countOf(r, fleet.Succeeded) >= terms.Successes:
		return circuit.Closed, true
	case countOf(r, fleet.Failed) > terms.Probes-terms.Successes && (live < 3 || failers(r) >= 2):
		return circuit.Open, true
	}
	return 0, false
}

// failers is how many instances' probes have failed; those that nobody settled count as
// one more each.
func failers(r *fleet.Row) int {
	var names []string
	lost := 0
	for _, p := range r.Probes {
		switch {
		case p.Result != fleet.Failed:
		case p.Holder == "":
			lost++
		case !slices.Contains(names, p.Holder):
			names = append(names, p.Holder)
		}
	}
	return len(names) + lost
}
