package demo

import (
	"iter"
	"math/rand/v2"
	"time"
)

// arrivals gives the instants of an instance's calls, from the start of the run, until
// end: independent of one another, a mean interval apart. The same seed and instance
// give the same instants. They do not wait for answers, for users do not either.
func arrivals(seed uint64, instance int, mean, end time.Duration) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		random := rand.New(rand.NewPCG(seed, uint64(instance)))
		for at := time.Duration(0); ; {
			at += time.Duration(random.ExpFloat64() * float64(mean))
			if at >= end || !yield(at) {
				return
			}
		}
	}
}
