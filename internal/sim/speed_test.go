package sim

import (
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/circuit"
)

// BenchmarkAThousandInstances is a fleet of a thousand through the beginning of an outage
// and the probing after it.
func BenchmarkAThousandInstances(b *testing.B) {
	for b.Loop() {
		w := New(Config{
			Seed: 1, Instances: 1000, Rule: fleet.SequentialTest{}, Poll: 2 * time.Second,
			Circuit: circuit.Settings{Failures: 5, Window: 10, Successes: 2, Probes: 3, Cooldown: 5 * time.Second, Lease: 2 * time.Second},
			Rate:    func(int) float64 { return 1 },
			Fails: func(_ int, at time.Duration) float64 {
				if at > 10*time.Second && at < 20*time.Second {
					return 1
				}
				return 0
			},
			Took:    func(bool) time.Duration { return 20 * time.Millisecond },
			Network: Network{Latency: 2 * time.Millisecond},
		})
		w.Run(20 * time.Second)
		if w.Stats.Opened == 0 {
			b.Fatal("the fleet has not opened")
		}
		b.ReportMetric(float64(w.Stats.Messages), "messages/op")
	}
}
