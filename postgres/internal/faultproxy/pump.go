package faultproxy

import (
	"bufio"
	"net"
	"time"
)

// message is one of the protocol's, as it is on the wire, and when it came.
type message struct {
	bytes []byte
	came  time.Time
}

// way is what differs between the two.
type way struct {
	read  func(*bufio.Reader) ([]byte, error)
	judge func([]byte) verdict
	delay func(faults) time.Duration
}

// verdict is what becomes of a message.
type verdict int

const (
	pass verdict = iota
	drop
	cut // and the connection with it
)

// pump forwards one way until it ends. Who reads does not wait for who writes, so that a
// delay is one of each message and not one after the other.
func (c *connection) pump(from, to net.Conn, w way) {
	queue := make(chan message, 1024)
	go func() {
		defer close(queue)
		reader := bufio.NewReader(from)
		for {
			bytes, err := w.read(reader)
			if err != nil {
				return
			}
			select {
			case queue <- message{bytes, time.Now()}:
			case <-c.done:
				return
			}
		}
	}()
	for m := range queue {
		if !c.late(m, w) || !c.thaw() {
			break
		}
		verdict := w.judge(m.bytes)
		if verdict == cut {
			c.cut()
			break
		}
		if verdict == pass && !c.write(to, m.bytes) {
			break
		}
	}
	c.close()
	for range queue { // who reads ends with its side
	}
}

// late waits until a message is as late as it is to be.
func (c *connection) late(m message, w way) bool {
	now, _ := c.proxy.now()
	delay := w.delay(now)
	if delay <= 0 {
		return true
	}
	c.proxy.count(Delayed)
	return c.wait(time.Until(m.came.Add(delay)))
}

// write writes a message, in as many parts as a trickle wants.
func (c *connection) write(to net.Conn, bytes []byte) bool {
	for first := true; len(bytes) > 0; first = false {
		part := len(bytes)
		if now, _ := c.proxy.now(); now.bytes > 0 {
			if first {
				c.proxy.count(Trickled)
			}
			part = min(part, now.bytes)
			if !c.wait(now.every) {
				return false
			}
		}
		if _, err := to.Write(bytes[:part]); err != nil {
			return false
		}
		bytes = bytes[part:]
	}
	return true
}
