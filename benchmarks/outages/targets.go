package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/highway-engine/highway/benchmarks/internal/markdown"
)

// The verdicts on a target.
const (
	met     = "met"
	missed  = "**missed**"
	tooFew  = "not shown: too few runs"
	unknown = "not measured"
	stated  = "stated"
	noWorse = "missed by less than the error"
)

// A target is what the recommended rule shall reach.
type target struct {
	what, required, measured, verdict string
}

const (
	enoughRuns = 1000 // for a false outage that shall never happen
	mostBeyond = 10   // wasted calls
	mostOpen   = 3    // cooldowns, after the recovery
	runsOfP90  = 10   // that a 90th percentile needs
)

// The medians, in seconds, that the design's first simulation had until all refuse.
var designed = map[float64]map[int]float64{
	0.5: {3: 1.5, 5: 1.3, 10: 0.7, 20: 0.5, 200: 0.2},
	0.7: {3: 1.0, 5: 0.8, 10: 0.4, 20: 0.3, 200: 0.1},
}

func targets(rs results) []target {
	var ts []target
	for _, n := range allSizes {
		for _, sick := range []int{0, 1} {
			ts = append(ts, rs.neverFalse(n, sick))
		}
	}
	for _, n := range allSizes {
		ts = append(ts, rs.littleWaste(n))
	}
	for _, o := range outages {
		if o < 0.5 {
			continue
		}
		for _, n := range allSizes {
			ts = append(ts, rs.allRefuse(n, o))
			if designed[o][n] > 0 {
				ts = append(ts, rs.soon(n, o))
			}
		}
	}
	for _, n := range allSizes {
		ts = append(ts, rs.closesAgain(n))
	}
	return ts
}

func targetTable(rs results) *markdown.Table {
	t := &markdown.Table{
		Head: []string{"what", "target", "measured", "verdict"},
		Text: map[int]bool{1: true, 2: true, 3: true},
	}
	for _, x := range targets(rs) {
		if x.verdict != unknown {
			t.Add(x.what, x.required, x.measured, x.verdict)
		}
	}
	return t
}

// neverFalse: no false outage from five instances up; the rate of fewer is stated.
func (rs results) neverFalse(size, sick int) target {
	s := rs.share(falseCell(recommended, size, usualErrors, sick))
	none := rs.share(falseCell(recommended, size, 0, 0))
	t := target{what: fmt.Sprintf("false outages, %d instances, nobody sick", size), required: fmt.Sprintf("0/%d", enoughRuns)}
	if sick > 0 {
		t.what = fmt.Sprintf("false outages, %d instances, one sick", size)
	}
	t.measured = fmt.Sprintf("%v (at most %s with 95 %% confidence)", s, percent(s.atMost()))
	switch {
	case s.all == 0:
		t.verdict = unknown
	case size < 5:
		t.required, t.verdict = "a rate", stated
	case s.some > 0 || none.some > 0:
		t.verdict = missed
	case s.all < enoughRuns:
		t.verdict = tooFew
	default:
		t.verdict = met
	}
	return t
}

// littleWaste: the price of asking others is a few calls at any size.
func (rs results) littleWaste(size int) target {
	more := rs.beyondFirst(size, instantly)
	average, deviation := mean(more)
	t := target{
		what:     fmt.Sprintf("wasted calls, %d instances, in flight aside", size),
		required: fmt.Sprintf("≤ %d beyond first trip", mostBeyond),
		measured: fmt.Sprintf("%.1f ± %.1f, %s", average, deviation, runs(len(more))),
	}
	switch {
	case len(more) == 0:
		t.verdict = unknown
	case average > mostBeyond:
		t.verdict = missed
	default:
		t.verdict = met
	}
	return t
}

// allRefuse: a partial outage at or above the limit makes every caller refuse.
func (rs results) allRefuse(size int, outage float64) target {
	samples := rs[partialCell(size, outage)]
	s := count(samples, ended)
	seconds := each(samples, took)
	t := target{
		what:     fmt.Sprintf("all refuse, %d instances, %s fail", size, percent(outage)),
		required: "every run within 10 min",
		measured: fmt.Sprintf("%v; seconds: median %s, 90 %% %s", s, figure(median(seconds)), figure(quantile(seconds, 0.9))),
		verdict:  met,
	}
	switch {
	case s.all == 0:
		t.verdict = unknown
	case s.some < s.all:
		t.verdict = missed
	case s.all < runsOfP90:
		t.verdict = tooFew
	}
	return t
}

// soon: no later than in the design's table, which had even traffic and quick messages,
// and lost none. With few runs a median is not exact.
func (rs results) soon(size int, outage float64) target {
	samples := where(rs[partialCell(size, outage)], func(c conditions) bool {
		return c.latency == 2*time.Millisecond && c.loss == 0 && !c.skewed
	})
	middle := median(each(samples, took))
	latest := designed[outage][size] + 0.05 // it was rounded
	t := target{
		what:     fmt.Sprintf("the same, even traffic, quick messages, %d instances", size),
		required: fmt.Sprintf("median ≤ %.1f s", designed[outage][size]),
		measured: fmt.Sprintf("%.2f s, %s", middle, runs(len(samples))),
		verdict:  met,
	}
	inTime := count(samples, func(s sample) bool { return s.took < latest })
	switch {
	case len(samples) == 0:
		t.verdict = unknown
	case middle < latest:
	case inTime.probability(0.5) < 0.05:
		t.verdict = missed
	default:
		t.verdict = noWorse
	}
	return t
}

// closesAgain: one sick instance does not keep a recovered fleet open.
func (rs results) closesAgain(size int) target {
	samples := rs[recoveryCell(recommended, size, 1)]
	longest, most := quantile(each(samples, took), 1), quantile(each(samples, open), 1)
	t := target{
		what:     "recovered fleet of " + strconv.Itoa(size) + ", one sick",
		required: fmt.Sprintf("not closed for ≤ %d cooldowns of %d", mostOpen, watched),
		measured: fmt.Sprintf("at most %s, closes within %s, %s", figure(most), figure(longest), runs(len(samples))),
		verdict:  met,
	}
	switch {
	case len(samples) == 0:
		t.verdict = unknown
	case !(most <= mostOpen && longest <= mostOpen):
		t.verdict = missed
	}
	return t
}

func runs(n int) string {
	if n == 1 {
		return "1 run"
	}
	return fmt.Sprintf("%d runs", n)
}
