package highwayhttp_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
)

// refusedAfter is a response that was kept for an attempt that was refused.
func refusedAfter(t *testing.T, respond func(*http.Request) *http.Response) *http.Response {
	t.Helper()
	strict := policy
	strict.FailureLimit = highway.Fraction(1, 1)
	transport := newTransport(t, highwayhttp.Config{Retry: fast(1), Base: base(func(req *http.Request) (*http.Response, error) {
		return respond(req), nil
	})}, strict)
	resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// The end of a body is also when net/http sets the trailer. That must not be while the
// caller, who has not read it yet, looks at the response.
func TestTrailerOfAKeptResponse(t *testing.T) {
	for _, announced := range []http.Header{nil, {"X-Sum": nil}} {
		synctest.Test(t, func(t *testing.T) {
			end := make(chan struct{})
			resp := refusedAfter(t, func(req *http.Request) *http.Response {
				resp := answer(req, 503, "")
				resp.Trailer = announced.Clone()
				resp.ContentLength = -1
				resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("text"), readerFunc(func([]byte) (int, error) {
					<-end
					if resp.Trailer == nil {
						resp.Trailer = http.Header{}
					}
					resp.Trailer.Set("X-Sum", "1")
					return 0, io.EOF
				})))
				return resp
			})
			close(end) // while it is looked at:
			if got := resp.Trailer.Get("X-Sum"); got != "" || len(resp.Trailer) != len(announced) {
				t.Errorf("the trailer is %v", resp.Trailer)
			}
			synctest.Wait()
			if got := resp.Trailer.Get("X-Sum"); got != "" {
				t.Errorf("there is %q before the end", got)
			}
			if got := readAll(t, resp); got != "text" || resp.Trailer.Get("X-Sum") != "1" {
				t.Errorf("read %q, the trailer is %v", got, resp.Trailer)
			}
		})
	}
}

func TestReadersOfAKeptResponse(t *testing.T) {
	text := strings.Repeat("x", 60_000)
	kept := func() *http.Response {
		return refusedAfter(t, func(req *http.Request) *http.Response {
			resp := answer(req, 503, text)
			resp.Trailer = http.Header{"X-Sum": {"1"}}
			return resp
		})
	}
	resp := kept()
	var parts [2]string
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() {
			part, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Error(err)
			}
			parts[i] = string(part)
		})
	}
	wg.Wait()
	if parts[0]+parts[1] != text {
		t.Errorf("read %d and %d bytes", len(parts[0]), len(parts[1]))
	}

	resp = kept()
	resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); len(got) > 0 || err != http.ErrBodyReadAfterClose {
		t.Errorf("read %d bytes after Close, %v", len(got), err)
	}
}

// What is there must come, though more of it is being waited for; and Close ends the wait.
func TestKeptResponseIsReadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		resp := refusedAfter(t, func(req *http.Request) *http.Response {
			resp := answer(req, 503, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("text"), readerFunc(func([]byte) (int, error) {
				<-end
				return 0, io.EOF
			})))
			return resp
		})
		got := make([]byte, 10)
		if n, err := resp.Body.Read(got); string(got[:n]) != "text" || err != nil {
			t.Errorf("read %q, %v", got[:n], err)
		}
		read := make(chan error)
		go func() {
			_, err := resp.Body.Read(got)
			read <- err
		}()
		synctest.Wait()
		resp.Body.Close()
		if err := <-read; err != http.ErrBodyReadAfterClose {
			t.Errorf("got %v", err)
		}
		close(end)
	})
}
