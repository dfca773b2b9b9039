package highwayhttp_test

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
)

// refusalOf gives the refusal of a circuit that is open for a time, or isolated.
func refusalOf(t testing.TB, open time.Duration) *highway.ProtectedCallError {
	t.Helper()
	p := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "dependency"}))
	err := p.Isolate(background)
	if open > 0 {
		err = p.Open(background, open)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Acquire(background)
	var refusal *highway.ProtectedCallError
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	return refusal
}

func TestMiddleware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		minute, isolated := refusalOf(t, time.Minute), refusalOf(t, 0)
		for _, test := range []struct {
			name       string
			handler    func(w http.ResponseWriter, req *http.Request)
			refusal    *highway.ProtectedCallError
			status     int
			retryAfter string
			body       string
		}{
			{"nothing refused", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oh", 500) }, nil, 500, "", "oh\n"},
			{"500", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oh", 500) }, minute, 503, "60", "oh\n"},
			{"502", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, minute, 503, "60", ""},
			{"503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, minute, 503, "60", ""},
			{"504", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(504) }, minute, 503, "60", ""},
			{"501", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(501) }, minute, 501, "", ""},
			{"404", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, minute, 404, "", ""},
			{"copes", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "cached") }, minute, 200, "", "cached"},
			{"nothing written", func(http.ResponseWriter, *http.Request) {}, minute, 200, "", ""},
			{"isolated", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, isolated, 503, "", ""},
			{"set already", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(500)
			}, minute, 503, "7", ""},
			{"too late", func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, "begun")
				w.WriteHeader(500)
			}, minute, 200, "", "begun"},
			{"nested", highwayhttp.Middleware(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				highwayhttp.NoteRefusal(req.Context(), minute)
				w.WriteHeader(500)
			})).ServeHTTP, isolated, 503, "60", ""},
		} {
			w := httptest.NewRecorder()
			highwayhttp.Middleware(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				highwayhttp.NoteRefusal(req.Context(), test.refusal)
				test.handler(w, req)
			})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			resp := w.Result()
			if got := readAll(t, resp); resp.StatusCode != test.status || got != test.body ||
				resp.Header.Get("Retry-After") != test.retryAfter {
				t.Errorf("%s: got %d, Retry-After %q, %q", test.name, resp.StatusCode, resp.Header.Get("Retry-After"), got)
			}
		}
	})
}

// An answer needs all that it calls, so the longest wait is what is told.
func TestSeveralRefusals(t *testing.T) {
	refusals := []*highway.ProtectedCallError{refusalOf(t, 10*time.Second), refusalOf(t, time.Hour), refusalOf(t, time.Minute)}
	w := httptest.NewRecorder()
	highwayhttp.Middleware(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var wg sync.WaitGroup
		for _, refusal := range refusals {
			wg.Go(func() { highwayhttp.NoteRefusal(req.Context(), refusal) })
		}
		wg.Wait()
		w.WriteHeader(500)
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := w.Header().Get("Retry-After"); got != "3600" {
		t.Errorf("Retry-After is %q", got)
	}
}

// Over real sockets: a server whose handler calls another through a transport.
func TestMiddlewareHearsOfTheTransport(t *testing.T) {
	for _, retry := range []*highway.RetryWithBackoffPolicy{nil, fast(1)} {
		both(t, func(t *testing.T, version int) {
			transport := newTransport(t, highwayhttp.Config{Retry: retry, Base: base(func(req *http.Request) (*http.Response, error) {
				return answer(req, 200, "well"), nil
			})}, policy)
			dependency := protectorOf(transport, "http://dependency")
			s := newSite(t, version, highwayhttp.Middleware(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				resp, err := (&http.Client{Transport: transport}).Do(newRequest(t, "GET", "http://dependency", nil).WithContext(req.Context()))
				if err != nil {
					http.Error(w, "cannot", http.StatusInternalServerError)
					return
				}
				fmt.Fprint(w, readAll(t, resp))
			})).ServeHTTP, highwayhttp.Config{})
			if status, text := s.get(t); status != 200 || text != "well" {
				t.Fatal(status, text)
			}
			if err := dependency.Open(background, time.Hour); err != nil {
				t.Fatal(err)
			}
			resp, err := s.client.Do(newRequest(t, "GET", s.URL, nil))
			if err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, resp); resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "3600" || got != "cannot\n" {
				t.Error(resp.Status, resp.Header, got)
			}
		})
	}
}

// A refusal that was waited for is not why the host's answer is what it is.
func TestMiddlewareForgetsWhatWasWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strict := policy
		strict.FailureLimit = highway.Fraction(1, 1)
		strict.Cooldown = time.Second
		retry := fast(2)
		retry.TotalTime = time.Minute
		calls := 0
		transport := newTransport(t, highwayhttp.Config{Retry: retry, Base: base(func(req *http.Request) (*http.Response, error) {
			calls++
			return answer(req, 500, ""), nil
		})}, strict)
		w := httptest.NewRecorder()
		highwayhttp.Middleware(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil).WithContext(req.Context()))
			if err != nil {
				t.Error(err)
			}
			w.WriteHeader(resp.StatusCode)
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != 500 || calls != 2 { // the attempt between them was refused
			t.Error(w.Code, calls)
		}
	})
}

// A protector that is not a transport's tells by OnRefusal.
func TestNoteRefusalAsOnRefusal(t *testing.T) {
	telling := policy
	telling.OnRefusal = highwayhttp.NoteRefusal
	p := highway.Must(highway.NewCircuitProtector(telling))
	if err := p.Open(background, time.Hour); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	highwayhttp.Middleware(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, err := p.Acquire(req.Context()); err != nil {
			w.WriteHeader(500)
		}
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 503 || w.Header().Get("Retry-After") != "3600" {
		t.Error(w.Code, w.Header())
	}
	highwayhttp.NoteRefusal(background, refusalOf(t, 0)) // without a middleware: nothing
}

func TestWriterKeepsItsKinds(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		s := newSite(t, version, highwayhttp.Middleware(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			_, hijacks := w.(http.Hijacker)
			_, reads := w.(io.ReaderFrom)
			_, pushes := w.(http.Pusher)
			if hijacks != (version == 1) || reads != (version == 1) || pushes != (version == 2) {
				t.Errorf("HTTP/%d: hijacks %v, reads %v, pushes %v", version, hijacks, reads, pushes)
			}
			if _, writes := w.(io.StringWriter); !writes {
				t.Errorf("HTTP/%d: it does not write strings", version)
			}
			if _, tells := w.(interface{ FlushError() error }); !tells {
				t.Errorf("HTTP/%d: Flush does not tell of errors", version)
			}
			control := http.NewResponseController(w)
			if err := control.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints) // is not the answer yet
			highwayhttp.NoteRefusal(req.Context(), refusalOf(t, time.Hour))
			fmt.Fprint(w, "one ")
			w.(http.Flusher).Flush()
			_, _ = io.Copy(w, strings.NewReader("two"))
		})).ServeHTTP, highwayhttp.Config{})
		if status, text := s.get(t); status != 200 || text != "one two" {
			t.Error(status, text)
		}
	})
	for name, w := range map[string]http.ResponseWriter{
		"plain":   struct{ http.ResponseWriter }{httptest.NewRecorder()},
		"flusher": httptest.NewRecorder(),
		"hijacker": struct {
			http.ResponseWriter
			http.Flusher
			http.Hijacker
		}{},
	} {
		_, flushes := w.(http.Flusher)
		_, hijacks := w.(http.Hijacker)
		highwayhttp.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, f := w.(http.Flusher)
			_, h := w.(http.Hijacker)
			if f != flushes || h != hijacks {
				t.Errorf("%s: flushes %v, hijacks %v", name, f, h)
			}
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	}
}

// A flushing is a writer that flushes, and may fail to.
type flushing struct {
	http.ResponseWriter
	err error
}

func (f flushing) Flush()            {}
func (f flushing) FlushError() error { return f.err }

func TestFlushThatFails(t *testing.T) {
	gone := errors.New("gone")
	plain := httptest.NewRecorder() // it has no FlushError
	for w, want := range map[http.ResponseWriter]error{
		flushing{httptest.NewRecorder(), gone}: gone,
		flushing{httptest.NewRecorder(), nil}:  nil,
		plain:                                  nil,
	} {
		highwayhttp.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != want {
				t.Errorf("got %v, want %v", err, want)
			}
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	}
	if !plain.Flushed {
		t.Error("it is not flushed")
	}
}

// Handlers set fields of their own copy of the request. net/http removes the files of the
// form that it finds in its own, and loggers ask it for the pattern.
func TestMiddlewareHandsTheRequestBack(t *testing.T) {
	files := t.TempDir()
	t.Setenv("TMPDIR", files)
	var pattern string
	mux := http.NewServeMux()
	mux.HandleFunc("POST /upload/{id}", func(_ http.ResponseWriter, req *http.Request) {
		if err := req.ParseMultipartForm(10); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(files); len(left) != 1 {
			t.Errorf("the form has %d files", len(left))
		}
	})
	inner := highwayhttp.Middleware(mux)
	s := newSite(t, 1, func(w http.ResponseWriter, req *http.Request) {
		inner.ServeHTTP(w, req)
		pattern = req.Pattern
		if req.FormValue("name") != "value" {
			t.Errorf("the form is %v", req.Form)
		}
	}, highwayhttp.Config{})

	var text bytes.Buffer
	form := multipart.NewWriter(&text)
	file, err := form.CreateFormFile("file", "file")
	if err == nil {
		_, err = file.Write(make([]byte, 1000))
	}
	if err := cmp.Or(err, form.WriteField("name", "value"), form.Close()); err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Post(s.URL+"/upload/1", form.FormDataContentType(), &text)
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, resp)
	s.Close() // waits until the request is over
	if pattern != "POST /upload/{id}" {
		t.Errorf("the pattern is %q", pattern)
	}
	if left, err := os.ReadDir(files); len(left) > 0 || err != nil {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func TestHandlerThatHijacks(t *testing.T) {
	s := newSite(t, 1, highwayhttp.Middleware(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		highwayhttp.NoteRefusal(req.Context(), refusalOf(t, time.Hour))
		var conn net.Conn
		var buffer *bufio.ReadWriter
		conn, buffer, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(buffer, "HTTP/1.1 500 Mine\r\nContent-Length: 2\r\n\r\nok")
		buffer.Flush()
	})).ServeHTTP, highwayhttp.Config{})
	if status, text := s.get(t); status != 500 || text != "ok" {
		t.Error(status, text)
	}
}

func TestHandlerThatPanics(t *testing.T) {
	w := httptest.NewRecorder()
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("recovered %v", got)
		}
	}()
	highwayhttp.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		highwayhttp.NoteRefusal(req.Context(), refusalOf(t, time.Hour))
		panic(http.ErrAbortHandler)
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
}

func TestWriteRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := refusalOf(t, time.Millisecond)
		time.Sleep(time.Second)
		refusal := refusalOf(t, 1500*time.Millisecond)
		for _, test := range []struct {
			err        error
			written    bool
			retryAfter string
		}{
			{nil, false, ""},
			{errors.New("down"), false, ""},
			{&highway.RetryLimitReachedError{Last: errors.New("down")}, false, ""},
			// As for a protector, what is joined with a refusal is what the error is about.
			{errors.Join(errors.New("down"), refusal), false, ""},
			{errors.Join(errors.New("down"), &highway.RetryLimitReachedError{Last: errors.New("down"), EndedBy: refusal}), false, ""},
			{&highway.RetryLimitReachedError{Last: errors.New("down"), EndedBy: errors.Join(errors.New("down"), refusal)}, false, ""},
			{errors.Join(refusal, nil, refusal), true, "2"},
			{refusal, true, "2"},
			{fmt.Errorf("wrapped: %w", refusal), true, "2"},
			{&highway.RetryLimitReachedError{Last: errors.New("down"), EndedBy: refusal}, true, "2"},
			{refusalOf(t, time.Nanosecond), true, "1"},
			{over, true, "1"},
			{refusalOf(t, time.Minute), true, "60"},
			{refusalOf(t, 0), true, ""},
		} {
			w := httptest.NewRecorder()
			if written := highwayhttp.WriteRefusal(w, test.err); written != test.written {
				t.Errorf("%v: written is %v", test.err, written)
			}
			if got := w.Header().Get("Retry-After"); got != test.retryAfter {
				t.Errorf("%v: Retry-After is %q", test.err, got)
			}
			if test.written && (w.Code != 503 || w.Body.String() != "Service Unavailable\n") {
				t.Errorf("%v: got %d, %q", test.err, w.Code, w.Body)
			}
			if !test.written && w.Body.Len()+len(w.Header()) > 0 {
				t.Errorf("%v: something was written", test.err)
			}
		}
	})
}
