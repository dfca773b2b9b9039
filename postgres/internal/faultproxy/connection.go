package faultproxy

import (
	"net"
	"sync"
	"time"
)

// connection is a client's and the one to the server that belongs to it.
type connection struct {
	proxy          *Proxy
	client, server net.Conn
	done           chan struct{} // closed when it is cut or over
	once           sync.Once
	dialed         sync.Mutex // guards server until it is set
	asked          asked
	batches        batches
}

// run forwards until either side ends.
func (c *connection) run() {
	defer c.proxy.forget(c)
	defer c.close()
	if !c.thaw() || !c.dial() {
		reset(c.client)
		return
	}
	var pumps sync.WaitGroup
	pumps.Go(func() { c.pump(c.client, c.server, c.up()) })
	pumps.Go(func() { c.pump(c.server, c.client, c.down()) })
	pumps.Wait()
}

func (c *connection) dial() bool {
	server, err := net.DialTimeout("tcp", c.proxy.leads(), 10*time.Second)
	if err != nil {
		return false
	}
	c.dialed.Lock()
	defer c.dialed.Unlock()
	c.server = server
	select {
	case <-c.done:
		server.Close()
		return false
	default:
		return true
	}
}

// thaw waits while everything is frozen, and says whether the connection is still open.
func (c *connection) thaw() bool {
	for counted := false; ; counted = true {
		_, thawed := c.proxy.now()
		select {
		case <-thawed:
			return true
		default:
		}
		if !counted {
			c.proxy.count(Frozen)
		}
		select {
		case <-thawed:
		case <-c.done:
			return false
		}
	}
}

// wait waits for a time, and says whether the connection is still open.
func (c *connection) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.done:
		return false
	}
}

// cut resets both sides.
func (c *connection) cut() {
	c.once.Do(func() { close(c.done) })
	reset(c.client)
	c.dialed.Lock()
	defer c.dialed.Unlock()
	if c.server != nil {
		reset(c.server)
	}
}

// close ends both sides in order.
func (c *connection) close() {
	c.once.Do(func() { close(c.done) })
	c.client.Close()
	c.dialed.Lock()
	defer c.dialed.Unlock()
	if c.server != nil {
		c.server.Close()
	}
}

// reset ends one side with a reset, so that what it has not read yet is lost.
func reset(side net.Conn) {
	if tcp, ok := side.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	side.Close()
}
