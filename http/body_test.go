package highwayhttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
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
			switch req.Method {
			case "GET":
				w.WriteHeader(http.StatusNoContent)
			case "HEAD":
				w.Header().Set("Content-Length", "5")
			}
		}, highwayhttp.Config{AttemptTimeout: time.Hour})
		for _, method := range []string{"GET", "HEAD", "DELETE"} {
			resp, err := s.client.Do(newRequest(t, method, s.URL, nil))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
		}
		wantCounts(t, s.protector(), counts{successes: 3}) // without a word from the body
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
		var ctx context.Context
		transport := newTransport(t, highwayhttp.Config{AttemptTimeout: time.Second, Base: base(func(req *http.Request) (*http.Response, error) {
			ctx = req.Context()
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
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		if ctx.Err() == nil {
			t.Error("the end of the body does not end what is held for it")
		}
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
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "highway: GET to host: no response within 1s" || !late.closed() {
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

// What Close makes fail is no failure, even if a Read hears of it first.
func TestReadThatEndsBeforeClose(t *testing.T) {
	stop, ended := make(chan struct{}), make(chan struct{})
	transport := newTransport(t, highwayhttp.Config{Base: base(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "")
		resp.Body = struct {
			io.Reader
			io.Closer
		}{readerFunc(func([]byte) (int, error) {
			<-stop
			return 0, errors.New("closed")
		}), closerFunc(func() {
			close(stop)
			<-ended
		})}
		return resp, nil
	})}, policy)
	resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = resp.Body.Read(nil)
		close(ended)
	}()
	resp.Body.Close()
	wantCounts(t, protectorOf(transport, "http://host"), counts{successes: 1})
}

type closerFunc func()

func (f closerFunc) Close() error { f(); return nil }

// The old way of cancelling is also that of http.Client.Timeout, whose time counts.
func TestCancelChannelOfATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		transport := newTransport(t, highwayhttp.Config{Base: base(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			close(stop)
			return nil, errors.New("request canceled")
		})}, policy)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req := newRequest(t, "GET", "http://host", nil).WithContext(ctx)
		req.Cancel = stop //lint:ignore SA1019 net/http still uses it
		if _, err := transport.RoundTrip(req); err == nil {
			t.Error("no error")
		}
		wantCounts(t, protectorOf(transport, "http://host"), counts{failures: 1})
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

		probe()
		time.Sleep(probeTimeout/2 - time.Nanosecond)
		synctest.Wait()
		wantStatus(t, p, highway.HalfOpen)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		wantStatus(t, p, highway.Closed)

		before = probeTimeout/2 + 1 // the header alone takes that long
		probe()
		wantStatus(t, p, highway.Closed)

		before = 0
		resp := probe()
		go server.CloseWithError(errors.New("cut off"))
		_, _ = io.ReadAll(resp.Body)
		wantStatus(t, p, highway.Open) // it failed before
		time.Sleep(probeTimeout)
	})
}

// echo answers 101, and then with all that it gets, until the client closes its half.
func echo(w http.ResponseWriter, _ *http.Request) {
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprint(buffer, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	buffer.Flush()
	_, _ = io.Copy(conn, buffer)
}

// upgrade asks for an echo and talks with it.
func upgrade(t *testing.T, client *http.Client, url string) io.ReadWriteCloser {
	t.Helper()
	req := newRequest(t, "GET", url, nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if resp.StatusCode != 101 || !ok {
		t.Fatalf("%s, the body is a %T", resp.Status, resp.Body)
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
	return conn
}

func TestUpgradeBothWays(t *testing.T) {
	s := newSite(t, 1, echo, highwayhttp.Config{AttemptTimeout: time.Hour, Retry: fast(1)})
	conn := upgrade(t, s.client, s.URL)
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

// A proxy upgrades on both of its sides, through the middleware and through a transport.
func TestUpgradeThroughAProxy(t *testing.T) {
	behind := newSite(t, 1, echo, highwayhttp.Config{})
	target, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = behind.transport
	front := newSite(t, 1, highwayhttp.Middleware(proxy).ServeHTTP, highwayhttp.Config{})
	upgrade(t, front.client, front.URL).Close()
	wantCounts(t, front.protector(), counts{successes: 1})
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

// Over HTTP/2 the header may be there while the request's own body still goes out.
func TestRequestBodyThatFailsAfterTheHeader(t *testing.T) {
	s := newSite(t, 2, func(w http.ResponseWriter, req *http.Request) {
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(w, req.Body)
	}, highwayhttp.Config{})
	from, to := io.Pipe()
	resp, err := s.client.Do(newRequest(t, "POST", s.URL, from))
	if err != nil {
		t.Fatal(err)
	}
	to.CloseWithError(errors.New("the disk is gone"))
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the response did not break off")
	}
	resp.Body.Close()
	wantCounts(t, s.protector(), counts{ignored: 1})
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
