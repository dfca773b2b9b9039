package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/highway-engine/highway/benchmarks/internal/markdown"
)

// report makes the runs, prints the figures and, if asked, writes them.
func report(ctx context.Context, e extent, workers int, write bool) error {
	rs, err := e.plan().do(ctx, workers, os.Stderr)
	if err != nil {
		return err
	}
	text := figures(rs)
	fmt.Print(text)
	if !write {
		return nil
	}
	if err := markdown.Rewrite("../docs/outages.md", markdown.Figures, text); err != nil {
		return err
	}
	return writeChart("../docs/outages.svg", rs)
}

// figures is the part of the document that is made from runs.
func figures(rs results) string {
	var b strings.Builder
	all := 0
	for _, samples := range rs {
		all += len(samples)
	}
	fmt.Fprintf(&b, "From %d runs. A cell like 0/1000 says in how many of all runs it happened.\n\n", all)
	for _, section := range []struct {
		title, says string
		table       *markdown.Table
	}{
		{"Targets", "", targetTable(rs)},
		{"False fleet-wide outages", "Runs in which the fleet opened although the dependency was healthy, by " +
			"its error rate; limit 5 of 10. The first trip's column is at 10 % too. Suspicions are the trips, at 10 %, " +
			"on which the recommended rule had to decide in all runs together.", falseTable(rs)},
		{"With sick instances", "The same at 10 %, while the calls of one instance, or of a fifth of them (at " +
			"least two), fail for a reason of their own: all of them in half of the runs, 60 % in the others.", sickTable(rs)},
		{"Three and four instances", "False outages of the recommended rule at 10 %, by what the runs took turns " +
			"with; without and with one sick instance.", smallTable(rs)},
		{"Wasted calls in a hard outage", "Calls that instances make to a dead dependency until they first refuse; limit " +
			"10 of 20, 2 % errors before; averages. Beyond first trip: by how much the recommended rule's calls exceed the first trip's in " +
			"the same runs, calls in flight aside (calls and messages take no time), and with messages of 2 and 50 ms, " +
			"where " + strconv.Itoa(callsPerSecond) + " calls a second and instance go on while the news travels.", wasteTable(rs)},
		{"Partial outages", "Seconds from the beginning of the outage until all instances refuse at once, median and " +
			"90th percentile, and in how many runs they did within ten minutes; limit 5 of 10, 10 % errors before, recommended rule. " +
			"30 % is below the limit: there either answer is right.", partialTable(rs)},
		{"After an outage, with one sick instance", "A hard outage of one and a half cooldowns ends for all instances but one. " +
			"Cooldowns that pass from then until the fleet closes, and how many of the ten that follow the recovery it is not closed; " +
			"limit 5 of 10, 2 % errors before and after.", recoveryTable(rs)},
	} {
		fmt.Fprintf(&b, "### %s\n\n", section.title)
		if section.says != "" {
			fmt.Fprintf(&b, "%s\n\n", section.says)
		}
		fmt.Fprintf(&b, "%s\n", section.table)
	}
	return b.String()
}

func opened(s sample) bool { return s.opened }

// falsely gives the share of runs with a false outage.
func (rs results) falsely(c cell) string { return rs.share(c).String() }

func (rs results) share(c cell) share { return count(rs[c], opened) }

func (s share) String() string {
	if s.all == 0 {
		return "–"
	}
	return fmt.Sprintf("%d/%d", s.some, s.all)
}

func falseTable(rs results) *markdown.Table {
	t := &markdown.Table{Head: []string{"instances", "first trip", "0 %", "10 %", "20 %", "30 %", "suspicions"}}
	for _, n := range allSizes {
		usual := falseCell(recommended, n, usualErrors, 0)
		if len(rs[usual]) == 0 {
			continue
		}
		row := []string{strconv.Itoa(n), rs.falsely(falseCell(firstTrip, n, usualErrors, 0))}
		for _, errors := range errorRates {
			row = append(row, rs.falsely(falseCell(recommended, n, errors, 0)))
		}
		t.Add(append(row, strconv.FormatUint(suspicions(rs[usual]), 10))...)
	}
	return t
}

func suspicions(samples []sample) uint64 {
	var sum uint64
	for _, s := range samples {
		sum += s.suspicions
	}
	return sum
}

func sickTable(rs results) *markdown.Table {
	t := &markdown.Table{Head: []string{"instances", "nobody", "one sick", "a fifth sick", "how many"}}
	for _, n := range allSizes {
		if len(rs[falseCell(recommended, n, usualErrors, 1)]) == 0 {
			continue
		}
		many := falseCell(recommended, n, usualErrors, several(n))
		sick := "–"
		if len(rs[many]) > 0 {
			sick = strconv.Itoa(several(n))
		}
		t.Add(strconv.Itoa(n), rs.falsely(falseCell(recommended, n, usualErrors, 0)),
			rs.falsely(falseCell(recommended, n, usualErrors, 1)), rs.falsely(many), sick)
	}
	return t
}

// where are the samples of runs under some conditions.
func where(samples []sample, has func(conditions) bool) []sample {
	var some []sample
	for run, s := range samples {
		if has(conditionsOf(run)) {
			some = append(some, s)
		}
	}
	return some
}

func smallTable(rs results) *markdown.Table {
	t := &markdown.Table{
		Head: []string{"runs with", "3", "3, one sick", "4", "4, one sick"},
	}
	for _, part := range []struct {
		name string
		has  func(conditions) bool
	}{
		{"cooldown 10 s", func(c conditions) bool { return c.cooldown == 10*time.Second }},
		{"cooldown 60 s", func(c conditions) bool { return c.cooldown == 60*time.Second }},
		{"even traffic", func(c conditions) bool { return !c.skewed }},
		{"skewed traffic", func(c conditions) bool { return c.skewed }},
		{"messages of 2 ms", func(c conditions) bool { return c.latency == 2*time.Millisecond }},
		{"messages of 50 ms", func(c conditions) bool { return c.latency == 50*time.Millisecond }},
		{"no message lost", func(c conditions) bool { return c.loss == 0 }},
		{"5 % of them lost", func(c conditions) bool { return c.loss > 0 }},
		{"fast failures", func(c conditions) bool { return c.failure < c.success }},
		{"slow failures", func(c conditions) bool { return c.failure > c.success }},
		{"all", func(conditions) bool { return true }},
	} {
		row := []string{part.name}
		for _, n := range []int{3, 4} {
			for _, sick := range []int{0, 1} {
				samples := where(rs[falseCell(recommended, n, usualErrors, sick)], part.has)
				row = append(row, count(samples, opened).String())
			}
		}
		t.Add(row...)
	}
	return t
}

func wasteTable(rs results) *markdown.Table {
	t := &markdown.Table{Head: []string{
		"instances", "runs", "on its own", "first trip", "recommended",
		"beyond first trip, in flight aside", "90 % of runs within", "beyond, 2 ms", "beyond, 50 ms",
	}}
	for _, n := range allSizes {
		usual := hardCell(recommended, n, 2*time.Millisecond)
		if len(rs[usual]) == 0 {
			continue
		}
		row := []string{strconv.Itoa(n), strconv.Itoa(len(rs[usual]))}
		for _, r := range rules {
			average, _ := mean(each(rs[hardCell(r, n, 2*time.Millisecond)], wasted))
			row = append(row, whole(average))
		}
		for i, latency := range latencies {
			more := rs.beyondFirst(n, latency)
			average, deviation := mean(more)
			row = append(row, plusMinus(average, deviation))
			if i == 0 {
				row = append(row, whole(quantile(more, 0.9)))
			}
		}
		t.Add(row...)
	}
	return t
}

// beyondFirst is by how much more calls the recommended rule wastes than the first trip.
func (rs results) beyondFirst(size int, latency time.Duration) []float64 {
	return beyond(rs[hardCell(recommended, size, latency)], rs[hardCell(firstTrip, size, latency)], wasted)
}

func partialTable(rs results) *markdown.Table {
	t := &markdown.Table{Head: []string{"instances"}}
	for _, o := range outages {
		t.Head = append(t.Head, percent(o)+": median", "90 %", "in 10 min")
	}
	for _, n := range allSizes {
		row := []string{strconv.Itoa(n)}
		runs := 0
		for _, o := range outages {
			samples := rs[partialCell(n, o)]
			runs += len(samples)
			seconds := each(samples, took)
			row = append(row, figure(median(seconds)), figure(quantile(seconds, 0.9)), count(samples, ended).String())
		}
		if runs > 0 {
			t.Add(row...)
		}
	}
	return t
}

func ended(s sample) bool { return !math.IsInf(s.took, 1) }

func recoveryTable(rs results) *markdown.Table {
	t := &markdown.Table{
		Head: []string{"instances", "rule", "sick", "runs", "closes after, median", "90 %", "longest", "not closed, median", "90 %", "most"},
		Text: map[int]bool{1: true},
	}
	for _, n := range allSizes {
		for _, c := range []cell{recoveryCell(recommended, n, 0), recoveryCell(recommended, n, 1), recoveryCell(firstTrip, n, 1)} {
			samples := rs[c]
			if len(samples) == 0 {
				continue
			}
			row := []string{strconv.Itoa(n), string(c.rule), strconv.Itoa(c.sick), strconv.Itoa(len(samples))}
			for _, f := range []func(sample) float64{took, open} {
				values := each(samples, f)
				row = append(row, figure(median(values)), figure(quantile(values, 0.9)), figure(quantile(values, 1)))
			}
			t.Add(row...)
		}
	}
	return t
}

// figure gives a number of seconds or cooldowns.
func figure(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case math.IsInf(v, 1):
		return "never"
	case v < 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// whole gives a number of calls.
func whole(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.0f", v)
}

// plusMinus gives an average with its standard error.
func plusMinus(average, deviation float64) string {
	if math.IsNaN(average) {
		return "–"
	}
	return fmt.Sprintf("%.1f ± %.1f", average, deviation)
}

// percent gives a share, with two digits that count.
func percent(share float64) string {
	decimals := 0
	if share > 0 {
		decimals = max(0, 1-int(math.Floor(math.Log10(100*share)+1e-9)))
	}
	text := strconv.FormatFloat(100*share, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text + " %"
}
