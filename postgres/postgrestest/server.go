package postgrestest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
)

// superuser is who owns a private server.
const superuser = "postgres"

// Server is a running PostgreSQL server, or a database on an existing one. Its methods
// are safe for concurrent use, except that one thing at a time is done to the server
// itself: starting, stopping, pausing, closing.
type Server struct {
	from        string
	url         *url.URL // without a database
	database    string   // its own
	maintenance string   // the database in which others are made

	mu        sync.Mutex
	databases map[string]bool // to be dropped on an existing server

	// What follows is for a private server only.
	options   Options
	binaries  binaries
	account   *account // who runs it, if not this process's user
	dir       string   // everything is in it
	port      int
	password  string
	authority string   // the file of the certificate's authority
	faketime  string   // the library that fakes the clock
	process   *process // nil when it does not run
	paused    bool
	standbys  []*Server
	closed    bool
}

// Start starts a server, which runs until [Server.Close] or the end of this process. It
// takes a few seconds, or as long as the download; the end of ctx ends the attempt, and
// does nothing later. Its error says what to install when there is no PostgreSQL to be had.
func Start(ctx context.Context, options Options) (*Server, error) {
	if address := os.Getenv("HW_TEST_DATABASE_URL"); address != "" && !options.private() {
		return external(ctx, address)
	}
	s, err := prepare(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := s.initialize(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.startFirst(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.database, _, err = s.create(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare finds what a private server needs and makes its folder.
func prepare(ctx context.Context, options Options) (*Server, error) {
	s := &Server{
		maintenance: superuser,
		databases:   map[string]bool{},
		options:     options,
		password:    rand.Text(),
	}
	var err error
	if s.account, err = whoRuns(); err != nil {
		return nil, err
	}
	if s.binaries, err = find(ctx, &options, s.account); err != nil {
		return nil, err
	}
	s.from = s.binaries.String()
	if options.Clock {
		if s.faketime, err = findFaketime(); err != nil {
			return nil, err
		}
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	if s.dir, err = temporary(s.account); err != nil {
		return nil, err
	}
	s.url = location(s.password, s.port, "")
	return s, nil
}

// temporary makes a folder that belongs to who runs the server.
func temporary(runs *account) (string, error) {
	var failures []error
	for _, parent := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if !runs.reaches(parent) {
			failures = append(failures, fmt.Errorf("postgrestest: %s cannot reach %s", runs, parent))
			continue
		}
		dir, err := os.MkdirTemp(parent, "hw-pg-")
		if err != nil {
			failures = append(failures, err)
			continue
		}
		return dir, runs.own(dir)
	}
	return "", errors.Join(failures...)
}

// From says where the server comes from.
func (s *Server) From() string { return s.from }

// Port is the port on the loopback. A server keeps it when it starts again.
func (s *Server) Port() int {
	if s.dir == "" {
		return portOf(s.url)
	}
	return s.port
}

// SocketDir is the folder of the unix socket, or empty where there is none.
func (s *Server) SocketDir() string {
	if s.dir == "" || len(s.socket()) > longestSocket {
		return ""
	}
	return s.dir
}

// longestSocket is how long the name of a unix socket may be everywhere.
const longestSocket = 100

func (s *Server) socket() string { return filepath.Join(s.dir, fmt.Sprintf(".s.PGSQL.%d", s.port)) }
func (s *Server) data() string   { return filepath.Join(s.dir, "data") }

// Close ends the server, its standbys and its data. It is not an error to do so twice.
func (s *Server) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if s.dir == "" {
		return s.leave(ctx)
	}
	var failures []error
	for _, standby := range s.standbys {
		failures = append(failures, standby.Close())
	}
	if s.process != nil {
		failures = append(failures, s.end(ctx))
	}
	s.sweep()
	return cmp.Or(errors.Join(failures...), os.RemoveAll(s.dir))
}

// end stops a server whose data nobody needs any more.
func (s *Server) end(ctx context.Context) error {
	if s.paused {
		return s.Kill()
	}
	if err := s.Stop(ctx, Immediate); err != nil {
		return errors.Join(err, s.Kill())
	}
	return nil
}
