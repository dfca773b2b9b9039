package highwayhttp

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/highway-engine/highway"
)

// follow settles the attempt with the end of the response's body, or at once if there is
// none.
func (a *attempt) follow(req *http.Request, resp *http.Response) {
	if a.permit != nil && bodiless(req, resp) {
		a.settle(nil)
	}
	if resp.Body == nil || resp.Body == http.NoBody {
		a.limit.end()
		return
	}
	if a.permit == nil && a.limit == nil {
		return
	}
	b := &responseBody{ReadCloser: resp.Body, permit: a.permit, sending: a.sending, limit: a.limit}
	if a.permit != nil && !a.probeUntil.IsZero() {
		// A stream that works need not end to tell that the host is well. As a probe it
		// would keep others out, and be taken for lost in the end.
		if left := time.Until(a.probeUntil); left > 0 {
			b.timer = time.AfterFunc(left, a.permit.Success)
		} else {
			a.permit.Success()
		}
	}
	resp.Body = b
	if w, ok := b.ReadCloser.(io.Writer); ok {
		resp.Body = &connection{b, w}
	}
}

// bodiless says whether nothing of the response is to come.
func bodiless(req *http.Request, resp *http.Response) bool {
	switch {
	case resp.Body == nil, resp.Body == http.NoBody, req.Method == http.MethodHead,
		resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusNotModified:
		return true
	}
	// Over HTTP/2 net/http has another body for none. In other hands the length of a
	// response that somebody made up may be zero only because nobody has set it.
	return resp.ProtoMajor == 2 && resp.ContentLength == 0
}

// A responseBody settles the permit when it ends. Close may run beside Read.
type responseBody struct {
	io.ReadCloser
	permit  *highway.Permit // nil: the attempt is settled
	sending *requestBody    // nil: the request's body cannot fail
	limit   *limit          // nil: there is none
	timer   *time.Timer     // nil: there is none
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		defer b.limit.end() // the circuit's ShouldHandle may panic
		if err == io.EOF {
			b.settle(nil)
		} else {
			b.settle(err)
		}
	}
	return n, err
}

// Close settles first: a Read beside it fails because of it.
func (b *responseBody) Close() error {
	defer b.limit.end()
	b.settle(nil)
	return b.ReadCloser.Close()
}

// settle does something only once, which is the permit's to see to.
func (b *responseBody) settle(err error) {
	if b.timer != nil {
		b.timer.Stop()
	}
	switch {
	case b.permit == nil:
	case err != nil && b.sending.lost(): // over HTTP/2 the header may be there before that
		b.permit.Ignore()
	default:
		b.permit.Settle(err)
	}
}

// A connection is the body of a 101 Switching Protocols, which can be written to.
type connection struct {
	*responseBody
	io.Writer
}

// CloseWrite is what net/http has there too.
func (c *connection) CloseWrite() error {
	if w, ok := c.ReadCloser.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return fmt.Errorf("CloseWrite: %w", http.ErrNotSupported)
}
