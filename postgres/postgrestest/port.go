package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// freePort finds a port that nobody listens on. It is below those that systems give to
// clients, so that a server finds it free when it starts again.
func freePort() (int, error) {
	for range 100 {
		port := 15000 + rand.IntN(15000)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, errors.New("postgrestest: no free port on 127.0.0.1 between 15000 and 30000")
}

// startFirst starts the server, on another port if the free one is no longer that.
func (s *Server) startFirst(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		err := s.StartAgain(ctx)
		if err == nil || attempt == 3 || s.running() == nil || !strings.Contains(s.Log(), "could not bind") {
			return err
		}
		if s.port, err = freePort(); err != nil {
			return err
		}
		s.url = location(s.password, s.port, s.authority)
	}
}

// portOf is the port in the URL of a server.
func portOf(u *url.URL) int {
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return 5432
	}
	return port
}
