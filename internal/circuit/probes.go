package circuit

import (
	"cmp"
	"slices"
	"time"
)

// A Probe names one call admitted while half-open. The zero Probe is none: a call
// admitted while closed. A machine never uses a number twice, so that a probe from
// an earlier episode cannot be taken for a present one.
type Probe uint64

// probes are the calls by which a half-open machine finds out whether the resource
// has recovered. Each is a lease: one that nobody settles in time is lost, and its
// place is given to another call.
type probes struct {
	results  Window  // settled probes of this episode
	inFlight []lease // in the order in which they were granted and expire
	lost     int
}

type lease struct {
	probe   Probe
	expires time.Time
}

func (p *probes) clear() {
	p.results.Clear()
	p.inFlight = p.inFlight[:0]
	p.lost = 0
}

// configure makes them at most size probes, of which the last results are kept. A lease
// ends by latest, as one that is granted now does: so leases still end in the order in
// which they were granted.
func (p *probes) configure(size int, latest time.Time) {
	p.results.resize(size)
	for i := range p.inFlight {
		if l := &p.inFlight[i]; l.expires.After(latest) {
			l.expires = latest
		}
	}
}

// full says whether every probe of the episode is granted.
func (p *probes) full() bool {
	return p.results.Len()+len(p.inFlight) >= p.results.Size()
}

func (p *probes) grant(probe Probe, expires time.Time) {
	p.inFlight = append(p.inFlight, lease{probe, expires})
}

func (p *probes) find(probe Probe) (place int, found bool) {
	return slices.BinarySearchFunc(p.inFlight, probe, func(l lease, probe Probe) int {
		return cmp.Compare(l.probe, probe)
	})
}

// hold says whether probe has a lease that is not over at now.
func (p *probes) hold(probe Probe, now time.Time) bool {
	i, found := p.find(probe)
	return found && now.Before(p.inFlight[i].expires)
}

// take ends the lease of probe and says whether there was one.
func (p *probes) take(probe Probe) bool {
	i, found := p.find(probe)
	if found {
		p.inFlight = slices.Delete(p.inFlight, i, i+1)
	}
	return found
}

// expire ends the leases that are over at now. As many as the episode has probes
// are given back without a verdict: their callers may have crashed. From then on a
// lost probe counts as failed, so that the episode ends whatever its probes do.
func (p *probes) expire(now time.Time) {
	over := p.expired(now)
	p.inFlight = slices.Delete(p.inFlight, 0, over)
	for range over {
		if p.lost++; p.lost > p.results.Size() {
			p.results.Add(true)
		}
	}
}

// expired is how many leases are over at now: the oldest, as none ends before an older one.
func (p *probes) expired(now time.Time) int {
	n := 0
	for n < len(p.inFlight) && !now.Before(p.inFlight[n].expires) {
		n++
	}
	return n
}

func (p *probes) clone() probes {
	return probes{results: p.results.Clone(), inFlight: slices.Clone(p.inFlight), lost: p.lost}
}
