// Package benchmarks measures Highway beside its peers in one process. Run it with
// "make bench", which also makes tables of what it measures.
package benchmarks

import (
	"runtime"
	"sync"
	"testing"
)

// warmUp is how many calls each subject makes before it is measured: enough to fill
// every window here several times.
const warmUp = 10_000

// A subject is one way of making calls. The loop stands in the subject, not in the
// harness, so that nothing is measured but the calls.
type subject struct {
	name string

	// run makes n calls one after the other and says how many of them returned an
	// error. That keeps the compiler from dropping the calls, and lets the harness
	// check that they did what the scenario is about.
	run func(n int) (failed int)
}

// measure runs each subject alone and on all processors at once. It fails one that
// does not give as many errors in n calls as the scenario expects. Subjects are
// measured in the order given, so that all processes do the same.
func measure(b *testing.B, expected func(n int) int, subjects []subject) {
	for _, s := range subjects {
		check := func(b *testing.B, n int) {
			if failed := s.run(n); failed != expected(n) {
				b.Errorf("%s: %d of %d calls gave an error, not %d", s.name, failed, n, expected(n))
			}
		}
		check(b, warmUp)
		b.Run(s.name+"/serial", func(b *testing.B) {
			counted(b, func() { check(b, b.N) })
		})
		b.Run(s.name+"/parallel", func(b *testing.B) {
			procs := runtime.GOMAXPROCS(0)
			counted(b, func() {
				var wg sync.WaitGroup
				for i := range procs {
					share := (b.N + i) / procs // all shares together are b.N
					wg.Go(func() { check(b, share) })
				}
				wg.Wait()
			})
		})
	}
}

// counted measures run, and reports allocations also without rounding: testing rounds
// them down, so that one in every tenth call would show as none.
func counted(b *testing.B, run func()) {
	b.ReportAllocs()
	var before, after runtime.MemStats
	b.StopTimer()
	runtime.ReadMemStats(&before)
	b.StartTimer()
	run()
	b.StopTimer()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N), "mallocs/op")
}

// How many errors n calls give.
func none(int) int    { return 0 }
func all(n int) int   { return n }
func tenth(n int) int { return (n + 9) / 10 }

// count is 1 for an error.
func count(err error) int {
	if err != nil {
		return 1
	}
	return 0
}
