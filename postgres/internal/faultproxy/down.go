package faultproxy

import (
	"sync"
	"time"
)

// down is the way from the server to the client.
func (c *connection) down() way {
	return way{
		read: readTyped,
		judge: func(message []byte) verdict {
			const readyForQuery = 'Z'
			verdict := c.batches.answer(message[0] == readyForQuery)
			if verdict == cut {
				c.proxy.count(LostAnswer)
			}
			return verdict
		},
		delay: func(f faults) time.Duration { return f.down },
	}
}

// batches are what a client sends until it wants an answer: a simple query, or all up to
// a Sync. The server ends the answer to each with one ReadyForQuery, in their order, and
// only when it has committed what there was to commit. The startup counts as the first.
type batches struct {
	mu       sync.Mutex
	sent     int // by the client, after the startup
	answered int // by the server, the startup too
	lost     []int
}

// lose has the answer to the batch that the client is about to send lost.
func (b *batches) lose() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = append(b.lost, b.sent+1)
}

// end is the end of a batch of the client's.
func (b *batches) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent++
}

// answer is what becomes of a message of the server's, which may be the last to a batch.
func (b *batches) answer(last bool) verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch := b.answered
	if last {
		b.answered++
	}
	switch {
	case len(b.lost) == 0 || batch < b.lost[0]:
		return pass
	case last:
		return cut
	}
	return drop
}
