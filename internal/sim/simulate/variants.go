package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/highway-engine/highway/internal/sim/variants"
)

// runVariants runs every variant that is broken on purpose.
func runVariants() int {
	missed := 0
	for _, v := range variants.All {
		start := time.Now()
		found, err := variants.Run(v, 20*time.Second)
		mark := "caught"
		if err != nil {
			mark = "MISSED"
			missed++
			found += err.Error()
		}
		fmt.Printf("%-6s %-4s %s (%v)\n         %s\n", mark, v.Promise, v.Name, time.Since(start).Round(100*time.Millisecond), found)
	}
	fmt.Printf("%d of %d broken variants caught\n", len(variants.All)-missed, len(variants.All))
	found := 0
	for _, v := range variants.All {
		if !slices.Contains(variants.Searched, v.Name) {
			continue
		}
		text, err := variants.Search(v)
		if err != nil {
			fmt.Printf("MISSED %s: %s: %v\n", v.Name, text, err)
			continue
		}
		found++
		fmt.Printf("caught by the search: %s\n         %s\n", v.Name, text)
	}
	fmt.Printf("%d of %d caught by the search of a small fleet too\n", found, len(variants.Searched))
	missed += len(variants.Searched) - found // also those that are there no more
	return min(missed, 1)
}
