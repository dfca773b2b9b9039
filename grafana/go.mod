module github.com/highway-engine/highway/grafana

go 1.25.0

require (
	github.com/highway-engine/highway v0.0.0
	github.com/highway-engine/highway/prometheus v0.0.0
	github.com/prometheus/client_golang v1.24.1
	github.com/prometheus/prometheus v0.310.0
)

replace github.com/highway-engine/highway => ..

replace github.com/highway-engine/highway/prometheus => ../prometheus
