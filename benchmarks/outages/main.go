// Command outages lets fleets of simulated instances meet a dependency that is healthy,
// slow to fail or dead, and compares the rules by which a fleet opens. Run it in the
// folder benchmarks:
//
//	go run ./outages          runs and prints
//	go run ./outages -quick   the same in less than a minute, with fewer runs
//	go run ./outages -write   also rewrites ../docs/outages.md and ../docs/outages.svg
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
)

func main() {
	briefly := flag.Bool("quick", false, "make fewer runs, in less than a minute")
	write := flag.Bool("write", false, "rewrite the figures in docs/outages.md, and docs/outages.svg")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "make so `many` runs at once")
	flag.Parse()
	if flag.NArg() > 0 || *workers < 1 {
		flag.Usage()
		os.Exit(2)
	}
	debug.SetGCPercent(400) // runs are many, and small
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	e := full
	if *briefly {
		e = quick
	}
	if err := report(ctx, e, *workers, *write); err != nil {
		fmt.Fprintln(os.Stderr, "outages:", err)
		os.Exit(1)
	}
}
