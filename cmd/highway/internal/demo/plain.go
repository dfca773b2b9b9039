package demo

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// Plain writes what happens as lines of plain text until the run ends: one for each
// phase of the server and each change of state in the fleet, and now and then one with
// the totals. If w fails it stops the run.
func Plain(run *Run, w io.Writer) error {
	p := plain{w: w, told: make([]int, len(run.instances)), phase: -1}
	p.print("highway demo: %s · server on %s\n", run.config.headline(), run.server.url)
	if place := run.meeting.place(); place != "" {
		p.print("%s\n", place)
	}
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for p.err == nil {
		select {
		case <-run.Done():
			p.tell(run.frame())
			return p.err
		case <-ticks.C:
			p.tell(run.frame())
		}
	}
	run.Stop()
	<-run.Done()
	return p.err
}

// plain remembers what of a run it has told already.
type plain struct {
	w      io.Writer
	err    error // of the first failed write
	phase  int   // the phase it has told of
	turns  int   // the turns of sick networks
	told   []int // how many changes of each instance
	totals int   // how many times the totals
}

// An event is a line to be told, with its instant.
type event struct {
	at   time.Duration
	line string
}

// tell writes what is new in f, in the order in which it happened.
func (p *plain) tell(f frame) {
	var events []event
	for now := f.scenario.at(f.elapsed); p.phase < now; {
		p.phase++
		span := f.scenario[p.phase]
		events = append(events, event{span.from, fmt.Sprintf("%-13s is %s", "the server", span.phase)})
	}
	events = append(events, p.networks(f)...)
	for i, row := range f.rows {
		for _, c := range row.history[p.told[i]:] {
			events = append(events, event{c.at, fmt.Sprintf("%-13s %s → %s, %s", row.name, c.from, c.to, c.reason)})
		}
		p.told[i] = len(row.history)
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	for _, e := range events {
		p.print("%8s  %s\n", seconds(e.at), e.line)
	}
	p.tellTotals(f)
}

// networks is what is new of the networks of sick instances.
func (p *plain) networks(f frame) []event {
	turns := [...]event{
		{f.scenario.sickFrom(), "is sick: its own network is bad"},
		{f.scenario.sickTo(), "is well again"},
	}
	var events []event
	for ; p.turns < len(turns) && turns[p.turns].at <= f.elapsed; p.turns++ {
		for _, row := range f.rows {
			if row.sick {
				turn := turns[p.turns]
				events = append(events, event{turn.at, fmt.Sprintf("%-13s %s", row.name, turn.line)})
			}
		}
	}
	return events
}

// tellTotals writes the totals ten times a run, but at most once a second.
func (p *plain) tellTotals(f frame) {
	every := max(f.config.Duration/10, time.Second)
	n := int(min(f.elapsed, f.config.Duration) / every)
	if n <= p.totals {
		return
	}
	p.totals = n
	percent, _ := f.progress()
	p.print("%8s  %3d %%: calls %s, failed %s, refused %s, retries %s; wasted %s, each on its own %s, without breakers %s\n",
		seconds(f.elapsed), percent, grouped(f.protected.calls()), grouped(f.protected.failed),
		grouped(f.protected.refused), grouped(f.protected.retries),
		grouped(f.protected.wasted), grouped(f.unshared.wasted), grouped(f.unprotected.wasted))
}

func (p *plain) print(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
