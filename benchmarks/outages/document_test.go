package main

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// tiny asks every question about few and small fleets.
var tiny = extent{
	falsely:  map[int]effort{3: {2, 1}},
	hard:     map[int]effort{3: {2, 2}, 20: {2, 2}},
	partial:  map[int]effort{5: {2, 1}},
	recovery: map[int]effort{5: {2, 1}},
}

func run(t *testing.T, p plan, workers int) results {
	t.Helper()
	rs, err := p.do(context.Background(), workers, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestResultsDoNotDependOnTheWorkers(t *testing.T) {
	p := tiny.plan()
	if one, three := run(t, p, 1), run(t, p, 3); !reflect.DeepEqual(one, three) {
		t.Errorf("%v with one worker, %v with three", one, three)
	}
}

func TestCancelledRunsAreNoResults(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := tiny.plan().do(ctx, 2, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestOrderOfTheRulesInAHardOutage(t *testing.T) {
	wants := func(c cell) float64 {
		average, _ := mean(each(run(t, plan{c: 4}, 2)[c], wasted))
		return average
	}
	latency := 2 * time.Millisecond
	first, asked, each := wants(hardCell(firstTrip, 20, latency)), wants(hardCell(recommended, 20, latency)), wants(hardCell(alone, 20, latency))
	if !(first < asked && asked < each) {
		t.Errorf("wasted calls: first trip %v, recommended %v, each on its own %v", first, asked, each)
	}
}

func TestFiguresOfLittle(t *testing.T) {
	rs := results{
		falseCell(recommended, 5, usualErrors, 0):    {{suspicions: 12}, {opened: true, suspicions: 3}},
		falseCell(firstTrip, 5, usualErrors, 0):      {{opened: true}},
		hardCell(recommended, 5, instantly):          {{wasted: 30}, {wasted: 31}},
		hardCell(firstTrip, 5, instantly):            {{wasted: 20}, {wasted: 19}},
		hardCell(recommended, 5, 2*time.Millisecond): {{wasted: 40}, {wasted: 42}},
		hardCell(firstTrip, 5, 2*time.Millisecond):   {{wasted: 30}, {wasted: 30}},
		partialCell(5, 0.5):                          {{took: 2}, {took: 2}, {took: math.Inf(1)}},
		recoveryCell(recommended, 5, 1):              {{took: 0.5, open: 0.75}},
		falseCell(recommended, 20, usualErrors, 1):   make([]sample, 1000),
		falseCell(recommended, 20, 0, 0):             make([]sample, 10),
		falseCell(recommended, 10, usualErrors, 1):   make([]sample, 999),
		recoveryCell(recommended, 10, 1):             {{took: 0.5, open: 3.01}},
		hardCell(recommended, 200, instantly):        {{wasted: 30}},
		hardCell(firstTrip, 200, instantly):          {{wasted: 20}},
		falseCell(recommended, 3, usualErrors, 0):    {{opened: true}},
	}
	text := strings.Join(strings.Fields(figures(rs)), " ")
	for _, want := range []string{
		"| 5 | 1/1 | – | 1/2 | – | – | 15 |",
		"false outages, 5 instances, nobody sick | 0/1000 | 1/2 (at most 97 % with 95 % confidence) | **missed** |",
		"false outages, 20 instances, one sick | 0/1000 | 0/1000 (at most 0.3 % with 95 % confidence) | met |",
		"false outages, 10 instances, one sick | 0/1000 | 0/999 (at most 0.3 % with 95 % confidence) | not shown: too few runs |",
		"false outages, 3 instances, nobody sick | a rate | 1/1 (at most 100 % with 95 % confidence) | stated |",
		"the same, even traffic, quick messages, 5 instances | median ≤ 1.3 s | 2.00 s, 3 runs | missed by less than the error |",
		"wasted calls, 5 instances, in flight aside | ≤ 10 beyond first trip | 11.0 ± 1.0, 2 runs | **missed** |",
		"wasted calls, 200 instances, in flight aside | ≤ 10 beyond first trip | 10.0 ± 0.0, 1 run | met |",
		"all refuse, 5 instances, 50 % fail | every run within 10 min | 2/3; seconds: median 2.0, 90 % never | **missed** |",
		"recovered fleet of 5, one sick | not closed for ≤ 3 cooldowns of 10 | at most 0.8, closes within 0.5, 1 run | met |",
		"recovered fleet of 10, one sick | not closed for ≤ 3 cooldowns of 10 | at most 3.0, closes within 0.5, 1 run | **missed** |",
		"| 5 | – | – | – | 2.0 | never | 2/3 | – | – | – |",
		"| 5 | recommended | 1 | 1 | 0.5 | 0.5 | 0.5 | 0.8 | 0.8 | 0.8 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, figures(rs))
		}
	}
}

func TestChartIsXMLWithEveryFigure(t *testing.T) {
	rs := results{}
	for _, n := range []int{3, 200} {
		rs[falseCell(recommended, n, usualErrors, 0)] = make([]sample, 1000)
		rs[falseCell(firstTrip, n, usualErrors, 0)] = []sample{{opened: true}}
		for _, r := range rules {
			rs[hardCell(r, n, 2*time.Millisecond)] = []sample{{wasted: int64(n + len(r))}}
		}
	}
	svg, err := chart(panels(rs))
	if err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"0/1000", "1/1", "each instance on its own", "215", "Arial", "instances"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("%q is not in the chart", want)
		}
	}
}
