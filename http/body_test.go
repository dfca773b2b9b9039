package highwayhttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
)

func TestNothingCountsBeforeTheBodyEnds(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		s := newSite(t, version, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }, highwayhttp.Config{})
		resp, err := s.client.Do(newRequest(t, "GET", s.URL, nil))
		if err != nil {
			t.Fatal(err)
		}
		wantCounts(t, s.protector(), counts{})
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		wantCounts(t, s.protector(), counts{successes: 1}) // at the end, not only when it is closed
		resp.Body.Close()
		resp.Body.Close()
		wantCounts(t, s.protector(), counts{successes: 1})
	})
}

func TestNoBody(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		s := newSite(t, version, func(w http.ResponseWriter, req *http.Request) {
			if req.Method == "GET" {
				w.WriteHeader(http.StatusNoContent)
			} else {
				w.Header().Set("Content-Length", "5")
			}
		}, highwayhttp.Config{AttemptTimeout: time.Hour})
		for _, method := range []string{"GET", "HEAD"} {
			resp, err := s.client.Do(newRequest(t, method, s.URL, nil))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
		}
		wantCounts(t, s.protector(), counts{successes: 2}) // without a word from the body
	})
}

func TestBodyThatFailsHalfWay(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		s := newSite(t, version, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, highwayhttp.Config{Retry: fast(3)})
		resp, err := s.client.Do(newRequest(t, "GET", s.URL, nil))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if string(text) != "half" || err == nil {
			t.Errorf("read %q, %v", text, err)
		}
		resp.Body.Close()
		wantCounts(t, s.protector(), counts{failures: 1})
	})
}

func TestCallerWhoGivesUp(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		arrived := make(chan struct{})
		s := newSite(t, version, func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/body" {
				fmt.Fprint(w, "first")
				_ = http.NewResponseController(w).Flush()
			}
			arrived <- struct{}{}
			<-req.Context().Done()
		}, highwayhttp.Config{Retry: fast(3)})

		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		_, err := s.client.Do(newRequest(t, "GET", s.URL+"/header", nil).WithContext(ctx))
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		wantCounts(t, s.protector(), counts{ignored: 1})

		ctx, cancel = context.WithCancel(t.Context())
		resp, err := s.client.Do(newRequest(t, "GET", s.URL+"/body", nil).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		<-arrived
		cancel()
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		resp.Body.Close()
		wantCounts(t, s.protector(), counts{ignored: 2})

		// The old way.
		req := newRequest(t, "GET", s.URL+"/header", nil)
		stop := make(chan struct{})
		req.Cancel = stop //lint:ignore SA1019 callers may still use it
		go func() { <-arrived; close(stop) }()
		if _, err := s.transport.RoundTrip(req); err == nil {
			t.Error("no error")
		}
		wantCounts(t, s.protector(), counts{ignored: 3})
	})
}

func TestDeadlinesCount(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		s := newSite(t, version, func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/body" {
				fmt.Fprint(w, "first")
				_ = http.NewResponseController(w).Flush()
			}
			<-req.Context().Done()
		}, highwayhttp.Config{AttemptTimeout: 20 * time.Millisecond})

		// The transport's own.
		_, err := s.client.Do(newRequest(t, "GET", s.URL, nil))
		var timeout interface{ Timeout() bool }
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Error(err)
		}
		wantCounts(t, s.protector(), counts{failures: 1})

		// The client's, while the body is read.
		s.client.Timeout = 20 * time.Millisecond
		resp, err := s.client.Do(newRequest(t, "GET", s.URL+"/body", nil))
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Error(err)
		}
		wantCounts(t, s.protector(), counts{failures: 2})
	})
}

func TestAttemptTimeoutDoesNotEndTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := newTransport(t, highwayhttp.Config{AttemptTimeout: time.Second, Base: base(func(req *http.Request) (*http.Response, error) {
			resp := answer(req, 200, "")
			resp.Body = &body{Reader: readerFunc(func([]byte) (int, error) {
				time.Sleep(time.Minute)
				if err := req.Context().Err(); err != nil {
					return 0, err
				}
				return 0, io.EOF
			})}
			return resp, nil
		})}, policy)
		resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
		wantCounts(t, protectorOf(transport, "http://host"), counts{successes: 1})
	})
}

// A base may answer just as its time is over, with a context that is done.
func TestResponseThatComesTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := &body{Reader: strings.NewReader("late")}
		transport := newTransport(t, highwayhttp.Config{AttemptTimeout: time.Second, Base: base(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			resp := answer(req, 200, "")
			resp.Body = late
			return resp, nil
		})}, policy)
		_, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "highway: no response within 1s" || !late.closed() {
			t.Error(err, late.closed())
		}
		wantCounts(t, protectorOf(transport, "http://host"), counts{failures: 1})
	})
}

func TestEventStream(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		events, gone := make(chan string), make(chan struct{}, 1)
		s := newSite(t, version, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for {
				_ = http.NewResponseController(w).Flush()
				select {
				case e := <-events:
					fmt.Fprintf(w, "data: %s\n\n", e)
				case <-req.Context().Done():
					gone <- struct{}{}
					return
				}
			}
		}, highwayhttp.Config{AttemptTimeout: time.Hour})
		resp, err := s.client.Do(newRequest(t, "GET", s.URL, nil))
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(resp.Body)
		for _, e := range []string{"one", "two"} {
			events <- e // and not before the one before it has come
			if line, err := lines.ReadString('\n'); line != "data: "+e+"\n" || err != nil {
				t.Fatal(line, err)
			}
			_, _ = lines.ReadString('\n')
		}
		wantCounts(t, s.protector(), counts{}) // it is still open
		resp.Body.Close()
		<-gone
		wantCounts(t, s.protector(), counts{successes: 1})
	})
}

func TestCloseBesideRead(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		s := newSite(t, version, func(w http.ResponseWriter, req *http.Request) {
			for req.Context().Err() == nil {
				fmt.Fprint(w, "data")
				_ = http.NewResponseController(w).Flush()
			}
		}, highwayhttp.Config{})
		for i := range uint64(20) {
			resp, err := s.client.Do(newRequest(t, "GET", s.URL, nil))
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = io.Copy(io.Discard, resp.Body) })
			wg.Go(func() { resp.Body.Close() })
			wg.Wait()
			wantCounts(t, s.protector(), counts{successes: i + 1}) // what Close makes fail is no failure
		}
	})
}

// A stream that has been let through as a probe counts when it has lasted for half of
// ProbeTimeout: the circuit closes, and stays so whatever becomes of it.
func TestLongStreamAsAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const probeTimeout = time.Minute
		events, server := io.Pipe()
		var before time.Duration
		transport := newTransport(t, highwayhttp.Config{Base: base(func(req *http.Request) (*http.Response, error) {
			time.Sleep(before)
			resp := answer(req, 200, "")
			resp.Body = events
			return resp, nil
		})}, policy)
		p := protectorOf(transport, "http://host")
		probe := func() *http.Response {
			t.Helper()
			if err := p.HalfOpen(background); err != nil {
				t.Fatal(err)
			}
			resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
			if err != nil {
				t.Fatal(err)
			}
			return resp
		}

		resp := probe()
		time.Sleep(probeTimeout/2 - 1)
		synctest.Wait()
		wantStatus(t, p, highway.HalfOpen)
		time.Sleep(1)
		synctest.Wait()
		wantStatus(t, p, highway.Closed)

		before = probeTimeout/2 + 1 // the header alone takes that long
		resp = probe()
		wantStatus(t, p, highway.Closed)

		before = 0
		resp = probe()
		go server.CloseWithError(errors.New("cut off"))
		_, _ = io.ReadAll(resp.Body)
		wantStatus(t, p, highway.Open) // it failed before
		time.Sleep(probeTimeout)
	})
}

func TestUpgradeBothWays(t *testing.T) {
	s := newSite(t, 1, func(w http.ResponseWriter, req *http.Request) {
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(buffer, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		buffer.Flush()
		_, _ = io.Copy(conn, buffer) // until the client closes its half
	}, highwayhttp.Config{AttemptTimeout: time.Hour, Retry: fast(1)})
	req := newRequest(t, "GET", s.URL, nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 101 {
		t.Fatal(resp.Status)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatalf("the body is a %T", resp.Body)
	}
	for _, word := range []string{"one", "two"} {
		if _, err := io.WriteString(conn, word); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 3)
		if _, err := io.ReadFull(conn, got); string(got) != word {
			t.Fatal(string(got), err)
		}
	}
	wantCounts(t, s.protector(), counts{})
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
		t.Error(rest, err)
	}
	conn.Close()
	wantCounts(t, s.protector(), counts{successes: 1})
}

// A plain body must not look as if one could write to it.
func TestBodyIsNoConnection(t *testing.T) {
	s := newSite(t, 1, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }, highwayhttp.Config{})
	resp, err := s.client.Do(newRequest(t, "GET", s.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, ok := resp.Body.(io.Writer); ok {
		t.Errorf("it is a %T", resp.Body)
	}
}

func TestRequestBodyThatFails(t *testing.T) {
	both(t, func(t *testing.T, version int) {
		s := newSite(t, version, func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
		}, highwayhttp.Config{Retry: fast(3)})
		lost := errors.New("the disk is gone")
		sent := &body{Reader: failing("some", lost)}
		req := newRequest(t, "PUT", s.URL, sent)
		req.GetBody = func() (io.ReadCloser, error) {
			t.Error("it was sent again")
			return nil, lost
		}
		if _, err := s.client.Do(req); !errors.Is(err, lost) {
			t.Error(err)
		}
		wantCounts(t, s.protector(), counts{ignored: 1})
	})
}

// A body that fails because the transport has closed it tells nothing of itself.
func TestRequestBodyThatIsClosedEarly(t *testing.T) {
	down := errors.New("down")
	transport := newTransport(t, highwayhttp.Config{Base: base(func(req *http.Request) (*http.Response, error) {
		req.Body.Close()
		_, _ = req.Body.Read(make([]byte, 1))
		return nil, down
	})}, policy)
	from, _ := io.Pipe()
	if _, err := transport.RoundTrip(newRequest(t, "PUT", "http://host", from)); err != down {
		t.Error(err)
	}
	wantCounts(t, protectorOf(transport, "http://host"), counts{failures: 1})
}
