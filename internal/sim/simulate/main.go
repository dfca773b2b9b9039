// Command simulate runs fleets in virtual time, with all their faults, and checks the
// promises of the fleet contract on each.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway/internal/sim"
)

func main() {
	runs := flag.Duration("for", time.Minute, "how long to run")
	seed := flag.Int64("seed", -1, "replay the run of one seed")
	first := flag.Uint64("first", 0, "the first seed")
	seeds := flag.Uint64("seeds", 0, "run so many seeds instead of a time")
	history := flag.Bool("v", false, "with -seed: print the whole history")
	broken := flag.Bool("broken", false, "run the variants that are broken on purpose: each must be caught")
	until := flag.String("until", "", "stop when this promise is broken; exit 0 if it was")
	explore := flag.Int("explore", 0, "try every order of events in a small fleet, up to so many states for each of its bounds; exit 0 if there are no more")
	flag.Parse()
	switch {
	case *broken:
		os.Exit(runVariants())
	case *explore > 0:
		os.Exit(exploreAll(*explore))
	case *until != "":
		os.Exit(search(*until, *first, *seeds, *runs))
	case *seed >= 0:
		os.Exit(replay(uint64(*seed), *history))
	}
	results, took := many(*first, *seeds, *runs, "")
	os.Exit(report(results, took))
}

func replay(seed uint64, history bool) int {
	r := sim.Play(seed, history)
	if history {
		for _, line := range r.History {
			fmt.Println(line)
		}
	}
	return report([]sim.Result{r}, 0)
}

// many runs seed after seed on all processors.
func many(first, seeds uint64, d time.Duration, until string) ([]sim.Result, time.Duration) {
	start := time.Now()
	var next atomic.Uint64
	var found atomic.Bool
	var mu sync.Mutex
	var results []sim.Result
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for {
				n := next.Add(1) - 1
				if seeds > 0 && n >= seeds || time.Since(start) >= d || found.Load() {
					return
				}
				r := sim.Play(first+n, false)
				r.History = nil
				mu.Lock()
				results = append(results, r)
				mu.Unlock()
				if breaks(r, until) {
					found.Store(true)
				}
			}
		})
	}
	all.Wait()
	return results, time.Since(start)
}

// breaks says whether a run has broken a promise.
func breaks(r sim.Result, promise string) bool {
	return slices.ContainsFunc(r.Violations, func(v sim.Violation) bool { return v.Promise == promise })
}

// search looks for a run that breaks a promise.
func search(promise string, first, seeds uint64, d time.Duration) int {
	results, _ := many(first, seeds, d, promise)
	for _, r := range results {
		for _, v := range r.Violations {
			if v.Promise == promise {
				text, _, _ := strings.Cut(v.Text, "\n")
				fmt.Printf("%s broken by seed %d of %d: %s\n", promise, r.Seed, len(results), text)
				return 0
			}
		}
	}
	fmt.Printf("%s not broken by %d histories\n", promise, len(results))
	return 1
}

func report(results []sim.Result, took time.Duration) int {
	slices.SortFunc(results, func(a, b sim.Result) int { return int(a.Seed) - int(b.Seed) })
	var hours float64
	var faults [sim.Faults]int
	var calls, messages int64
	changes, opened, violated := 0, 0, 0
	for _, r := range results {
		hours += r.Hours
		for f, n := range r.Faults {
			faults[f] += n
		}
		calls += r.Stats.Calls + r.Stats.Refused
		messages += r.Stats.Messages
		changes += r.Stats.Changes
		opened += r.Stats.Opened
		for _, v := range r.Violations {
			violated++
			if violated <= 10 {
				fmt.Printf("seed %d, %v: %s broken: %s\n\treplay: go run ./internal/sim/simulate -seed %d -v\n\n", r.Seed, v.At, v.Promise, v.Text, r.Seed)
			} else {
				fmt.Printf("seed %d, %v: %s broken\n", r.Seed, v.At, v.Promise)
			}
		}
	}
	fmt.Printf("%d histories, %.0f instance-hours in %v, %d calls, %d messages, %d changes, %d openings\n",
		len(results), hours, took.Round(time.Millisecond), calls, messages, changes, opened)
	for f, n := range faults {
		fmt.Printf("%10d  %v\n", n, sim.Fault(f))
	}
	fmt.Printf("%d violations\n", violated)
	if violated > 0 {
		return 1
	}
	return 0
}

// searches are what the search of a small fleet goes through, the short ones first. In
// eight calls the fleet can open, close, and open again, with every instance tripping
// each time.
var searches = []sim.Bounds{
	{Openings: 2, Calls: 5, Turns: 5}, // any outcomes
	{Openings: 2, Calls: 4, Turns: 3, Losses: 1, Slow: 1},
	{Openings: 2, Calls: 4, Turns: 3, Deletions: 1},
	{Openings: 2, Calls: 4, Turns: 3, Losses: 1, Strays: 1},
	{Openings: 2, Calls: 4, Turns: 1, Cuts: 1},
	{Openings: 2, Calls: 8, Turns: 3},
}

// exploreAll explores a fleet of three.
func exploreAll(states int) int {
	all, steps, whole, start := 0, 0, 0, time.Now()
	for _, b := range searches {
		b.States = states
		start := time.Now()
		r := sim.Explore(b)
		extent := "complete"
		if !r.Whole {
			extent = "not complete"
		} else {
			whole++
		}
		fmt.Printf("3 instances, %d episodes, %d calls whose outcomes turn %d times, %d slow, %d changes lost, %d late again, %d rows deleted, %d instances cut off: %s\n",
			b.Openings, b.Calls, b.Turns, b.Slow, b.Losses, b.Strays, b.Deletions, b.Cuts, extent)
		fmt.Printf("\t%d states, %d steps, %d recoveries, up to %d openings, histories of %v, in %v\n",
			r.States, r.Steps, r.Recoveries, r.Openings, r.Lasts, time.Since(start).Round(time.Millisecond))
		if r.Violation != "" {
			fmt.Printf("broken: %s\n\t%s\n", r.Violation, strings.Join(r.Path, "\n\t"))
			return 1
		}
		if r.Whole && r.Openings < b.Openings {
			fmt.Printf("broken: L4: the fleet opens %d times at most\n", r.Openings)
			return 1
		}
		all += r.States
		steps += r.Steps
	}
	fmt.Printf("%d states and %d steps of 3 instances in 2 episodes in %v: %d of %d searches complete, none broken\n",
		all, steps, time.Since(start).Round(time.Millisecond), whole, len(searches))
	return min(len(searches)-whole, 1)
}
