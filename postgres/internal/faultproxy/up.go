package faultproxy

import (
	"bufio"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// asked is what a client has said. What it prepares has names, and what is executed has
// only those.
type asked struct {
	prepared map[string]string // texts of statements by the statements' names
	portals  map[string]string // and by the portals'
}

// up is the way from the client to the server.
func (c *connection) up() way {
	c.asked = asked{prepared: map[string]string{}, portals: map[string]string{}}
	var typed bool // for the reader
	begun := false // for the judge
	return way{
		read: func(r *bufio.Reader) ([]byte, error) {
			if typed {
				return readTyped(r)
			}
			message, err := readUntyped(r)
			typed = err == nil && begins(message)
			return message, err
		},
		judge: func(message []byte) verdict {
			if begun {
				return c.hear(message[0], message[5:])
			}
			begun = begins(message)
			if !begun {
				c.client.Write([]byte{'N'}) // neither TLS nor GSS: a proxy could not read it
				return drop
			}
			return pass
		},
		delay: func(f faults) time.Duration { return f.up },
	}
}

// hear takes note of a message of the client's.
func (c *connection) hear(kind byte, body []byte) verdict {
	a := &c.asked
	switch kind {
	case 'Q':
		var query pgproto3.Query
		if query.Decode(body) != nil {
			return pass
		}
		return c.statement(query.String, true)
	case 'P':
		var parse pgproto3.Parse
		if parse.Decode(body) == nil {
			a.prepared[parse.Name] = parse.Query
		}
	case 'B':
		var bind pgproto3.Bind
		if bind.Decode(body) == nil {
			a.portals[bind.DestinationPortal] = a.prepared[bind.PreparedStatement]
		}
	case 'E':
		var execute pgproto3.Execute
		if execute.Decode(body) != nil {
			return pass
		}
		return c.statement(a.portals[execute.Portal], false)
	case 'F':
		return c.statement("", true)
	case 'S':
		c.batches.end()
	}
	return pass
}

// statement takes note of a statement, which may be a batch of its own.
func (c *connection) statement(text string, alone bool) verdict {
	p := c.proxy
	now, _ := p.now()
	if now.loseAsked != nil && now.loseAsked(text) {
		p.count(LostAsked)
		return cut
	}
	if now.loseAnswer != nil && now.loseAnswer(text) {
		c.batches.lose()
	}
	p.mu.Lock()
	p.statements++
	p.mu.Unlock()
	if alone {
		c.batches.end()
	}
	return pass
}

// begins says whether the client begins with this message, or only asks for TLS.
func begins(message []byte) bool {
	const askTLS, askGSS = 80877103, 80877104
	if len(message) < 8 {
		return true
	}
	code := binary.BigEndian.Uint32(message[4:])
	return code != askTLS && code != askGSS
}
