package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// slowAnswer is how long a slow server takes: well beyond the patience of clients.
const slowAnswer = 2 * clientTimeout

// A server is a real HTTP server on loopback that behaves as its phase says.
type server struct {
	http   http.Server
	url    string
	phase  func() phase // asked once for each request
	served chan error   // what Serve returned
}

// startServer listens on a free port and serves until close.
func startServer(now func() phase) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no port on loopback for the demo's server: %w", err)
	}
	s := &server{
		url:    "http://" + listener.Addr().String(),
		phase:  now,
		served: make(chan error, 1),
	}
	s.http = http.Server{
		Handler:           http.HandlerFunc(s.answer),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are what the demo is about
	}
	go func() { s.served <- s.http.Serve(listener) }()
	return s, nil
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	switch s.phase() {
	case failing:
		http.Error(w, "failing", http.StatusServiceUnavailable)
		return
	case slow:
		timer := time.NewTimer(slowAnswer)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done(): // the client hung up
			return
		}
	}
	io.WriteString(w, "healthy\n")
}

// close ends the server when its requests have ended, and says if it had broken down
// for a reason that is not in the scenario.
func (s *server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*slowAnswer)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
	if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the demo's server broke down: %w", err)
	}
	return nil
}
