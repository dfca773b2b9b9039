package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/highway-engine/highway"
)

const (
	// callers is how many calls of one key an instance makes at once.
	callers = 2
	// noticeable is what a call may take beside its resource before it is told of.
	noticeable = 5 * time.Millisecond
)

// A caller makes one call after the other.
type caller struct {
	role
	protector *highway.CircuitProtector
	out       *teller
	conn      net.Conn
	answers   *bufio.Reader

	calls, refused int
	told           time.Time
}

// errSick is what the resource says.
var errSick = errors.New("the resource is sick")

func (c *caller) run(ctx context.Context) {
	for ctx.Err() == nil {
		c.call(ctx)
		if time.Since(c.told) > time.Second {
			c.out.tell(event{Kind: called, Key: c.protector.ResourceKey(), Calls: c.calls, Refused: c.refused})
			c.calls, c.refused, c.told = 0, 0, time.Now()
		}
		time.Sleep(time.Duration(float64(c.Pause) * (0.5 + rand.Float64())))
	}
}

// call makes a call, and looks at what it takes and returns.
func (c *caller) call(ctx context.Context) {
	before := c.protector.Status()
	var said error
	var began, ended time.Time
	start := time.Now()
	err := c.protector.Do(ctx, func(context.Context) error {
		began = time.Now()
		said = c.ask(began)
		ended = time.Now()
		return said
	})
	took := time.Since(start) - ended.Sub(began)
	c.calls++
	key := c.protector.ResourceKey()
	state := before
	switch refusal, refused := err.(*highway.ProtectedCallError); {
	case !began.IsZero() && err != said:
		c.out.tell(event{Kind: wrong, Key: key, Text: fmt.Sprintf("the resource said %v and the call %v", said, err)})
	case began.IsZero() && !refused:
		c.out.tell(event{Kind: wrong, Key: key, Text: fmt.Sprintf("%T: %v", err, err)})
	case refused:
		c.refused++
		if state != highway.HalfOpen { // it has been refused as a probe, whatever came of the fleet meanwhile
			state = refusal.State()
		}
	}
	if took > noticeable {
		c.out.tell(event{Kind: slow, At: start, Key: key, From: state.String(), Took: took})
	}
}

// ask is the call to the resource.
func (c *caller) ask(admitted time.Time) error {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.Resource)
		if err != nil {
			return err
		}
		c.conn, c.answers = conn, bufio.NewReader(conn)
	}
	fmt.Fprintf(c.conn, "%s %s %d\n", c.Name, c.protector.ResourceKey(), admitted.UnixNano())
	switch answer, err := c.answers.ReadString('\n'); {
	case err != nil:
		c.conn = nil
		return err
	case answer == "sick\n":
		return errSick
	}
	return nil
}
