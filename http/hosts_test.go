package highwayhttp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
	"github.com/highway-engine/highway/registry"
)

const hosts = 1000

// A thousand hosts behind one transport, over real sockets, some of them bad: each has a
// breaker of its own, and none leaves a goroutine.
func TestManyHosts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.Host, "bad") {
			w.WriteHeader(503)
		}
		fmt.Fprint(w, req.Host)
	}))
	defer server.Close()
	own := &http.Transport{
		MaxIdleConns: 50,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	transport := newTransport(t, highwayhttp.Config{Base: own, AttemptTimeout: time.Minute}, policy)
	client := &http.Client{Transport: transport}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < hosts; i += 8 {
				name := fmt.Sprintf("host%d.example", i)
				if i%100 == 0 {
					name = fmt.Sprintf("bad%d.example", i)
				}
				for range 4 {
					resp, err := client.Do(newRequest(t, "GET", "http://"+name, nil))
					if err != nil {
						t.Error(err)
						return
					}
					if got := readAll(t, resp); got != name {
						t.Errorf("%s answered as %s", name, got)
					}
				}
				_, err := client.Do(newRequest(t, "HEAD", "http://"+name, nil))
				if bad := i%100 == 0; errors.Is(err, highway.ErrProtectedCall) != bad || !bad && err != nil {
					t.Errorf("%s: got %v", name, err)
				}
			}
		})
	}
	wg.Wait()
	if n := transport.Protectors().Len(); n != hosts {
		t.Errorf("there are %d protectors", n)
	}
	client.CloseIdleConnections()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "highway/http.") || strings.Contains(stack, "highway/registry.") {
			t.Errorf("left a goroutine:\n%s", stack)
		}
	}
}

// What the registry has let go of is collected, with all that the transport made for it.
func TestHostsThatAreNoLongerCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		protectors := highway.Must(registry.New(registry.Config{Policy: policy, IdleAfter: time.Minute}))
		transport := newTransport(t, highwayhttp.Config{Protectors: protectors, AttemptTimeout: time.Hour, Retry: fast(1),
			Base: base(func(req *http.Request) (*http.Response, error) {
				return answer(req, 200, "hello"), nil
			})}, policy)
		var made []weak.Pointer[highway.CircuitProtector]
		for i := range hosts {
			url := fmt.Sprintf("http://host%d", i)
			resp, err := transport.RoundTrip(newRequest(t, "GET", url, nil))
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, resp)
			made = append(made, weak.Make(protectorOf(transport, url)))
		}
		if n := protectors.Len(); n != hosts {
			t.Fatalf("there are %d protectors", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		runtime.GC()
		for i, p := range made {
			if p.Value() != nil {
				t.Fatalf("protector %d is still there", i)
			}
		}
		runtime.KeepAlive(transport)
	})
}

// Transports of two processes, so to speak, that meet in a storage are one breaker.
func TestTransportsOfAFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		shared := policy
		shared.Storage = storage
		shared.FailureLimit = highway.Fraction(2, 2)
		down := base(func(req *http.Request) (*http.Response, error) { return answer(req, 503, ""), nil })
		sick := newTransport(t, highwayhttp.Config{Base: down}, shared)
		other := newTransport(t, highwayhttp.Config{Base: down}, shared)
		for range 2 { // of two instances both must find it so
			for _, transport := range []*highwayhttp.Transport{sick, other} {
				p := protectorOf(transport, "http://host")
				time.Sleep(5 * time.Second) // they have heard of each other
				if p.Status() != highway.Closed {
					continue
				}
				if _, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil)); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(5 * time.Second)
		for _, transport := range []*highwayhttp.Transport{sick, other} {
			_, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
			if !errors.Is(err, highway.ErrProtectedCall) {
				t.Errorf("got %v", err)
			}
			if fleet := protectorOf(transport, "http://host").Snapshot(); !fleet.Fleet.Live || fleet.Reason != highway.FleetDecided {
				t.Errorf("%v, %+v", fleet.Reason, fleet.Fleet)
			}
		}
		if err := storage.Close(background); err != nil {
			t.Fatal(err)
		}
	})
}
