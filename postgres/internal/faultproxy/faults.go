package faultproxy

import "time"

// The names in [Proxy.Counts].
const (
	Refused    = "refused"     // connections
	Cut        = "cut"         // connections
	Delayed    = "delayed"     // messages
	Trickled   = "trickled"    // messages
	Frozen     = "frozen"      // messages and new connections that had to wait
	LostAnswer = "lost answer" // answers, when the server had done what was asked
	LostAsked  = "lost asked"  // statements
)

// Refuse resets each new connection at once, or no longer does.
func (p *Proxy) Refuse(on bool) { p.change(func(f *faults) { f.refuse = on }) }

// Cut resets every connection that is open.
func (p *Proxy) Cut() { p.end(Cut) }

// Delay lets each message arrive so much later: up to the server, and down to the client.
// Messages that follow each other closely wait together.
func (p *Proxy) Delay(up, down time.Duration) {
	p.change(func(f *faults) { f.up, f.down = up, down })
}

// Trickle lets only some bytes pass in each interval, each way of each connection.
// 0 bytes ends it.
func (p *Proxy) Trickle(bytes int, every time.Duration) {
	p.change(func(f *faults) { f.bytes, f.every = bytes, every })
}

// Freeze keeps whatever is sent, both ways, and new connections: nobody answers and
// nothing breaks. When it ends, what was kept arrives, as after a parted network, even
// from a client that has given up since. (pgx, when it gives up, sends a request to cancel
// by another connection: whether that overtakes the statement is chance.)
func (p *Proxy) Freeze(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.thawed:
		if on {
			p.thawed = make(chan struct{})
		}
	default:
		if !on {
			close(p.thawed)
		}
	}
}

// LoseAnswer lets the server do each statement whose text match accepts, and cuts the
// connection instead of passing on the answer: the client does not know whether it was
// done. All that the server says from the statement on is lost, and the cut is when it
// is ready for another, so what was to be committed is. Nil ends it. See [Once].
func (p *Proxy) LoseAnswer(match func(statement string) bool) {
	p.change(func(f *faults) { f.loseAnswer = match })
}

// LoseAsked cuts the connection instead of passing on a statement that match accepts:
// it is never done, and the client does not know that either. Nil ends it.
func (p *Proxy) LoseAsked(match func(statement string) bool) {
	p.change(func(f *faults) { f.loseAsked = match })
}
