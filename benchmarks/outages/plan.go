package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

type experiment uint8

const (
	falseOutages experiment = iota
	hardOutages
	partialOutages
	recoveries
)

// A cell is a question that several runs answer.
type cell struct {
	experiment experiment
	rule       rule
	size       int
	errors     float64       // of the healthy dependency
	sick       int           // how many instances
	outage     float64       // the error rate of a partial one
	latency    time.Duration // of a message, in a hard outage
}

// instantly is the latency of calls and messages where none shall be in flight.
const instantly = time.Microsecond

func (c cell) run(run int) sample {
	switch c.experiment {
	case falseOutages:
		return falseOutage(run, c)
	case hardOutages:
		return hardOutage(run, c)
	case partialOutages:
		return partialOutage(run, c)
	default:
		return recovery(run, c)
	}
}

// cost says which of two runs takes longer, roughly: the longest are begun first.
func (c cell) cost() float64 {
	n := float64(c.size)
	if c.experiment == hardOutages {
		n /= 4
	}
	return n * n
}

// A plan is how many runs each cell gets.
type plan map[cell]int

// results are the samples of each cell, in the order of the runs.
type results map[cell][]sample

// do makes all runs with so many workers. The results do not depend on how many.
func (p plan) do(ctx context.Context, workers int, progress io.Writer) (results, error) {
	type job struct {
		cell
		run int
	}
	var jobs []job
	rs := results{}
	for c, runs := range p {
		rs[c] = make([]sample, runs)
		for run := range runs {
			jobs = append(jobs, job{c, run})
		}
	}
	slices.SortStableFunc(jobs, func(a, b job) int { return cmp.Compare(b.cost(), a.cost()) })

	start := time.Now()
	todo := make(chan job)
	done := make(chan time.Duration)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for j := range todo {
				began := time.Now()
				rs[j.cell][j.run] = j.cell.run(j.run)
				done <- time.Since(began)
			}
		})
	}
	go func() {
		defer close(done)
		defer group.Wait()
		defer close(todo)
		for _, j := range jobs {
			select {
			case todo <- j:
			case <-ctx.Done():
				return
			}
		}
	}()
	n, told := 0, start
	for range done {
		n++
		if now := time.Now(); now.Sub(told) > time.Second || n == len(jobs) {
			told = now
			fmt.Fprintf(progress, "\r%d of %d runs, %v ", n, len(jobs), now.Sub(start).Round(time.Second))
		}
	}
	fmt.Fprintln(progress)
	return rs, ctx.Err()
}
