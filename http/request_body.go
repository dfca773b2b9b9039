package highwayhttp

import (
	"bytes"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
)

// A requestBody remembers whether reading it failed, for that is not the host's failure.
type requestBody struct {
	io.ReadCloser
	closed, failed atomic.Bool
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && !b.closed.Load() {
		b.failed.Store(true)
	}
	return n, err
}

// Close is also called by a transport that gives up, and then makes a Read fail.
func (b *requestBody) Close() error {
	b.closed.Store(true)
	return b.ReadCloser.Close()
}

// mayFail says whether reading the body can fail. One that is in memory cannot, and is left
// as it is: net/http sends it in one piece with the header, and the request needs no copy.
func mayFail(body io.ReadCloser) bool {
	return body != nil && body != http.NoBody && !inMemory(body)
}

func inMemory(r io.Reader) bool {
	switch reflect.TypeOf(r) {
	case nopCloser, nopCloserWriterTo:
		r, _ = reflect.ValueOf(r).Field(0).Interface().(io.Reader) // it may be nil
	}
	switch r.(type) {
	case *bytes.Buffer, *bytes.Reader, *strings.Reader:
		return true
	}
	return false
}

// What http.NewRequest wraps readers in. net/http looks into them in the same way.
var (
	nopCloser         = reflect.TypeOf(io.NopCloser(nil))
	nopCloserWriterTo = reflect.TypeOf(io.NopCloser(struct {
		io.Reader
		io.WriterTo
	}{}))
)
