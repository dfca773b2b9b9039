package demo

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// A Run is a demo on its way. It ends by itself, when its context does, or with Stop.
// It is safe for concurrent use.
type Run struct {
	config    Config
	clock     *clock
	server    *server
	meeting   meeting // what makes the instances a fleet
	transport *http.Transport
	instances []*instance
	stop      context.CancelFunc

	done chan struct{} // closed at the end, when all of these are set:
	last frame
	err  error
}

// Start starts the server and the instances, and what they meet in.
func Start(ctx context.Context, config Config) (*Run, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	r := &Run{
		config:    config,
		clock:     &clock{scenario: newScenario(config.Duration, config.Outage)},
		transport: newTransport(),
		done:      make(chan struct{}),
	}
	var err error
	if r.meeting, err = meet(ctx, config); err != nil {
		return nil, err
	}
	if r.server, err = startServer(r.clock.phase); err != nil {
		return nil, errors.Join(err, r.meeting.close())
	}
	for number := 1; number <= config.Instances; number++ {
		in, err := r.newInstance(ctx, number)
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.instances = append(r.instances, in)
	}
	// Not before all are there: the first calls must not come all at once.
	r.clock.start = time.Now()
	ctx, r.stop = context.WithCancel(ctx)
	go r.run(ctx)
	return r, nil
}

func (r *Run) newInstance(ctx context.Context, number int) (*instance, error) {
	storage, err := r.meeting.storage(ctx)
	if err != nil {
		return nil, err
	}
	return newInstance(number, r.config, storage, r.transport, r.server.url, r.clock)
}

// run returns when everything that the run has started has ended.
func (r *Run) run(ctx context.Context) {
	defer close(r.done)
	defer r.stop()
	var instances sync.WaitGroup
	for _, in := range r.instances {
		instances.Go(func() { in.run(ctx, r.config, r.clock) })
	}
	instances.Wait()
	for _, in := range r.instances {
		in.end()
	}
	r.last = r.read()
	r.last.ended = true
	r.last.interrupted = ctx.Err() != nil
	r.err = r.close()
}

// close ends what outlives the calls.
func (r *Run) close() error {
	r.transport.CloseIdleConnections()
	return errors.Join(r.meeting.close(), r.server.close())
}

// Stop ends the run before its time.
func (r *Run) Stop() { r.stop() }

// Done is closed when the run has ended and nothing of it is left.
func (r *Run) Done() <-chan struct{} { return r.done }

// Wait waits for the end. The summary is true also beside an error.
func (r *Run) Wait() (Summary, error) {
	<-r.done
	return r.last.summary(), r.err
}

// frame is how things stand; after the end, how they stood then.
func (r *Run) frame() frame {
	select {
	case <-r.done:
		return r.last
	default:
		return r.read()
	}
}
