// Worker sends mails through a server that fails for a while: jobs are retried, the
// server is spared while it is down, and every mail is sent in the end.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const mails = 2000

func run(ctx context.Context, out io.Writer) error {
	server := newMailServer()
	defer server.Close()
	breaker, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey:  "mail",
		FailureLimit: highway.Fraction(5, 10),
		Cooldown:     200 * time.Millisecond,
		OnStatusChange: func(c highway.StatusChange) {
			fmt.Fprintf(out, "the breaker goes from %v to %v: %v\n", c.From, c.To, c.Reason)
		},
	})
	if err != nil {
		return err
	}
	worker, err := NewWorker(mails, breaker, server.send)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() { worker.Run(ctx) })
	}
	for i := range mails {
		worker.Add(Job{To: fmt.Sprintf("reader%d@example.com", i)})
	}
	done := make(chan struct{})
	go func() {
		worker.Wait()
		close(done)
	}()
	select {
	case <-done:
		fmt.Fprintf(out, "%d mails sent; the server was asked %d times while it was down\n",
			server.sent.Load(), server.wasted.Load())
	case <-ctx.Done():
		err = ctx.Err()
	}
	stop()
	running.Wait()
	return err
}

// A mailServer is a real one that answers 503 for half a second once it has sent a part
// of the mails.
type mailServer struct {
	*httptest.Server
	sent, wasted atomic.Int64
	down         atomic.Int64 // when it went down
}

func newMailServer() *mailServer {
	s := &mailServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.sent.Load() >= mails/4 {
			s.down.CompareAndSwap(0, time.Now().UnixNano())
			if time.Now().UnixNano()-s.down.Load() < int64(500*time.Millisecond) {
				s.wasted.Add(1)
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
		}
		s.sent.Add(1)
	}))
	return s
}

// send is the client's side.
func (s *mailServer) send(ctx context.Context, j Job) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/?to="+url.QueryEscape(j.To), nil)
	if err != nil {
		return err
	}
	response, err := s.Client().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the mail server says %s", response.Status)
	}
	return nil
}
