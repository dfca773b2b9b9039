package highwayotel_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/highway-engine/highway"
	highwayotel "github.com/highway-engine/highway/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// BenchmarkCollect reads 10,000 protectors, under as many keys as there are by default.
func BenchmarkCollect(b *testing.B) {
	var all []*highway.CircuitProtector
	for i := range 10_000 {
		all = append(all, highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
			ResourceKey: fmt.Sprintf("host-%d.example", i), CountCalls: true,
		})))
	}
	reader := sdkmetric.NewManualReader()
	m := must(highwayotel.NewMetrics(slices.Values(all), highwayotel.Config{
		MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithCardinalityLimit(10_000)),
	}))
	var data metricdata.ResourceMetrics
	b.ReportAllocs()
	for b.Loop() {
		if err := reader.Collect(context.Background(), &data); err != nil {
			b.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkEventsWithoutASpan are the listeners of a call that nobody traces.
func BenchmarkEventsWithoutASpan(b *testing.B) {
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		highwayotel.OnStatusChange(highway.StatusChange{Context: ctx})
		highwayotel.OnRefusal(ctx, nil)
		highwayotel.OnAttempt(ctx, highway.Attempt{Number: 2, Err: errDown})
	}
}
