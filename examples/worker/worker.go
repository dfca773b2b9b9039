package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/highway-engine/highway"
)

// A Job is a mail to send.
type Job struct{ To string }

// A Worker takes jobs from a queue and sends them. A job that fails is tried again with
// ever longer waits. While the breaker refuses, the server is not asked at all: the worker
// rests for as long as the refusal says. No job is lost.
type Worker struct {
	queue  chan Job
	policy *highway.SafetyNet
	send   func(context.Context, Job) error
	undone sync.WaitGroup // jobs that are still to do
}

// NewWorker returns a worker whose queue holds up to size jobs.
func NewWorker(size int, breaker *highway.CircuitProtector, send func(context.Context, Job) error) (*Worker, error) {
	// All workers of the process together retry at most half as often as they call: what
	// has failed a hundred times at once should not be called four hundred times.
	budget, err := highway.NewRetryBudget(highway.Fraction(1, 2), 10)
	if err != nil {
		return nil, err
	}
	policy, err := highway.NewSafetyNet(
		highway.RetryWithBackoffPolicy{
			MaxRetries: 3,
			Backoff:    highway.ExponentialDelay{MinDelay: 5 * time.Millisecond, MaxDelay: time.Second, Factor: 2, Jitter: 0.5},
			Budget:     budget,
		},
		breaker, // asked before each attempt
	)
	if err != nil {
		return nil, err
	}
	return &Worker{queue: make(chan Job, size), policy: policy, send: send}, nil
}

// Add puts a job into the queue, and blocks while that is full.
func (w *Worker) Add(j Job) {
	w.undone.Add(1)
	w.queue <- j
}

// Wait returns when every job has been done.
func (w *Worker) Wait() { w.undone.Wait() }

// Run does jobs until ctx ends. It may run several times at once.
func (w *Worker) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-w.queue:
			w.do(ctx, j)
		}
	}
}

// do sends j, however long that takes.
func (w *Worker) do(ctx context.Context, j Job) {
	for {
		err := w.policy.Do(ctx, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second) // a hang is a failure
			defer cancel()
			return w.send(ctx, j)
		})
		if err == nil {
			w.undone.Done()
			return
		}
		rest := 10 * time.Millisecond
		var refusal *highway.ProtectedCallError
		if errors.As(err, &refusal) {
			rest = min(refusal.RetryAfter(), time.Minute) // an isolated one says "for ever"
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return // where jobs must survive that, a real queue has them still
		}
	}
}
