package highwayhttp

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	keptBytes = 64 << 10               // the longest body that is kept in memory
	keptTime  = 100 * time.Millisecond // how long it is waited for, at most
)

// keep reads the body of a failed response into memory, so that its connection is free
// while the request waits for its next attempt, and yet the response can be returned as it
// came. A longer body stays where it is, after what has been read of it. One that is slow is
// read on during the wait. It returns the response to use from then on.
func keep(ctx context.Context, resp *http.Response) *http.Response {
	if resp.Body == nil || resp.Body == http.NoBody || resp.ContentLength > keptBytes {
		return resp
	}
	if _, upgraded := resp.Body.(io.Writer); upgraded {
		return resp
	}
	kept := *resp
	kept.Trailer = maps.Clone(resp.Trailer)
	b := &keptBody{from: resp, to: &kept, rest: resp.Body, done: make(chan struct{})}
	kept.Body = b
	go b.fill()
	timer := time.NewTimer(keptTime)
	defer timer.Stop()
	select {
	case <-b.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	return &kept
}

// A keptBody is a body of which the beginning, or all, is in memory.
type keptBody struct {
	from, to *http.Response // net/http sets the trailer of from while it is filled
	rest     io.ReadCloser
	wanted   atomic.Bool   // somebody reads: what is there is enough
	done     chan struct{} // closed when fill has ended, to which belong until then:
	err      error         // what followed; nil: there is more in rest
	panicked any           // what Read or Close of rest panicked with, for who reads

	mu   sync.Mutex // guards, when fill has ended:
	kept bytes.Buffer
	told bool // to has the trailer

	closed  atomic.Bool // by who has the response
	once    sync.Once   // closes rest
	failure error       // of that
}

// fill reads until there is no more, or too much, or a reader wants what there is.
func (b *keptBody) fill() {
	defer close(b.done)
	defer func() { b.panicked = recover() }() // here it would end the program
	chunk := make([]byte, 4<<10)
	for b.kept.Len() <= keptBytes && !b.wanted.Load() {
		n, err := b.rest.Read(chunk)
		b.kept.Write(chunk[:n])
		if err != nil {
			b.err = err
			_ = b.close()
			return
		}
	}
}

func (b *keptBody) Read(p []byte) (int, error) {
	b.wanted.Store(true)
	<-b.done
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if n, some := b.readKept(p); some {
		return n, nil
	}
	if b.panicked != nil {
		panic(b.panicked)
	}
	n, err := 0, b.err
	if err == nil {
		n, err = b.rest.Read(p)
	}
	if err == io.EOF {
		b.tellTrailer()
	}
	return n, err
}

// readKept reads what is in memory, if there is some.
func (b *keptBody) readKept(p []byte) (n int, some bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept.Len() == 0 {
		return 0, false
	}
	n, _ = b.kept.Read(p)
	return n, true
}

// tellTrailer makes the trailer appear when a reader has come to the end, as it does in
// net/http.
func (b *keptBody) tellTrailer() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.told {
		return
	}
	b.told = true
	if b.to.Trailer == nil {
		b.to.Trailer = b.from.Trailer
		return
	}
	maps.Copy(b.to.Trailer, b.from.Trailer)
}

// Close also ends a fill that is still under way.
func (b *keptBody) Close() error {
	b.closed.Store(true)
	return b.close()
}

func (b *keptBody) close() error {
	b.once.Do(func() { b.failure = b.rest.Close() })
	return b.failure
}
