package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// quantile is the smallest value that at least the share q of values do not exceed.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)]
}

func median(values []float64) float64 { return quantile(values, 0.5) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// three gives a figure with three digits that count, and whole ones above.
func three(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v == 0:
		return "0"
	}
	decimals := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', min(decimals, 3), 64)
}

// size gives a number of bytes.
func size(bytes float64) string {
	for _, unit := range []string{"B", "kB", "MB"} {
		if bytes < 1000 {
			return three(bytes) + " " + unit
		}
		bytes /= 1000
	}
	return three(bytes) + " GB"
}

// ranged gives the middle of values, and between which nine tenths of them are.
func ranged(values []float64) string {
	return fmt.Sprintf("%.2f× (%.2f–%.2f)", median(values), quantile(values, 0.05), quantile(values, 0.95))
}
