// Package faultproxy is a TCP proxy between a client and PostgreSQL that makes faults,
// for tests. It reads PostgreSQL's protocol, so clients must not use TLS.
package faultproxy

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Proxy forwards connections to one server. Its methods are safe for concurrent use,
// and change what happens to connections that are open, too.
type Proxy struct {
	listener net.Listener
	running  sync.WaitGroup

	mu          sync.Mutex
	target      string
	faults      faults
	thawed      chan struct{} // closed when nothing is frozen
	connections map[*connection]bool
	counts      map[string]int
	statements  int
	closed      bool
}

// faults are what is switched on.
type faults struct {
	refuse     bool
	up, down   time.Duration // delays
	bytes      int           // a trickle, unless 0
	every      time.Duration
	loseAsked  func(statement string) bool
	loseAnswer func(statement string) bool
}

// New starts a proxy to a host and port that ends with the test.
func New(t testing.TB, target string) *Proxy {
	t.Helper()
	p, err := Start(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Start starts a proxy to a host and port, which runs until [Proxy.Close].
func Start(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("faultproxy: %w", err)
	}
	p := &Proxy{
		target:      target,
		listener:    listener,
		thawed:      make(chan struct{}),
		connections: map[*connection]bool{},
		counts:      map[string]int{},
	}
	close(p.thawed)
	p.running.Go(p.accept)
	return p, nil
}

// Addr is the host and port of the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Lead makes new connections lead to another host and port. Those that are open stay.
func (p *Proxy) Lead(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

func (p *Proxy) leads() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

// Through is a postgres:// URL with the proxy in the server's place.
func (p *Proxy) Through(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.Host == "" {
		panic("faultproxy: not the URL of a server") // it may hold a password
	}
	u.Host = p.Addr()
	return u.String()
}

// Counts is how often each fault happened: see the names beside the faults.
func (p *Proxy) Counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Statements is how many statements clients have sent: each query of the simple protocol,
// and each execution of a prepared one.
func (p *Proxy) Statements() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.statements
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.listener.Close()
	p.end("")
	p.running.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		c := &connection{proxy: p, client: client, done: make(chan struct{})}
		if p.admit(c) {
			p.running.Go(c.run)
		} else {
			reset(client)
		}
	}
}

// admit says whether a new connection is taken.
func (p *Proxy) admit(c *connection) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	if p.faults.refuse {
		p.counts[Refused]++
		return false
	}
	p.connections[c] = true
	return true
}

func (p *Proxy) forget(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.connections, c)
}

// end cuts every connection, and counts them under a name unless that is empty.
func (p *Proxy) end(name string) {
	p.mu.Lock()
	var all []*connection
	for c := range p.connections {
		all = append(all, c)
	}
	if name != "" {
		p.counts[name] += len(all)
	}
	p.mu.Unlock()
	for _, c := range all {
		c.cut()
	}
}

func (p *Proxy) count(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[name]++
}

// now is what is switched on at the moment.
func (p *Proxy) now() (faults, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults, p.thawed
}

// change switches a fault.
func (p *Proxy) change(fault func(*faults)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fault(&p.faults)
}
