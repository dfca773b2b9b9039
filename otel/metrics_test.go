package highwayotel_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/metrics"
	highwayotel "github.com/highway-engine/highway/otel"
	highwayprometheus "github.com/highway-engine/highway/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// busy runs test with a fleet that has had some of everything, and ends it.
func busy(t *testing.T, test func(t *testing.T, all []*highway.CircuitProtector, storage highway.Storage, work func())) {
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		policy := highway.CircuitProtectorPolicy{
			ResourceKey: "payments", FailureLimit: highway.Fraction(2, 4), CountCalls: true,
		}
		payments := highway.Must(highway.NewCircuitProtector(policy))
		policy.ResourceKey, policy.Storage = "search", storage
		search := highway.Must(highway.NewCircuitProtector(policy))
		synctest.Wait() // the first requests are over: observers see the same ones
		test(t, []*highway.CircuitProtector{payments, search}, storage, func() {
			play(t.Context(), payments, "..xx.")
			play(t.Context(), search, "..x")
			if err := search.Isolate(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
		})
		if err := storage.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestMetricsOfAProvider(t *testing.T) {
	busy(t, func(t *testing.T, all []*highway.CircuitProtector, storage highway.Storage, work func()) {
		reader := sdkmetric.NewManualReader()
		provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
		m := must(highwayotel.NewMetrics(slices.Values(all), highwayotel.Config{
			MeterProvider: provider, Storages: []highway.Storage{nil, storage},
		}))
		retry := highway.RetryWithBackoffPolicy{MaxRetries: 1, Backoff: highway.FixedDelay{}, OnAttempt: m.OnAttempt("charge")}
		play(t.Context(), retry, ".x")
		work()

		got := values(t, reader)
		for name, want := range map[string]float64{
			"highway.circuit.state{resource_key=payments,state=half_open}":                            1,
			"highway.circuit.state{resource_key=search,state=open}":                                   1,
			"highway.circuit.state{resource_key=search,state=closed}":                                 0,
			"highway.circuit.transitions{reason=failure_limit_reached,resource_key=payments,to=open}": 1,
			"highway.circuit.transitions{reason=commanded,resource_key=search,to=open}":               1,
			"highway.circuit.calls{outcome=success,resource_key=payments}":                            2,
			"highway.circuit.calls{outcome=refused,resource_key=payments}":                            1,
			"highway.circuit.failure.ratio{resource_key=payments}":                                    0,
			"highway.fleet.up{resource_key=search}":                                                   1,
			"highway.retry.attempts{outcome=success,policy=charge}":                                   1,
			"highway.retry.attempts{outcome=retried,policy=charge}":                                   1,
			"highway.retry.attempts{outcome=failed,policy=charge}":                                    1,
		} {
			if value, there := got[name]; !there || value != want {
				t.Errorf("%s is %v (there: %v), want %v", name, value, there, want)
			}
		}
		if got["highway.storage.request.duration{operation=exchange,outcome=success}"] == 0 {
			t.Error("no request was measured")
		}
		found := map[string]metricdata.Metrics{}
		for _, m := range collect(t, reader) {
			found[m.Name] = m
		}
		for _, line := range metrics.All {
			m, there := found[line.Name]
			if !there || m.Unit != line.Unit || m.Description != line.Help {
				t.Errorf("%s is there: %v, as %q in %s", line.Name, there, m.Description, m.Unit)
			}
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok && sum.IsMonotonic != (line.Kind == metrics.Counter) {
				t.Errorf("%s is monotonic: %v", line.Name, sum.IsMonotonic)
			}
		}
		if len(found) != len(metrics.All) {
			t.Errorf("%d metrics are there, %d in the table", len(found), len(metrics.All))
		}

		for range 2 {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
		requests := func(values map[string]float64) map[string]float64 {
			maps.DeleteFunc(values, func(name string, _ float64) bool { return !strings.HasPrefix(name, "highway.storage") })
			return values
		}
		time.Sleep(time.Minute)
		after := values(t, reader)
		for name := range after {
			if !strings.HasPrefix(name, "highway.storage") {
				t.Errorf("after Close there is %s", name)
			}
		}
		if before, after := requests(got), requests(after); !maps.Equal(before, after) {
			t.Errorf("requests are measured after Close: %v, then %v", before, after)
		}
	})
}

// TestPrometheusHasTheSameNames: what the exporter of OpenTelemetry makes of the metrics is
// what the collector of module prometheus gives, in names, labels, types, help and values.
func TestPrometheusHasTheSameNames(t *testing.T) {
	busy(t, func(t *testing.T, all []*highway.CircuitProtector, storage highway.Storage, work func()) {
		translated, direct := prometheus.NewRegistry(), prometheus.NewRegistry()
		provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(must(exporter.New(
			exporter.WithRegisterer(translated), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo()))))
		m := must(highwayotel.NewMetrics(slices.Values(all), highwayotel.Config{
			MeterProvider: provider, Storages: []highway.Storage{nil, storage},
		}))
		c := must(highwayprometheus.NewCollector(slices.Values(all), highwayprometheus.Config{
			Storages: []highway.Storage{nil, storage},
		}))
		direct.MustRegister(c)
		m.OnAttempt("charge")
		c.OnAttempt("charge")
		work()

		want, got := exposed(t, direct), exposed(t, translated)
		for _, line := range slices.Sorted(maps.Keys(want)) {
			if !got[line] {
				t.Errorf("OpenTelemetry does not give %s", line)
			}
		}
		for _, line := range slices.Sorted(maps.Keys(got)) {
			if !want[line] {
				t.Errorf("OpenTelemetry gives %s", line)
			}
		}
		if len(want) < 50 {
			t.Errorf("only %d values were compared", len(want))
		}
		c.Close()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
}

// exposed are all values as text.
func exposed(t *testing.T, from prometheus.Gatherer) map[string]bool {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if h := m.GetHistogram(); h != nil {
				h.CreatedTimestamp = nil
				for _, b := range h.GetBucket() {
					b.Exemplar = nil
				}
			}
			if c := m.GetCounter(); c != nil {
				c.CreatedTimestamp = nil
			}
			all[fmt.Sprintf("%s %v %q %v", f.GetName(), f.GetType(), f.GetHelp(), m)] = true
		}
	}
	return all
}

// TestTheLimitOfTheSDK: what Config.MaxKeys says about it is so.
func TestTheLimitOfTheSDK(t *testing.T) {
	var all []*highway.CircuitProtector
	storage := highway.NewInMemoryStorage()
	t.Cleanup(func() { _ = storage.Close(context.Background()) })
	for i := range 250 {
		all = append(all, highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
			ResourceKey: fmt.Sprint(i), Storage: storage,
		})))
	}
	for keys, overflows := range map[int]bool{190: false, 250: true} {
		reader := sdkmetric.NewManualReader()
		m := must(highwayotel.NewMetrics(slices.Values(all), highwayotel.Config{
			MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), MaxKeys: keys,
		}))
		overflow := false
		for name := range values(t, reader) {
			overflow = overflow || strings.Contains(name, "overflow")
		}
		if overflow != overflows {
			t.Errorf("with %d keys there is an overflow: %v", keys, overflow)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTheGlobalProviderIsTheDefault(t *testing.T) {
	before := otel.GetMeterProvider()
	t.Cleanup(func() { otel.SetMeterProvider(before) })
	reader := sdkmetric.NewManualReader()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	p := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "a"}))
	m := must(highwayotel.NewMetrics(slices.Values([]*highway.CircuitProtector{p}), highwayotel.Config{}))
	if got := values(t, reader)["highway.circuit.state{resource_key=a,state=closed}"]; got != 1 {
		t.Error(got)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// brokenProvider cannot make what it is asked for.
type brokenProvider struct {
	noop.MeterProvider
	at string
}

type brokenMeter struct {
	noop.Meter
	at string
}

var errBroken = errors.New("broken")

func (p brokenProvider) Meter(string, ...metric.MeterOption) metric.Meter {
	return brokenMeter{at: p.at}
}

func (m brokenMeter) Float64Histogram(name string, o ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	if m.at == "histogram" {
		return nil, errBroken
	}
	return m.Meter.Float64Histogram(name, o...)
}

func (m brokenMeter) Int64ObservableCounter(name string, o ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	if m.at == "counter" {
		return nil, errBroken
	}
	return m.Meter.Int64ObservableCounter(name, o...)
}

func (m brokenMeter) RegisterCallback(f metric.Callback, o ...metric.Observable) (metric.Registration, error) {
	if m.at == "callback" {
		return nil, errBroken
	}
	return m.Meter.RegisterCallback(f, o...)
}

func TestWhatAProviderDoesNotLike(t *testing.T) {
	none := slices.Values([]*highway.CircuitProtector{})
	for _, at := range []string{"histogram", "counter", "callback"} {
		if _, err := highwayotel.NewMetrics(none, highwayotel.Config{MeterProvider: brokenProvider{at: at}}); !errors.Is(err, errBroken) {
			t.Errorf("a broken %s gives %v", at, err)
		}
	}
	if m, err := highwayotel.NewMetrics(none, highwayotel.Config{MeterProvider: noop.NewMeterProvider()}); err != nil || m.Close() != nil {
		t.Error(err)
	}
}

func TestWhatMakesNoSense(t *testing.T) {
	none := slices.Values([]*highway.CircuitProtector{})
	for want, make := range map[string]func() (*highwayotel.Metrics, error){
		"no sequence": func() (*highwayotel.Metrics, error) { return highwayotel.NewMetrics(nil, highwayotel.Config{}) },
		"MaxKeys": func() (*highwayotel.Metrics, error) {
			return highwayotel.NewMetrics(none, highwayotel.Config{MaxKeys: -1})
		},
	} {
		if _, err := make(); err == nil || !strings.Contains(err.Error(), "highwayotel: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, which does not have %q", err, want)
		}
	}
}
