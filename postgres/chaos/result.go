package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// A result is what is said of a run.
type result struct {
	record     *record
	seed       uint64
	instances  int
	pooled     int
	faults     []madeFault
	proxies    map[string]int
	lost       int
	violations []violation
}

type madeFault struct {
	name  string
	times int
	why   string // it was never made
}

func (r *run) result(violations []violation) *result {
	s := &result{record: r.record, seed: r.seed, lost: r.follower.lost, violations: violations, proxies: map[string]int{}}
	for _, p := range r.places {
		s.instances += p.count
		if p.pooled {
			s.pooled++
		}
		for name, n := range p.proxy.Counts() {
			s.proxies[name] += n
		}
	}
	for _, f := range r.faults() {
		why := f.needs
		if why == "" && r.made[f.name] == 0 {
			why = "there was no time"
			if r.only != nil || r.rounds != nil {
				why = "it was not asked for"
			}
		}
		s.faults = append(s.faults, madeFault{f.name, r.made[f.name], why})
	}
	return s
}

// kept says that every promise was.
func (s *result) kept() bool { return s != nil && len(s.violations) == 0 }

// shown is how many violations of one promise are printed in full.
const shown = 3

func (s *result) print(w io.Writer) {
	fmt.Fprintf(w, "\nseed %d, %v: %d instances in %d places, %d of them behind PgBouncer in transaction mode\n",
		s.seed, s.record.ended.Sub(s.record.began).Round(time.Second), s.instances, len(s.places()), s.pooled)
	took := s.record.waits()
	fmt.Fprintf(w, "%d calls, %d of them refused; %d changes of rows, %d more lost in failovers\n",
		took.calls, took.refused, len(s.record.transitions), s.lost)
	fmt.Fprintf(w, "beside its resource a call took %v at most and more than %v in %d cases; when half-open %v at most\n",
		took.longest.Round(time.Microsecond), slowCall, took.slow, took.longestProbe.Round(time.Microsecond))
	fmt.Fprintf(w, "\n%-30s %s\n", "fault", "made")
	for _, f := range s.faults {
		if f.why == "" {
			fmt.Fprintf(w, "%-30s %4d\n", f.name, f.times)
		} else {
			fmt.Fprintf(w, "%-30s    - %s\n", f.name, f.why)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.proxies)) {
		fmt.Fprintf(w, "  %-28s %4d\n", name, s.proxies[name])
	}
	fmt.Fprintf(w, "\n%-8s %-52s %9s %6s\n", "promise", "", "compared", "broken")
	for _, c := range checks {
		n := 0
		for _, v := range s.violations {
			if v.promise == c.promise {
				n++
			}
		}
		fmt.Fprintf(w, "%-8s %-52s %9d %6d\n", c.promise, c.says, s.record.compared[c.promise], n)
	}
	printed := map[string]int{}
	for _, v := range s.violations {
		if printed[v.promise]++; printed[v.promise] > shown {
			continue
		}
		fmt.Fprintf(w, "\n%s is broken at %s by %s: %s\n", v.promise, v.at.Format("15:04:05.000"), or(v.who, "the fleet"), v.text)
		for _, line := range s.record.around(v) {
			fmt.Fprintln(w, "   ", line)
		}
	}
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func (s *result) places() map[string]bool {
	all := map[string]bool{}
	for _, e := range s.record.events {
		all[placeOf(e.Instance)] = true
	}
	return all
}

// around is what has happened last before a violation: to the instance, and to the rows.
func (r *record) around(v violation) (lines []string) {
	type line struct {
		at   time.Time
		text string
	}
	var own, all []line
	for _, e := range r.events {
		if (e.Instance == v.who || v.who == "" && e.Kind == changed) && e.Kind != called && e.Kind != slow && e.Kind != stalled {
			own = append(own, line{e.At, strings.Join(strings.Fields(fmt.Sprint(e.Instance, " ", e.Kind, " ", e.Key, " ", e.From, " ", e.To, " ", e.Reason, " ", e.Text)), " ")})
		}
	}
	for _, t := range r.transitions {
		all = append(all, line{t.at, t.String()})
	}
	for _, s := range r.spans {
		all = append(all, line{s.from, "begins: " + s.what.String() + " " + s.name})
		if !s.to.IsZero() {
			all = append(all, line{s.to, "ends: " + s.what.String() + " " + s.name})
		}
	}
	for key, healths := range r.healths {
		for _, h := range healths {
			all = append(all, line{h.since, fmt.Sprintf("resource %s: fails %t, victim %q, slow %v", key, h.fails, h.victim, h.slow)})
		}
	}
	var last []line
	for _, some := range [][]line{own, all} {
		some = slices.DeleteFunc(some, func(l line) bool { return l.at.After(v.at.Add(grace)) })
		slices.SortStableFunc(some, func(a, b line) int { return a.at.Compare(b.at) })
		last = append(last, some[max(0, len(some)-30):]...)
	}
	slices.SortStableFunc(last, func(a, b line) int { return a.at.Compare(b.at) })
	for _, l := range last {
		lines = append(lines, l.at.Format("15:04:05.000 ")+l.text)
	}
	return lines
}

func (w what) String() string {
	return []string{"apart", "stopped", "clock set", "failover", "start", "deletion", "Python program"}[w]
}
