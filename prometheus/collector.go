// Package highwayprometheus gives the metrics of circuit protectors, retry policies and
// storages to Prometheus.
//
// A [Collector] is registered like any other; nothing happens until it is scraped, and a
// call never waits for it. The metrics are listed in docs/telemetry.md. They have the names
// and labels that package highwayotel's have when they arrive in a Prometheus, so that one
// dashboard, grafana/highway.json, is for both.
package highwayprometheus

import (
	"context"
	"fmt"
	"iter"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/metrics"
	"github.com/prometheus/client_golang/prometheus"
)

// DefaultMaxKeys is what MaxKeys zero stands for.
const DefaultMaxKeys = metrics.DefaultMaxKeys

// Config says what a [Collector] collects. The zero Config is protectors without storages.
type Config struct {
	// MaxKeys is how many resource keys have a label of their own, and as many names of
	// retry policies. The first ones keep theirs for good; all others are added up under
	// "_other". Some 25 series belong to each key. Zero means [DefaultMaxKeys].
	MaxKeys int

	// Storages are those whose requests are measured, usually one:
	// [highway.DefaultStorage], or the one that the policies name. A nil one is none.
	Storages []highway.Storage
}

// A Collector collects the metrics of protectors, retry policies and storages. It is safe
// for concurrent use. It keeps no protector alive.
type Collector struct {
	reader       *metrics.Reader
	descriptions map[*metrics.Metric]*prometheus.Desc
	requests     *prometheus.HistogramVec
	stop         func()
}

// NewCollector returns a collector of the protectors that all gives at each scrape, for
// instance those of a registry, or slices.Values of a few. Protectors with one resource key
// are added up. What is wrong with the Config is an error. The collector is not registered:
//
//	prometheus.MustRegister(collector)
//
// One collector for all protectors of a process is enough. A registry takes two only if
// prometheus.WrapRegistererWith gives each its own value of a label.
func NewCollector(all iter.Seq[*highway.CircuitProtector], config Config) (*Collector, error) {
	reader, err := metrics.NewReader(all, config.MaxKeys)
	if err != nil {
		return nil, fmt.Errorf("highwayprometheus: %w", err)
	}
	requests := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    metrics.StorageRequests.Prometheus,
		Help:    metrics.StorageRequests.Help,
		Buckets: metrics.Buckets,
	}, labels(metrics.StorageRequests))
	stop := metrics.ObserveStorages(config.Storages, func(operation, outcome string, seconds float64) {
		requests.WithLabelValues(operation, outcome).Observe(seconds)
	})
	c := &Collector{
		reader:       reader,
		descriptions: map[*metrics.Metric]*prometheus.Desc{},
		requests:     requests,
		stop:         stop,
	}
	for _, m := range metrics.All {
		if m.Kind != metrics.Histogram {
			c.descriptions[m] = prometheus.NewDesc(m.Prometheus, m.Help, labels(m), nil)
		}
	}
	return c, nil
}

// OnAttempt returns an OnAttempt for a retry policy, whose attempts are counted under name
// from then on. That costs a call some tens of nanoseconds. Policies of one name are added up.
func (c *Collector) OnAttempt(name string) func(context.Context, highway.Attempt) {
	return c.reader.OnAttempt(name)
}

// Close ends the measuring of storages. The collector can still be scraped.
func (c *Collector) Close() { c.stop() }

// Describe implements [prometheus.Collector]. It gives all metrics, also those that there
// are no values of, so a registry checks the collector when it is registered.
func (c *Collector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, m := range metrics.All {
		if d := c.descriptions[m]; d != nil {
			descriptions <- d
		}
	}
	c.requests.Describe(descriptions)
}

// Collect implements [prometheus.Collector]. It takes a snapshot of each protector, which
// the calls through it do not wait for longer than for one another.
func (c *Collector) Collect(values chan<- prometheus.Metric) {
	for _, p := range c.reader.Read() {
		kind := prometheus.GaugeValue
		if p.Metric.Kind == metrics.Counter {
			kind = prometheus.CounterValue
		}
		values <- prometheus.MustNewConstMetric(c.descriptions[p.Metric], kind, p.Value, p.Labels()...)
	}
	c.requests.Collect(values)
}

// labels are the names of a metric's labels.
func labels(m *metrics.Metric) []string {
	var names []string
	for _, attribute := range m.Labels {
		names = append(names, metrics.LabelName(attribute))
	}
	return names
}
