package highwayotel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // storages that are closed are no news here
	os.Exit(m.Run())
}

var errDown = errors.New("down")

// play makes calls through p: '.' one that succeeds, 'x' one that fails. Refusals are fine.
func play(ctx context.Context, p highway.Policy, calls string) {
	for _, c := range calls {
		_ = p.Do(ctx, func(context.Context) error {
			if c == 'x' {
				return errDown
			}
			return nil
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func collect(t testing.TB, reader sdkmetric.Reader) []metricdata.Metrics {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		t.Fatal(err)
	}
	var all []metricdata.Metrics
	for _, scope := range data.ScopeMetrics {
		all = append(all, scope.Metrics...)
	}
	return all
}

// values are all points as text, such as "highway.circuit.state{a,closed}"; of a histogram
// the count.
func values(t testing.TB, reader sdkmetric.Reader) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	add := func(name string, attributes attribute.Set, value float64) {
		var labels []string
		for _, kv := range attributes.ToSlice() {
			labels = append(labels, strings.TrimPrefix(string(kv.Key), "highway.")+"="+kv.Value.AsString())
		}
		found[fmt.Sprintf("%s{%s}", name, strings.Join(labels, ","))] = value
	}
	for _, m := range collect(t, reader) {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				add(m.Name, p.Attributes, float64(p.Value))
			}
		case metricdata.Gauge[int64]:
			for _, p := range data.DataPoints {
				add(m.Name, p.Attributes, float64(p.Value))
			}
		case metricdata.Gauge[float64]:
			for _, p := range data.DataPoints {
				add(m.Name, p.Attributes, p.Value)
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				add(m.Name, p.Attributes, float64(p.Count))
			}
		default:
			t.Errorf("%s has a %T", m.Name, m.Data)
		}
	}
	return found
}
