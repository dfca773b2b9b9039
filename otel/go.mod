module github.com/highway-engine/highway/otel

go 1.25.0

require (
	github.com/highway-engine/highway v0.0.0
	github.com/highway-engine/highway/prometheus v0.0.0
	github.com/prometheus/client_golang v1.24.1
	go.opentelemetry.io/otel v1.46.0
	go.opentelemetry.io/otel/exporters/prometheus v0.68.0
	go.opentelemetry.io/otel/metric v1.46.0
	go.opentelemetry.io/otel/sdk v1.46.0
	go.opentelemetry.io/otel/sdk/metric v1.46.0
	go.opentelemetry.io/otel/trace v1.46.0
)

replace github.com/highway-engine/highway => ..

replace github.com/highway-engine/highway/prometheus => ../prometheus
