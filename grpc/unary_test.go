package highwaygrpc_test

import (
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	highwaygrpc "github.com/highway-engine/highway/grpc"
)

// TestTheErrorOfARefusedCall has everything that callers and their gRPC look for.
func TestTheErrorOfARefusedCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := protectors(t, touchy)
		n := connect(t, highwaygrpc.ClientConfig{Protectors: r})
		n.service.answer(status.Error(codes.Unavailable, "down"))
		for range 2 {
			if _, err := n.EmptyCall(t.Context(), &testpb.Empty{}); status.Code(err) != codes.Unavailable {
				t.Fatal(err)
			}
		}
		_, err := n.EmptyCall(t.Context(), &testpb.Empty{})
		mustBeRefused(t, err)
		if n.service.calls.Load() != 2 {
			t.Errorf("%d calls came", n.service.calls.Load())
		}
		if err := theProtector(t, r).Isolate(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err = n.EmptyCall(t.Context(), &testpb.Empty{})
		mustBeRefused(t, err)
	})
}
