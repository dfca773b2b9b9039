package highwayhttp

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/refusal"
)

// NoteRefusal tells [Middleware] that a call made for the request of this context was
// refused. It is an OnRefusal, for protectors that are not a [Transport]'s; a Transport
// does it itself. Without Middleware, or with a nil refusal, it does nothing.
func NoteRefusal(ctx context.Context, refusal *highway.ProtectedCallError) {
	if ctx == nil || refusal == nil {
		return
	}
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		n.add(refusal)
	}
}

// noteIn is NoteRefusal for any error.
func noteIn(ctx context.Context, err error) { NoteRefusal(ctx, refusalIn(err)) }

// refusalIn finds the refusal that brought err about, also one that ended a retry.
func refusalIn(err error) *highway.ProtectedCallError {
	found, _ := refusal.In(err)
	return found
}

type noteKey struct{}

// A note keeps the refusal that lasts longest: an answer needs all that it calls.
type note struct {
	mu      sync.Mutex
	refusal *highway.ProtectedCallError
}

func (n *note) add(refusal *highway.ProtectedCallError) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refusal == nil || refusal.RetryAfter() > n.refusal.RetryAfter() {
		n.refusal = refusal
	}
}

func (n *note) get() *highway.ProtectedCallError {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.refusal
}

// WriteRefusal answers 503 Service Unavailable if err is a refusal, or that of a retry which
// a refusal ended, and says whether it has. A refusal that is joined with another error is
// none. Retry-After is in whole seconds, rounded up and at
// least 1; there is none for an isolated circuit, and one that is set already stays. The
// answer does not say what was called.
func WriteRefusal(w http.ResponseWriter, err error) bool {
	refusal := refusalIn(err)
	if refusal == nil {
		return false
	}
	setRetryAfter(w.Header(), refusal)
	http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
	return true
}

func setRetryAfter(header http.Header, refusal *highway.ProtectedCallError) {
	wait := refusal.RetryAfter()
	if wait == highway.UntilReleased || header.Get("Retry-After") != "" {
		return
	}
	whole := wait / time.Second
	if whole*time.Second < wait {
		whole++
	}
	header.Set("Retry-After", strconv.FormatInt(int64(max(1, whole)), 10))
}
