package dashboard_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
)

// pipes is a listener to which tests connect without a network, in the time of their bubble.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestABodyThatDripsIsNotWaitedFor(t *testing.T) {
	for _, what := range []string{"POST /login", "POST /logout", "POST /api/act", "POST /nothing", "GET /", "POST /panel/x", "GET /api/me"} {
		synctest.Test(t, func(t *testing.T) {
			d, err := dashboard.New(dashboard.Config{
				Ledger: highway.NewInMemoryStorage(), Access: dashboard.Tokens(readToken, actToken),
				Panel: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }),
			})
			if err != nil {
				t.Fatal(err)
			}
			listener := make(pipes)
			server := &http.Server{Handler: d} // without limits of its own
			go func() { _ = server.Serve(listener) }()
			client, conn := net.Pipe()
			listener <- conn
			began := time.Now()
			written := make(chan struct{})
			go func() {
				defer close(written)
				kind := "application/x-www-form-urlencoded"
				if what == "POST /api/act" {
					kind = "application/json"
				}
				_, err := fmt.Fprintf(client, "%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\n", what, actToken, kind)
				for err == nil {
					_, err = client.Write([]byte(" "))
					<-time.After(time.Second)
				}
			}()
			var body error
			for answers := bufio.NewReader(client); body == nil; { // until it hangs up
				_, body = answers.ReadByte()
			}
			if took := time.Since(began); took > 15*time.Second || !errors.Is(body, io.EOF) {
				t.Errorf("%s: it waited %v for the body, %v", what, took, body)
			}
			if err := errors.Join(client.Close(), server.Close(), d.Close()); err != nil {
				t.Error(err)
			}
			<-written
		})
	}
}
