package highwayprometheus_test

import (
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/highway-engine/highway"
	highwayprometheus "github.com/highway-engine/highway/prometheus"
	"github.com/highway-engine/highway/registry"
)

// TestCountersOfARegistryNeverFall: protectors are retired and made again, and the sums of
// their failures only rise.
func TestCountersOfARegistryNeverFall(t *testing.T) {
	protectors := must(registry.New(registry.Config{Limit: 3, Policy: highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(2, 2),
	}}))
	collector := must(highwayprometheus.NewCollector(protectors.All(), highwayprometheus.Config{MaxKeys: 2}))
	failures := regexp.MustCompile(`highway_circuit_calls_total\{highway_outcome="failure",highway_resource_key="[^"]*"\} (\d+)`)
	for i := range 50 {
		p := must(protectors.Get(fmt.Sprint(i % 7)))
		play(p, "x.")
		sum := 0
		for _, m := range failures.FindAllStringSubmatch(scrape(t, collector), -1) {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
		if sum != i+1 {
			t.Fatalf("after %d failures the sum is %d", i+1, sum)
		}
		protectors.Remove(fmt.Sprint((i + 3) % 7))
		runtime.GC()
	}
}
