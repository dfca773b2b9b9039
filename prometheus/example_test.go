package highwayprometheus_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/highway-engine/highway"
	highwayprometheus "github.com/highway-engine/highway/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func Example() {
	payments := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "payments"}))

	collector, err := highwayprometheus.NewCollector(
		slices.Values([]*highway.CircuitProtector{payments}), // or all of a registry
		highwayprometheus.Config{},
	)
	if err != nil {
		panic(err)
	}
	prometheus.MustRegister(collector)
	http.Handle("/metrics", promhttp.Handler())

	retry := highway.RetryWithBackoffPolicy{
		Backoff:   highway.FixedDelay{},
		OnAttempt: collector.OnAttempt("charge"),
	}
	_ = retry.Do(context.Background(), func(context.Context) error { return errors.New("down") })

	scrape := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(scrape, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(scrape.Body.String()) {
		if strings.HasPrefix(line, "highway_circuit_state") || strings.HasPrefix(line, "highway_retry") {
			fmt.Print(line)
		}
	}
	// Output:
	// highway_circuit_state{highway_resource_key="payments",highway_state="closed"} 1
	// highway_circuit_state{highway_resource_key="payments",highway_state="half_open"} 0
	// highway_circuit_state{highway_resource_key="payments",highway_state="open"} 0
	// highway_retry_attempts_total{highway_outcome="failed",highway_policy="charge"} 1
	// highway_retry_attempts_total{highway_outcome="recovered",highway_policy="charge"} 0
	// highway_retry_attempts_total{highway_outcome="refused",highway_policy="charge"} 0
	// highway_retry_attempts_total{highway_outcome="retried",highway_policy="charge"} 3
	// highway_retry_attempts_total{highway_outcome="success",highway_policy="charge"} 0
}
