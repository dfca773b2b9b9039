// Package highwayotel gives the metrics of circuit protectors, retry policies and storages
// to OpenTelemetry, and what happens to a call to its span.
//
// It needs OpenTelemetry's interfaces only; which SDK and which exporter is for the program
// to say. Metrics and events are listed in docs/telemetry.md.
package highwayotel

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/metrics"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Scope is the name of the instrumentation scope of all metrics.
const Scope = "github.com/highway-engine/highway/otel"

// DefaultMaxKeys is what MaxKeys zero stands for.
const DefaultMaxKeys = metrics.DefaultMaxKeys

// Config says what is measured and who is told. The zero Config is protectors without
// storages, and the global meter provider.
type Config struct {
	// MeterProvider is told. Nil means that of [otel.GetMeterProvider].
	MeterProvider metric.MeterProvider

	// MaxKeys is how many resource keys have an attribute of their own, and as many names
	// of retry policies. The first ones keep theirs for good; all others are added up
	// under "_other". Zero means [DefaultMaxKeys].
	//
	// The SDK has a limit of its own, 2000 sets of attributes for each instrument unless
	// its WithCardinalityLimit says otherwise. A key has up to ten, so from 200 keys on
	// set that to ten times as many.
	MaxKeys int

	// Storages are those whose requests are measured, usually one:
	// [highway.DefaultStorage], or the one that the policies name. A nil one is none.
	Storages []highway.Storage
}

// Metrics are the instruments on a meter provider. They are safe for concurrent use, and
// keep no protector alive.
type Metrics struct {
	reader *metrics.Reader
	close  func() error
}

// NewMetrics makes the instruments, which read the protectors that all gives whenever the
// provider's reader collects, for instance those of a registry, or slices.Values of a few.
// Protectors with one resource key are added up. It returns what is wrong with the Config,
// or what the provider does not like. One for all protectors of a process is enough: a
// second one on the same provider would give the same series again.
func NewMetrics(all iter.Seq[*highway.CircuitProtector], config Config) (*Metrics, error) {
	reader, err := metrics.NewReader(all, config.MaxKeys)
	if err != nil {
		return nil, fmt.Errorf("highwayotel: %w", err)
	}
	provider := config.MeterProvider
	if provider == nil {
		provider = otel.GetMeterProvider()
	}
	meter := provider.Meter(Scope)

	requests, err := meter.Float64Histogram(metrics.StorageRequests.Name,
		metric.WithUnit(metrics.StorageRequests.Unit),
		metric.WithDescription(metrics.StorageRequests.Help),
		metric.WithExplicitBucketBoundaries(metrics.Buckets...))
	if err != nil {
		return nil, fmt.Errorf("highwayotel: %w", err)
	}
	stop := metrics.ObserveStorages(config.Storages, func(operation, outcome string, seconds float64) {
		// The request has no context that anybody else knows.
		requests.Record(context.Background(), seconds, metric.WithAttributes(
			attribute.String(metrics.Operation, operation), attribute.String(metrics.Outcome, outcome)))
	})
	registration, err := observe(meter, reader)
	if err != nil {
		stop()
		return nil, fmt.Errorf("highwayotel: %w", err)
	}
	return &Metrics{reader: reader, close: sync.OnceValue(func() error {
		stop()
		return registration.Unregister()
	})}, nil
}

// OnAttempt returns an OnAttempt for a retry policy, whose attempts are counted under name
// from then on. That costs a call some tens of nanoseconds. Policies of one name are added up.
func (m *Metrics) OnAttempt(name string) func(context.Context, highway.Attempt) {
	return m.reader.OnAttempt(name)
}

// Close ends all measuring, and returns what the provider has to say against that. A
// second Close does nothing, and returns the same.
func (m *Metrics) Close() error { return m.close() }

// observe makes an instrument for each metric but the histogram, and one callback that
// reads all protectors once.
func observe(meter metric.Meter, reader *metrics.Reader) (metric.Registration, error) {
	whole := map[*metrics.Metric]metric.Int64Observable{}
	real := map[*metrics.Metric]metric.Float64Observable{}
	var all []metric.Observable
	for _, m := range metrics.All {
		unit, help := metric.WithUnit(m.Unit), metric.WithDescription(m.Help)
		var err error
		switch {
		case m.Kind == metrics.Histogram:
			continue
		case m.Kind == metrics.Counter:
			whole[m], err = meter.Int64ObservableCounter(m.Name, unit, help)
		case m.Kind == metrics.Sum:
			whole[m], err = meter.Int64ObservableUpDownCounter(m.Name, unit, help)
		case m.Real:
			real[m], err = meter.Float64ObservableGauge(m.Name, unit, help)
		default:
			whole[m], err = meter.Int64ObservableGauge(m.Name, unit, help)
		}
		if err != nil {
			return nil, err
		}
		if m.Real {
			all = append(all, real[m])
		} else {
			all = append(all, whole[m])
		}
	}
	return meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		for _, p := range reader.Read() {
			attributes := metric.WithAttributes(attributesOf(&p)...)
			if p.Metric.Real {
				to.ObserveFloat64(real[p.Metric], p.Value, attributes)
			} else {
				to.ObserveInt64(whole[p.Metric], int64(p.Value), attributes)
			}
		}
		return nil
	}, all...)
}

func attributesOf(p *metrics.Point) []attribute.KeyValue {
	var attributes []attribute.KeyValue
	for i, value := range p.Labels() {
		attributes = append(attributes, attribute.String(p.Metric.Labels[i], value))
	}
	return attributes
}
