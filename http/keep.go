package highwayhttp

import (
	"bytes"
	"context"
	"io"
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
// read on during the wait.
func keep(ctx context.Context, resp *http.Response) {
	if resp.Body == nil || resp.Body == http.NoBody || resp.ContentLength > keptBytes {
		return
	}
	if _, upgraded := resp.Body.(io.Writer); upgraded {
		return
	}
	b := &keptBody{rest: resp.Body, done: make(chan struct{})}
	resp.Body = b
	go b.fill()
	timer := time.NewTimer(keptTime)
	defer timer.Stop()
	select {
	case <-b.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// A keptBody is a body of which the beginning, or all, is in memory.
type keptBody struct {
	rest   io.ReadCloser
	wanted atomic.Bool   // somebody reads: what is there is enough
	done   chan struct{} // closed when fill has ended, to which belongs until then:
	kept   bytes.Buffer
	err    error // what followed; nil: there is more in rest

	once   sync.Once // closes rest
	closed error
}

// fill reads until there is no more, or too much, or a reader wants what there is.
func (b *keptBody) fill() {
	defer close(b.done)
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
	if b.kept.Len() > 0 {
		return b.kept.Read(p)
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.rest.Read(p)
}

// Close also ends a fill that is still under way.
func (b *keptBody) Close() error { return b.close() }

func (b *keptBody) close() error {
	b.once.Do(func() { b.closed = b.rest.Close() })
	return b.closed
}
