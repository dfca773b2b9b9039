package highwaygrpc_test

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/highway-engine/highway"
	highwaygrpc "github.com/highway-engine/highway/grpc"
)

// TestEveryCallCountsOnce, on both sides, whatever its kind and however it ends; and no
// probe is left behind.
func TestEveryCallCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := highway.CircuitProtectorPolicy{
			FailureLimit: highway.Fraction(3, 5),
			Cooldown:     30 * time.Millisecond,
			ProbeTimeout: 12 * time.Millisecond, // some streams last longer than half of it
			CountCalls:   true,
		}
		r, guards := protectors(t, policy), protectors(t, policy)
		server := highwaygrpc.ServerConfig{Protectors: guards}
		n := connect(t, highwaygrpc.ClientConfig{Protectors: r},
			grpc.UnaryInterceptor(highwaygrpc.UnaryServerInterceptor(server)),
			grpc.StreamInterceptor(highwaygrpc.StreamServerInterceptor(server)))
		var came atomic.Uint64
		end := func(ctx context.Context) error {
			came.Add(1)
			select {
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
			}
			if rand.N(3) == 0 {
				return status.Error(codes.Internal, "bad")
			}
			return nil
		}
		n.service.do(end)
		n.service.serve(func(ss grpc.ServerStream) error {
			if err := end(ss.Context()); err != nil {
				return err
			}
			return echo(ss)
		})
		const callers, calls = 10, 40
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range calls {
					for _, call := range kinds {
						ctx, cancel := context.WithCancel(t.Context())
						if rand.N(5) == 0 {
							time.AfterFunc(5*time.Millisecond, cancel)
						}
						_ = call(ctx, n)
						cancel()
						<-time.After(time.Millisecond)
					}
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		s := theProtector(t, r).Snapshot()
		sum := s.Totals.Successes + s.Totals.Failures + s.Totals.Ignored
		if want := uint64(callers * calls * len(kinds)); sum+s.Totals.Refusals != want || s.ProbesInFlight != 0 {
			t.Errorf("%d calls counted as %+v, probes under way: %d", want, s.Totals, s.ProbesInFlight)
		}
		handled := uint64(0)
		for p := range guards.All() {
			s := p.Snapshot()
			handled += s.Totals.Successes + s.Totals.Failures + s.Totals.Ignored
			if s.ProbesInFlight != 0 {
				t.Errorf("%s: probes under way: %d", p.ResourceKey(), s.ProbesInFlight)
			}
		}
		if handled != came.Load() {
			t.Errorf("%d calls of handlers counted as %d", came.Load(), handled)
		}
		if s.Totals.StatusChanges == 0 || s.Totals.Ignored == 0 {
			t.Errorf("too little has happened: %+v", s.Totals)
		}
	})
}

// TestTheZeroConfig works, and all clients that have none share the breakers.
func TestTheZeroConfig(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := new(service)
	start(t, s, listener)
	s.answer(status.Error(codes.Internal, "bad"))
	target := listener.Addr().String()
	for _, call := range kinds {
		client := testpb.NewTestServiceClient(dial(t, target, highwaygrpc.ClientConfig{}))
		if err := call(t.Context(), client); status.Code(err) != codes.Internal {
			t.Fatal(err)
		}
	}
	p, err := highwaygrpc.DefaultProtectors().Get(target + "/grpc.testing.TestService")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Snapshot().Totals.Failures; got != uint64(len(kinds)) {
		t.Errorf("%d failures", got)
	}
}
