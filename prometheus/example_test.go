package highwayprometheus_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/highway-engine/highway"
	highwayprometheus "github.com/highway-engine/highway/prometheus"
	"github.com/highway-engine/highway/registry"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
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

// Several registries are one collector's.
func ExampleNewCollector() {
	hosts := highway.Must(registry.New(registry.Config{}))
	services := highway.Must(registry.New(registry.Config{}))

	everything := func(yield func(*highway.CircuitProtector) bool) {
		for _, some := range []iter.Seq[*highway.CircuitProtector]{hosts.All(), services.All()} {
			for protector := range some {
				if !yield(protector) {
					return
				}
			}
		}
	}
	collector, err := highwayprometheus.NewCollector(everything, highwayprometheus.Config{})
	if err != nil {
		panic(err)
	}
	defer collector.Close()

	_ = highway.Must(hosts.Get("search.example.com"))
	_ = highway.Must(services.Get("orders.Orders"))
	fmt.Println(testutil.CollectAndCount(collector, "highway_circuit_failure_ratio"))
	// Output: 2
}
