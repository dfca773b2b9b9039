package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// errExternal is what a server says that is not ours to stop.
var errExternal = errors.New("postgrestest: the server of HW_TEST_DATABASE_URL is not to be touched: ask for Options.Private")

// external makes a database of its own on the server that the environment names.
func external(ctx context.Context, address string) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		// The address may hold a password, so it is in no error.
		return nil, errors.New("postgrestest: HW_TEST_DATABASE_URL is no postgres:// URL")
	}
	s := &Server{
		from:        "HW_TEST_DATABASE_URL",
		url:         u,
		maintenance: strings.TrimPrefix(u.Path, "/"),
		databases:   map[string]bool{},
	}
	if s.database, _, err = s.create(ctx); err != nil {
		return nil, fmt.Errorf("%w (the server is HW_TEST_DATABASE_URL's)", err)
	}
	return s, nil
}

// leave drops what was made on a server that is not ours.
func (s *Server) leave(ctx context.Context) error {
	s.mu.Lock()
	var names []string
	for name := range s.databases {
		names = append(names, name)
	}
	s.mu.Unlock()
	var failures []error
	for _, name := range names {
		failures = append(failures, s.drop(ctx, name))
	}
	return errors.Join(failures...)
}
