package main

import (
	"math"
	"slices"
)

// share is how many runs of all had a property.
type share struct{ some, all int }

func count(samples []sample, has func(sample) bool) share {
	s := share{all: len(samples)}
	for _, x := range samples {
		if has(x) {
			s.some++
		}
	}
	return s
}

// atMost is the rate that is not exceeded, with 95 % confidence (Clopper and Pearson,
// one-sided): at a higher one, so few cases would come about in one of 20 repetitions.
func (s share) atMost() float64 {
	if s.some >= s.all {
		return 1
	}
	low, high := 0.0, 1.0
	for range 60 {
		middle := (low + high) / 2
		if s.probability(middle) > 0.05 {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// probability is that of as few cases, or fewer, at a rate.
func (s share) probability(rate float64) float64 {
	sum := 0.0
	n := float64(s.all)
	all, _ := math.Lgamma(n + 1)
	for i := range s.some + 1 {
		k := float64(i)
		chosen, _ := math.Lgamma(k + 1)
		others, _ := math.Lgamma(n - k + 1)
		sum += math.Exp(all - chosen - others + k*math.Log(rate) + (n-k)*math.Log1p(-rate))
	}
	return sum
}

// quantile is the smallest value that at least the share q of values do not exceed. Of
// no values there is none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[max(at, 0)]
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// mean gives the average of values and its standard error. Of no values there is none.
func mean(values []float64) (average, deviation float64) {
	n := float64(len(values))
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	for _, v := range values {
		average += v / n
	}
	for _, v := range values {
		deviation += (v - average) * (v - average)
	}
	return average, math.Sqrt(deviation / max(n-1, 1) / n)
}

func each(samples []sample, figure func(sample) float64) []float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = figure(s)
	}
	return values
}

func wasted(s sample) float64 { return float64(s.wasted) }
func took(s sample) float64   { return s.took }
func open(s sample) float64   { return s.open }

// beyond are the differences between the figures of the same runs.
func beyond(samples, base []sample, figure func(sample) float64) []float64 {
	a, b := each(samples, figure), each(base, figure)
	for i := range min(len(a), len(b)) {
		a[i] -= b[i]
	}
	return a
}
