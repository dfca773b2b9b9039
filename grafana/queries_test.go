package grafana_test

import (
	"context"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// TestEachQueryOfTheDashboardShowsSomething: it is correct, names what there is, and gives
// values at the end of an outage, for all resources and for one.
func TestEachQueryOfTheDashboardShowsSomething(t *testing.T) {
	r := run(t)
	names := exported(r)
	for _, resource := range []string{".*", "payments|search"} {
		for title, query := range load(t).queries(resource) {
			check(t, title, query, names)
			if r.evaluate(t, query, r.end) == 0 {
				t.Errorf("%s shows nothing: %s", title, query)
			}
		}
	}
}

// TestTheAlertsOfTheDocs: each comes when everything goes wrong, and not before.
func TestTheAlertsOfTheDocs(t *testing.T) {
	docs, err := os.ReadFile("../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	r := run(t)
	names := exported(r)
	alerts := regexp.MustCompile("(?ms)^([^\n]+)\n\n```promql\n(.*?)^```").FindAllStringSubmatch(string(docs), -1)
	for _, alert := range alerts {
		title, query := alert[1], alert[2]
		check(t, title, query, names)
		came := false
		for at := r.start; !at.After(r.end); at = at.Add(scrapeInterval) {
			switch fires := r.evaluate(t, query, at) > 0; {
			case fires && !at.After(r.fall):
				t.Errorf("%s\ncomes after %v, when all is well", title, at.Sub(r.start))
			case fires:
				came = true
			}
		}
		if !came {
			t.Errorf("%s\nnever comes", title)
		}
	}
	if len(alerts) < 5 {
		t.Errorf("found only %d alerts", len(alerts))
	}
}

// target are the labels that Prometheus adds.
var target = map[string]bool{"job": true, "instance": true}

// check parses a query, and holds its metrics, labels and values against what is exported.
func check(t *testing.T, title, query string, names map[string]map[string]map[string]bool) {
	t.Helper()
	expr, err := parser.ParseExpr(query)
	if err != nil {
		t.Fatalf("%s: %v in %s", title, err, query)
	}
	known := map[string]bool{}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		there := names[selector.Name]
		if there == nil {
			t.Errorf("%s: nobody exports %q", title, selector.Name)
		}
		for label := range there {
			known[label] = true
		}
		for _, m := range selector.LabelMatchers {
			if there[m.Name] == nil || m.Type == labels.MatchEqual && !there[m.Name][m.Value] {
				t.Errorf("%s: %s has no label %v", title, selector.Name, m)
			}
		}
		return nil
	})
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if aggregate, ok := node.(*parser.AggregateExpr); ok {
			for _, label := range aggregate.Grouping {
				if !known[label] && !target[label] {
					t.Errorf("%s: nothing has a label %q", title, label)
				}
			}
		}
		return nil
	})
}

// evaluate is how many series a query gives.
func (r recording) evaluate(t *testing.T, query string, at time.Time) int {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: time.Minute})
	defer func() { _ = engine.Close() }()
	q, err := engine.NewInstantQuery(context.Background(), r, nil, query, at)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	result := q.Exec(context.Background())
	vector, err := result.Vector()
	if err != nil {
		t.Fatalf("%v in %s", err, query)
	}
	return len(vector)
}

// Querier implements [storage.Queryable].
func (r recording) Querier(from, to int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		var found []storage.Series
		for _, s := range r.series {
			if !matches(s.labels, matchers) {
				continue
			}
			var samples []chunks.Sample
			for _, v := range s.samples {
				if from <= v.at && v.at <= to {
					samples = append(samples, v)
				}
			}
			if samples != nil {
				found = append(found, storage.NewListSeries(s.labels, samples))
			}
		}
		return &set{series: found}
	}}, nil
}

func matches(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// A set is the answer of the recording.
type set struct {
	series []storage.Series
	next   int
}

func (s *set) Next() bool         { s.next++; return s.next <= len(s.series) }
func (s *set) At() storage.Series { return s.series[s.next-1] }
func (s *set) Err() error         { return nil }

// Warnings implements [storage.SeriesSet].
func (s *set) Warnings() annotations.Annotations { return nil }

// A sample implements [chunks.Sample].
type sample struct {
	at    int64
	value float64
}

func (s sample) T() int64                      { return s.at }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }
