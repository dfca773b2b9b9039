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
	b.changed.L = &b.mu
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
	done     chan struct{} // closed when fill has ended

	mu       sync.Mutex // guards, and is never held while rest is used:
	changed  sync.Cond
	kept     bytes.Buffer
	ended    bool  // fill has, and left:
	err      error // what followed; nil: there is more in rest
	panicked any   // what rest panicked with, for who reads
	closed   bool  // by who has the response
	told     bool  // to has the trailer

	once    sync.Once // closes rest
	failure error     // of that
}

// fill reads until there is no more, or too much, or a reader wants what there is.
func (b *keptBody) fill() {
	defer close(b.done)
	var err error
	defer func() { b.end(err, recover()) }() // a panic would end the program
	chunk := make([]byte, 4<<10)
	for more := true; more && err == nil && !b.wanted.Load(); {
		var n int
		n, err = b.rest.Read(chunk)
		more = b.add(chunk[:n])
	}
	if err != nil {
		_ = b.close()
	}
}

// add says whether there is room for more.
func (b *keptBody) add(chunk []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept.Write(chunk)
	b.changed.Broadcast()
	return b.kept.Len() <= keptBytes
}

func (b *keptBody) end(err error, panicked any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended, b.err, b.panicked = true, err, panicked
	b.changed.Broadcast()
}

func (b *keptBody) Read(p []byte) (int, error) {
	b.wanted.Store(true)
	n, more, err := b.readKept(p)
	if more {
		n, err = b.rest.Read(p)
	}
	if err == io.EOF {
		b.tellTrailer()
	}
	return n, err
}

// readKept reads what is in memory, or says that there is more in rest.
func (b *keptBody) readKept(p []byte) (n int, more bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.kept.Len() == 0 && !b.ended && !b.closed {
		b.changed.Wait()
	}
	switch {
	case b.closed:
		return 0, false, http.ErrBodyReadAfterClose
	case b.kept.Len() > 0:
		n, err = b.kept.Read(p)
		return n, false, err
	case b.panicked != nil:
		panic(b.panicked)
	}
	return 0, b.err == nil, b.err
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
	b.mu.Lock()
	b.closed = true
	b.changed.Broadcast()
	b.mu.Unlock()
	return b.close()
}

func (b *keptBody) close() error {
	b.once.Do(func() { b.failure = b.rest.Close() })
	return b.failure
}
