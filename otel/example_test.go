package highwayotel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/highway-engine/highway"
	highwayotel "github.com/highway-engine/highway/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func ExampleNewMetrics() {
	reader := sdkmetric.NewManualReader() // a program has one that exports
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))

	payments := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "payments"}))

	metrics, err := highwayotel.NewMetrics(
		slices.Values([]*highway.CircuitProtector{payments}), // or all of a registry
		highwayotel.Config{MeterProvider: provider},
	)
	if err != nil {
		panic(err)
	}
	defer func() { _ = metrics.Close() }()

	_ = payments.Isolate(context.Background())

	var data metricdata.ResourceMetrics
	_ = reader.Collect(context.Background(), &data)
	for _, m := range data.ScopeMetrics[0].Metrics {
		if m.Name == "highway.circuit.state" {
			for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
				state, _ := point.Attributes.Value("highway.state")
				fmt.Println(state.AsString(), point.Value)
			}
		}
	}
	// Unordered output:
	// closed 0
	// open 1
	// half_open 0
}

// What happens to a call is in its span.
func Example_events() {
	spans := tracetest.NewSpanRecorder() // a program has an exporter
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("example")

	payments := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey:    "payments",
		FailureLimit:   highway.Fraction(1, 1),
		OnStatusChange: highwayotel.OnStatusChange,
		OnRefusal:      highwayotel.OnRefusal,
	}))
	retry := highway.RetryWithBackoffPolicy{
		Backoff:   highway.FixedDelay{},
		OnAttempt: highwayotel.OnAttempt,
	}
	net := highway.Must(highway.NewSafetyNet(retry, payments))

	ctx, span := tracer.Start(context.Background(), "checkout")
	_ = net.Do(ctx, func(context.Context) error { return errors.New("down") })
	span.End()

	for _, event := range spans.Ended()[0].Events() {
		fmt.Println(event.Name)
	}
	// Output:
	// highway.status_change
	// highway.attempt
	// highway.refusal
	// highway.attempt
}
