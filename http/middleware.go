package highwayhttp

import (
	"context"
	"io"
	"net/http"
)

// Middleware makes a server say that it is its dependency which is not there. When a call
// made for a request was refused, and next answers that request with 500, 502, 503 or 504,
// the status is 503 Service Unavailable, with a Retry-After as [WriteRefusal] has it. All
// else stays as next has it, the body too; so does an answer that copes without the
// dependency.
//
// It hears of refusals from a [Transport], and from protectors whose OnRefusal is
// [NoteRefusal], if the call is made with the context of the request.
func Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		n := &note{}
		inner := req.WithContext(context.WithValue(req.Context(), noteKey{}, n))
		defer handBack(req, inner)
		next.ServeHTTP(wrap(w, n), inner)
	})
}

// handBack gives the request what handlers set in theirs: net/http removes the files of the
// form of the request that it has made, and loggers around want to know the pattern.
func handBack(req, inner *http.Request) {
	req.Form, req.PostForm, req.MultipartForm = inner.Form, inner.PostForm, inner.MultipartForm
	req.Pattern = inner.Pattern
}

// A responseWriter changes the status as Middleware says. Write and the like go past it:
// the status that they imply is 200.
type responseWriter struct {
	http.ResponseWriter
	note *note
}

func (w *responseWriter) WriteHeader(status int) {
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if refusal := w.note.get(); refusal != nil {
			setRetryAfter(w.Header(), refusal)
			status = http.StatusServiceUnavailable
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// WriteString spares a copy where the writer below can, as those of net/http do.
func (w *responseWriter) WriteString(text string) (int, error) {
	return io.WriteString(w.ResponseWriter, text)
}

// Unwrap is for [http.ResponseController].
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A flusher also tells what came of it, which is what [http.ResponseController] asks first.
type flusher struct{ http.Flusher }

func (f flusher) FlushError() error {
	if f, ok := f.Flusher.(interface{ FlushError() error }); ok {
		return f.FlushError()
	}
	f.Flush()
	return nil
}

// wrap keeps what the writers of net/http also are: handlers look for it by type.
func wrap(w http.ResponseWriter, n *note) http.ResponseWriter {
	bare := &responseWriter{w, n}
	flush, flushes := w.(http.Flusher)
	hijacker, hijacks := w.(http.Hijacker)
	reader, reads := w.(io.ReaderFrom)
	pusher, pushes := w.(http.Pusher)
	switch {
	case flushes && hijacks && reads: // HTTP/1
		return struct {
			*responseWriter
			flusher
			http.Hijacker
			io.ReaderFrom
		}{bare, flusher{flush}, hijacker, reader}
	case flushes && pushes: // HTTP/2
		return struct {
			*responseWriter
			flusher
			http.Pusher
		}{bare, flusher{flush}, pusher}
	case flushes && hijacks:
		return struct {
			*responseWriter
			flusher
			http.Hijacker
		}{bare, flusher{flush}, hijacker}
	case flushes:
		return struct {
			*responseWriter
			flusher
		}{bare, flusher{flush}}
	}
	return bare
}
