package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// A Result is what a run of one seed has come to.
type Result struct {
	Seed       uint64
	Hours      float64 // of instances
	Faults     [Faults]int
	Stats      Stats
	Violations []Violation
	History    []string
}

// Play draws a fleet and its faults from a seed, lets things go wrong for some minutes,
// then lets all faults end but perhaps that of the dependency, and looks whether the
// fleet comes to agree. With all it keeps the whole history.
//
// What it cannot check: that a storage which hangs or panics delays no call (S9), as a
// member does no I/O; that two decisions under one lock cannot overlap (S1), as the
// storage of a world does one thing at a time.
func Play(seed uint64, all bool) Result {
	s := draw(seed)
	w := New(s.Config)
	w.check = newChecker(w)
	w.check.verbose, w.check.calm = all, s.calm
	for _, in := range w.members {
		in.seen = watched{}
	}
	w.count(s)
	w.Run(s.Plan.Ends)
	w.heal(s)
	for _, in := range w.members {
		w.alive += (w.now - in.born).Seconds()
	}
	return Result{
		Seed: seed, Hours: w.alive / 3600, Faults: w.trouble.count, Stats: w.Stats,
		Violations: w.check.violations, History: w.check.history,
	}
}

// A scenario is a run as drawn from a seed.
type scenario struct {
	Config
	calm     bool // nothing ever fails and nobody commands
	failing  bool // the dependency fails in the end
	settings []circuit.Settings
	phases   []phase
	sick     []Incident
}

// A phase is how the dependency does for a while.
type phase struct {
	from  time.Duration
	fails float64
	slow  time.Duration
}

// draw makes a scenario.
func draw(seed uint64) *scenario {
	r := rand.New(rand.NewPCG(seed, 0))
	pick := func(n int) int { return r.IntN(n) }
	span := func(least, most time.Duration) time.Duration {
		return least + time.Duration(r.Int64N(int64(most-least)+1))
	}
	often := func(share float64) bool { return r.Float64() < share }

	ends := span(4*time.Minute, 12*time.Minute)
	p := &Plan{Ends: ends}
	s := &scenario{calm: pick(8) == 0, failing: pick(2) == 0}
	n := []int{1, 2, 3, 3, 3, 4, 5, 5, 6, 8}[pick(10)]
	s.Config = Config{
		Seed: seed, Instances: n, Rule: fleet.SequentialTest{}, Poll: 2 * time.Second, Plan: p,
		Network: Network{Latency: span(time.Millisecond, 30*time.Millisecond), Doubled: 0},
	}
	if pick(10) == 0 {
		s.Rule = fleet.FirstTrip{}
	}
	if pick(3) == 0 {
		s.Ignores = 0.1
	}
	s.Circuit = settings(r)
	mixed := pick(4) == 0
	rates := make([]float64, n)
	for i := range n {
		s.settings = append(s.settings, s.Circuit)
		if mixed {
			s.settings[i] = settings(r)
		}
		rates[i] = 0.5 + 2.5*r.Float64()*r.Float64()
	}
	s.Each = func(i int) circuit.Settings { return s.settings[i] }
	s.Rate = func(i int) float64 { return rates[i] }

	incidents := func(share float64, most int, least, longest time.Duration, instances int) (list []Incident) {
		if !often(share) {
			return nil
		}
		at := time.Duration(0)
		for range 1 + pick(most) {
			at += span(0, ends/2)
			lasts := span(least, longest)
			if at+lasts >= ends {
				break
			}
			list = append(list, Incident{At: at, Lasts: lasts, Instance: pick(instances)})
			at += lasts
		}
		return list
	}
	if often(0.7) {
		p.Lost = 0.2 * r.Float64() * r.Float64()
	}
	if often(0.6) {
		p.LostHints = 0.8 * r.Float64()
	}
	if often(0.6) {
		p.Late, p.Repeated = 0.1*r.Float64(), 0.1*r.Float64()
	}
	p.Cuts = append(incidents(0.5, 4, time.Second, time.Minute, n), incidents(0.3, 4, time.Second, 20*time.Second, n)...)
	p.Outages = incidents(0.5, 3, time.Second, 90*time.Second, 1)
	p.Failovers = incidents(0.35, 3, 20*time.Millisecond, 10*time.Second, 1)
	p.Deletions = incidents(0.25, 2, 0, 1, 2)
	p.Clocks = incidents(0.3, 2, time.Second, 40*time.Second, 1)
	for i := range p.Clocks {
		c := &p.Clocks[i]
		if pick(2) == 0 {
			c.Lasts = -c.Lasts
		}
		if pick(3) == 0 {
			c.Lasts *= 100
		}
	}
	p.Crashes = append(incidents(0.5, 4, 100*time.Millisecond, 40*time.Second, n), incidents(0.2, 8, time.Millisecond, 2*time.Second, n)...)
	p.Pauses = incidents(0.4, 4, 100*time.Millisecond, 50*time.Second, n)

	// The dependency.
	if s.calm {
		s.failing = false
		s.phases = []phase{{slow: span(0, 300*time.Millisecond)}}
	} else {
		for at := time.Duration(0); at < ends; at += span(10*time.Second, 3*time.Minute) {
			ph := phase{from: at, fails: []float64{0, 0.02, 0.05, 1, 1, 0.5, 0.7, 0.3}[pick(8)]}
			if pick(4) == 0 {
				ph.slow = span(100*time.Millisecond, 8*time.Second)
			}
			s.phases = append(s.phases, ph)
		}
		end := phase{from: ends}
		if s.failing {
			end.fails = 1
		}
		s.phases = append(s.phases, end)
		s.sick = incidents(0.4, 3, 20*time.Second, 2*time.Minute, n)
		for _, c := range incidents(0.35, 4, 5*time.Second, 60*time.Second, commands) {
			p.Commands = append(p.Commands, Incident{At: c.At, Lasts: c.Lasts, Instance: c.Instance})
		}
	}
	for _, c := range incidents(0.3, 6, 0, 1, n) {
		p.Changes = append(p.Changes, Change{At: c.At, Instance: c.Instance, Circuit: settings(r)})
	}
	if often(0.3) {
		s.Asks = r.Float64()
	}
	return s
}

func settings(r *rand.Rand) circuit.Settings {
	s := circuit.Settings{Window: 4 + r.IntN(17), Probes: 1 + r.IntN(4)}
	s.Failures = max(1, s.Window*(3+r.IntN(5))/10)
	s.Successes = 1 + r.IntN(s.Probes)
	s.Cooldown = time.Duration(3+r.IntN(18)) * time.Second
	s.Lease = time.Duration(2+r.IntN(4)) * time.Second
	return s
}

// count counts the faults that are no incidents, and gives the world its dependency.
func (w *World) count(s *scenario) {
	for _, ph := range s.phases {
		switch {
		case ph.fails == 1:
			w.fault(HardOutage)
		case ph.fails > 0.1:
			w.fault(PartialOutage)
		}
		if ph.slow > 0 {
			w.fault(SlowDependency)
		}
	}
	w.trouble.count[Sick] += len(s.sick)
	for _, own := range s.settings {
		if own != s.Circuit {
			w.fault(Mixed)
		}
	}
	now := 0
	phase := func(at time.Duration) *phase {
		for now+1 < len(s.phases) && s.phases[now+1].from <= at {
			now++
		}
		return &s.phases[now]
	}
	w.Fails = func(instance int, at time.Duration) float64 {
		for _, i := range s.sick {
			if i.Instance == instance && i.during(at) {
				return 1
			}
		}
		return phase(at).fails
	}
	w.Took = func(failed bool) time.Duration {
		d := phase(w.now).slow
		if failed {
			d /= 4
		}
		return time.Duration(float64(d+10*time.Millisecond) * (0.5 + w.random.ExpFloat64()))
	}
}

// heal lets time pass without faults, and checks what is promised then.
func (w *World) heal(s *scenario) {
	c := w.check
	w.note("all faults end; the dependency fails: %v", s.failing)
	if w.row().Hold != fleet.NoHold {
		w.command(commandRelease, 0)
	}
	var longest circuit.Settings
	all := slices.Clone(s.settings)
	for _, change := range w.Plan.Changes {
		all = append(all, change.Circuit)
	}
	for _, o := range all {
		longest.Cooldown = max(longest.Cooldown, o.Cooldown)
		longest.Lease = max(longest.Lease, o.Lease)
		longest.Probes = max(longest.Probes, o.Probes)
		longest.Window = max(longest.Window, o.Window)
	}
	// A backoff, two polls and their round trips; late messages.
	agree := 12 * time.Second
	// How long HALF_OPEN may last: all leases lost, a few more, the dead forgotten.
	half := time.Duration(longest.Probes+4)*longest.Lease + 25*time.Second
	open := longest.Cooldown
	if s.Asks > 0 {
		open *= mostAsked
	}
	settle := agree + 3*open + 2*half + time.Duration(longest.Window)*3*time.Second
	var steady fleet.Identity
	for end := w.now + settle + 20*time.Second; w.now < end; {
		w.Run(w.now + time.Second)
		row := w.row()
		quiet := w.now - max(c.since, w.Plan.Ends)
		if quiet > 6*time.Second && w.now > w.Plan.Ends+agree {
			for _, in := range w.members {
				if got := in.Row(); !sameEpisode(got.Identity, row.Identity) {
					c.broken("L1", "%s holds %s, %v after the row became %s", in.name, describe(got), quiet, describe(row))
				}
			}
		}
		if row.State == circuit.HalfOpen && quiet > half {
			c.broken("L2", "the fleet has been half-open for %v: %s", quiet, describe(row))
		}
		if w.now < end-20*time.Second {
			continue
		}
		if !s.failing {
			if steady != (fleet.Identity{}) && steady != row.Identity {
				c.broken("S12", "the row still changes: %s", describe(row))
			}
			steady = row.Identity
			if row.State != circuit.Closed {
				c.broken("L3", "the dependency is healthy, the row %s", describe(row))
			}
		}
		for _, in := range w.members {
			state := in.State(w.at(in))
			if !s.failing && state != circuit.Closed {
				c.broken("L3", "the dependency is healthy, %s is %v, its row %s, the row %s", in.name, state, describe(in.Row()), describe(row))
			}
			if s.failing && state == circuit.Closed {
				c.broken("L4", "the dependency fails, %s is closed, its row %s, the row %s", in.name, describe(in.Row()), describe(row))
			}
		}
	}
}

func sameEpisode(a, b fleet.Identity) bool {
	return a.Incarnation == b.Incarnation && a.Epoch == b.Epoch
}
