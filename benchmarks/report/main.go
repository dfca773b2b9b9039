// Command report measures Highway beside its peers and makes tables and a chart of
// it. Run it in the folder benchmarks:
//
//	go run ./report          measures and prints
//	go run ./report -write   also rewrites the figures in README.md, and chart.svg
//	go run ./report -reuse   prints what was measured last
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/highway-engine/highway/benchmarks/internal/markdown"
)

func main() {
	p := plan{results: "results", progress: os.Stderr}
	flag.IntVar(&p.runs, "runs", 5, "how many `processes` to measure")
	flag.StringVar(&p.bench, "bench", ".", "which benchmarks to run, a `regexp`")
	flag.StringVar(&p.benchtime, "benchtime", "200ms", "how `long` each benchmark lasts")
	write := flag.Bool("write", false, "rewrite the figures in README.md and chart.svg")
	reuse := flag.Bool("reuse", false, "measure nothing; use what is in results")
	flag.Parse()
	if flag.NArg() > 0 || p.runs < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := report(ctx, p, *reuse, *write); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func report(ctx context.Context, p plan, reuse, write bool) error {
	if !reuse {
		if err := p.measure(ctx); err != nil {
			return err
		}
	}
	ps, err := read(p.results)
	if err != nil {
		return err
	}
	text := figures(ps)
	fmt.Print(text)
	if !write {
		return nil
	}
	if !complete(ps) {
		return errors.New("-write needs all benchmarks, and not all were run")
	}
	if err := markdown.Rewrite("README.md", markdown.Figures, text); err != nil {
		return err
	}
	return writeChart("chart.svg", ps)
}
