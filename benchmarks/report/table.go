package main

import (
	"fmt"
	"math"
	"strconv"
)

// ns gives a time with three digits that count.
func ns(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// allocs gives allocations per call: whole ones as such, others with two decimals.
func allocs(v float64) string {
	if math.Abs(v-math.Round(v)) < background {
		return strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// ranged gives a ratio and, when there were several processes, its range.
func ranged(s spread) string {
	if s.min == s.max {
		return factor(s.median)
	}
	return fmt.Sprintf("%s (%s–%s)", factor(s.median), bare(s.min), bare(s.max))
}

func factor(v float64) string { return bare(v) + "×" }

func bare(v float64) string {
	if v >= 10 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
