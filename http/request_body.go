package highwayhttp

import (
	"bytes"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
)

// A requestBody remembers whether reading it failed, or gave more or less than the request
// says, for that is not the host's failure.
type requestBody struct {
	io.ReadCloser
	length         int64 // by the request; negative: it does not say
	read           int64
	closed, failed atomic.Bool
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	failed := err != nil && err != io.EOF
	if b.length >= 0 {
		failed = failed || b.read > b.length || err == io.EOF && b.read < b.length
	}
	if failed && !b.closed.Load() {
		b.failed.Store(true)
	}
	return n, err
}

// lost says whether it failed. A nil body cannot.
func (b *requestBody) lost() bool { return b != nil && b.failed.Load() }

// Close is also called by a transport that gives up, and then makes a Read fail.
func (b *requestBody) Close() error {
	b.closed.Store(true)
	return b.ReadCloser.Close()
}

// bodyLength is what the request says, or -1.
func bodyLength(req *http.Request) int64 {
	if req.ContentLength > 0 && len(req.TransferEncoding) == 0 {
		return req.ContentLength
	}
	return -1
}

// mayFail says whether the request's body can fail. One that is in memory, and as long as the
// request says, cannot. It is left as it is: net/http sends it in one piece with the header,
// and the request needs no copy.
func mayFail(req *http.Request) bool {
	if req.Body == nil || req.Body == http.NoBody {
		return false
	}
	is, says := inMemory(req.Body), bodyLength(req)
	return is < 0 || says >= 0 && is != says
}

// inMemory is the length of a reader that is in memory, or -1.
func inMemory(r io.Reader) int64 {
	switch reflect.TypeOf(r) {
	case nopCloser, nopCloserWriterTo:
		r, _ = reflect.ValueOf(r).Field(0).Interface().(io.Reader) // it may be nil
	}
	switch r := r.(type) {
	case *bytes.Buffer:
		return int64(r.Len())
	case *bytes.Reader:
		return int64(r.Len())
	case *strings.Reader:
		return int64(r.Len())
	}
	return -1
}

// What http.NewRequest wraps readers in. net/http looks into them in the same way.
var (
	nopCloser         = reflect.TypeOf(io.NopCloser(nil))
	nopCloserWriterTo = reflect.TypeOf(io.NopCloser(struct {
		io.Reader
		io.WriterTo
	}{}))
)
