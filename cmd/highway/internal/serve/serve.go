// Package serve is what the commands have in common that serve a page.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Options say where a page is served.
type Options struct {
	Listen      string // an address with a port
	Certificate string // files; empty for HTTP
	Key         string
	Here        bool     // the page is for this machine alone
	Names       []string // that the page is reached by, behind a proxy
}

// Hosts are the names that requests may be for. At an address of this machine alone that is no
// other name: a site whose name is made to lead there would be taken for this page by a browser,
// and could read it (DNS rebinding). Elsewhere any will do, if no names are given.
func (o Options) Hosts() []string {
	hosts := slices.Clone(o.Names)
	for i, name := range hosts {
		hosts[i] = strings.ToLower(name)
	}
	if host, _, _ := net.SplitHostPort(o.Listen); loopback(host) {
		hosts = append(hosts, "127.0.0.1", "localhost", "::1")
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// Check says what makes no sense. Trusted says that the page may be reached from elsewhere
// without TLS of ours.
func (o Options) Check(trusted bool) error {
	host, _, err := net.SplitHostPort(o.Listen)
	switch {
	case err != nil:
		return fmt.Errorf("--listen %s: it must be an address and a port, such as 127.0.0.1:8080", o.Listen)
	case o.Here && !loopback(host):
		return fmt.Errorf("--listen %s: others can reach this address, and this page is for this machine alone; "+
			"it must be an address of its own, such as 127.0.0.1:8080", o.Listen)
	case (o.Certificate == "") != (o.Key == ""):
		return errors.New("--tls-cert and --tls-key: there must be both, or none")
	case !loopback(host) && o.Certificate == "" && !trusted:
		return fmt.Errorf("--listen %s: others can reach this address, and would see the tokens that are made for it; "+
			"it needs --tls-cert and --tls-key, or tokens of yours", o.Listen)
	}
	return nil
}

// loopback says that nobody on another machine can reach a host.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// A Server serves a page.
type Server struct {
	listener net.Listener
	http     http.Server
	scheme   string
}

// Listen takes the address. Nothing is served before Run.
func Listen(o Options, handler http.Handler) (*Server, error) {
	s := &Server{scheme: "http"}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	if o.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
		if err != nil {
			_ = listener.Close()
			return nil, fmt.Errorf("--tls-cert and --tls-key: %w", err)
		}
		s.scheme = "https"
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	}
	s.listener = listener
	s.http = http.Server{
		Handler:           upset(handler),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // whoever hangs up need not be told of; upset is
	}
	return s, nil
}

// URL is where the page is.
func (s *Server) URL() string { return s.scheme + "://" + s.listener.Addr().String() + "/" }

// Run serves until ctx ends, and then waits a moment for what is under way.
func (s *Server) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(end) != nil {
		_ = s.http.Close()
	}
	<-served
	return nil
}

// upset logs a handler's panic, which then ends the connection as it does without this.
func upset(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p != http.ErrAbortHandler {
				slog.Error("a request has failed", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler)
		}()
		next.ServeHTTP(w, r)
	})
}
