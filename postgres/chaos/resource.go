package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// A health is how a resource is from an instant on.
type health struct {
	since  time.Time
	fails  bool   // for all
	victim string // for the instance in this place only
	slow   time.Duration
}

// An arrival is a call that has come to the resource.
type arrival struct {
	admitted time.Time // by the caller's protector
	instance string
	key      string
	failed   bool
}

// A resource is what the fleet calls. It answers by key, and remembers every call.
type resource struct {
	listener net.Listener

	mu       sync.Mutex
	healths  map[string][]health
	arrivals []arrival
}

func newResource() (*resource, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &resource{listener: listener, healths: map[string][]health{}}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go r.serve(conn)
		}
	}()
	return r, nil
}

func (r *resource) address() string { return r.listener.Addr().String() }

func (r *resource) set(key string, h health) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.since = time.Now()
	r.healths[key] = append(r.healths[key], h)
}

func (r *resource) serve(conn net.Conn) {
	defer conn.Close()
	for calls := bufio.NewScanner(conn); calls.Scan(); {
		var a arrival
		var admitted int64
		if _, err := fmt.Sscan(calls.Text(), &a.instance, &a.key, &admitted); err != nil {
			return
		}
		a.admitted = time.Unix(0, admitted)
		r.mu.Lock()
		var h health
		if all := r.healths[a.key]; len(all) > 0 {
			h = all[len(all)-1]
		}
		a.failed = h.fails || h.victim != "" && h.victim == placeOf(a.instance)
		r.arrivals = append(r.arrivals, a)
		r.mu.Unlock()
		time.Sleep(h.slow)
		answer := "well\n"
		if a.failed {
			answer = "sick\n"
		}
		if _, err := conn.Write([]byte(answer)); err != nil {
			return
		}
	}
}

// placeOf is the place in the fleet that an instance has taken: "3" of "3.1", which is the
// second one there.
func placeOf(instance string) string {
	place, _, _ := strings.Cut(instance, ".")
	return place
}
