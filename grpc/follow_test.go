package highwaygrpc_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/highway-engine/highway"
	highwaygrpc "github.com/highway-engine/highway/grpc"
	"github.com/highway-engine/highway/internal/logtest"
)

// TestABreakerFollowsAServer on a real network: it opens when the server goes bad, spares
// it, and closes when it is back, whatever kind of calls are made.
func TestABreakerFollowsAServer(t *testing.T) {
	for name, call := range kinds {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			changes := make(chan highway.CircuitState, 10)
			r := protectors(t, highway.CircuitProtectorPolicy{
				FailureLimit:   highway.Fraction(3, 5),
				SuccessLimit:   highway.Fraction(2, 2),
				Cooldown:       10 * time.Millisecond,
				OnStatusChange: func(c highway.StatusChange) { changes <- c.To },
			})
			s := new(service)
			start(t, s, listener)
			client := testpb.NewTestServiceClient(dial(t, "dns:///"+listener.Addr().String(),
				highwaygrpc.ClientConfig{Protectors: r}))
			for range 5 {
				if err := call(t.Context(), client); err != nil {
					t.Fatal(err)
				}
			}
			s.answer(status.Error(codes.Internal, "bad"))
			for range 3 {
				if err := call(t.Context(), client); status.Code(err) != codes.Internal {
					t.Fatal(err)
				}
			}
			if state := <-changes; state != highway.Open {
				t.Fatalf("it is %v", state)
			}
			s.answer(nil)
			if state := <-changes; state != highway.HalfOpen {
				t.Fatalf("it is %v", state)
			}
			for range 2 {
				if err := call(t.Context(), client); err != nil {
					t.Fatal(err)
				}
			}
			if state := <-changes; state != highway.Closed {
				t.Fatalf("it is %v", state)
			}
		})
	}
}

// TestAnOpenCircuitSparesTheServer, and the caller learns it at once.
func TestAnOpenCircuitSparesTheServer(t *testing.T) {
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		r := protectors(t, touchy)
		n := connect(t, highwaygrpc.ClientConfig{Protectors: r})
		if err := theProtector(t, r).Open(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		mustBeRefused(t, call(t.Context(), n))
		if err := theProtector(t, r).Isolate(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustBeRefused(t, call(t.Context(), n))
		if came := n.service.calls.Load(); came != 0 {
			t.Errorf("%d calls came", came)
		}
	})
}

// TestWhichCodesCount by default.
func TestWhichCodesCount(t *testing.T) {
	want := map[codes.Code][3]uint64{
		codes.OK:                 asSuccess,
		codes.Canceled:           asNothing,
		codes.Unknown:            asFailure,
		codes.InvalidArgument:    asSuccess,
		codes.DeadlineExceeded:   asFailure,
		codes.NotFound:           asSuccess,
		codes.AlreadyExists:      asSuccess,
		codes.PermissionDenied:   asSuccess,
		codes.ResourceExhausted:  asFailure,
		codes.FailedPrecondition: asSuccess,
		codes.Aborted:            asSuccess,
		codes.OutOfRange:         asSuccess,
		codes.Unimplemented:      asSuccess,
		codes.Internal:           asFailure,
		codes.Unavailable:        asFailure,
		codes.DataLoss:           asFailure,
		codes.Unauthenticated:    asSuccess,
	}
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		for code, want := range want {
			r := protectors(t, touchy)
			n := connect(t, highwaygrpc.ClientConfig{Protectors: r})
			n.service.answer(status.Error(code, "the queue is larger than max 1000")) // not gRPC's words
			if got := status.Code(call(t.Context(), n)); got != code {
				t.Errorf("%v came back as %v", code, got)
			}
			if got := counted(theProtector(t, r)); got != want {
				t.Errorf("%v counts as %v, want %v", code, got, want)
			}
		}
	})
}

// TestTheConfigSaysWhichCodesCount, and the policy may take some back.
func TestTheConfigSaysWhichCodesCount(t *testing.T) {
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		policy := touchy
		policy.ShouldHandle = func(err error) bool { return status.Convert(err).Message() != "my fault" }
		for message, want := range map[string][3]uint64{"its fault": asFailure, "my fault": asSuccess} {
			r := protectors(t, policy)
			n := connect(t, highwaygrpc.ClientConfig{
				Protectors: r,
				Failure:    func(c codes.Code) bool { return c == codes.Aborted || highwaygrpc.Failure(c) },
			})
			n.service.answer(status.Error(codes.Aborted, message))
			_ = call(t.Context(), n)
			if got := counted(theProtector(t, r)); got != want {
				t.Errorf("%s counts as %v, want %v", message, got, want)
			}
		}
	})
}

// TestAMessageTooLargeCountsAsNothing, on whichever side it is too large.
func TestAMessageTooLargeCountsAsNothing(t *testing.T) {
	ctx := t.Context()
	for name, limits := range map[string]limits{
		"to send":    {send: 10},
		"to receive": {receive: 10},
		"to take":    {server: 10},
	} {
		t.Run(name, func(t *testing.T) {
			r := protectors(t, touchy)
			n := connect(t, highwaygrpc.ClientConfig{Protectors: r}, limits.ofServer()...)
			_, err := n.UnaryCall(ctx, &testpb.SimpleRequest{Payload: &testpb.Payload{Body: make([]byte, 100)}}, limits.ofCall()...)
			if status.Code(err) != codes.ResourceExhausted {
				t.Fatal(err)
			}
			if got := counted(theProtector(t, r)); got != asNothing {
				t.Errorf("%v counts as %v", err, got)
			}
		})
	}
}

// TestNoKeyNoBreaker, and none either where the registry has none to give: the call goes
// through, which is logged once.
func TestNoKeyNoBreaker(t *testing.T) {
	log := logtest.Capture(t)
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		for key, logged := range map[string]int{"": 0, strings.Repeat("k", 256): 1} {
			log.Take()
			r := protectors(t, touchy)
			n := connect(t, highwaygrpc.ClientConfig{Protectors: r, Key: func(string, string) string { return key }})
			n.service.answer(status.Error(codes.Internal, "bad"))
			for range 5 {
				if err := call(t.Context(), n); status.Code(err) != codes.Internal {
					t.Errorf("with the key %q: %v", key, err)
				}
			}
			if got := strings.Count(log.String(), "unprotected"); got != logged {
				t.Errorf("with the key %q it was logged %d times", key, got)
			}
		}
	})
}

func TestKeys(t *testing.T) {
	for _, k := range []struct{ target, service, method string }{
		{"payments:443", "payments:443/pkg.Service", "payments:443/pkg.Service/Method"},
		{"dns:///Payments:443", "payments:443/pkg.Service", "payments:443/pkg.Service/Method"},
		{"dns://8.8.8.8/payments:443", "payments:443/pkg.Service", "payments:443/pkg.Service/Method"},
		{"dns:payments:443", "payments:443/pkg.Service", "payments:443/pkg.Service/Method"},
		{"passthrough:///[::1]:50051", "[::1]:50051/pkg.Service", "[::1]:50051/pkg.Service/Method"},
		{"unix:///tmp/S", "unix:///tmp/S/pkg.Service", "unix:///tmp/S/pkg.Service/Method"},
		{"unix:/tmp/S", "unix:/tmp/S/pkg.Service", "unix:/tmp/S/pkg.Service/Method"},
		{"xds:///Payments", "xds:///Payments/pkg.Service", "xds:///Payments/pkg.Service/Method"},
	} {
		if got := highwaygrpc.KeyByService(k.target, "/pkg.Service/Method"); got != k.service {
			t.Errorf("by service %s is %s", k.target, got)
		}
		if got := highwaygrpc.KeyByMethod(k.target, "/pkg.Service/Method"); got != k.method {
			t.Errorf("by method %s is %s", k.target, got)
		}
	}
}

// TestAConfigThatMakesNoSense is refused.
func TestAConfigThatMakesNoSense(t *testing.T) {
	config := highwaygrpc.ClientConfig{AttemptTimeout: -1, Retry: &highway.RetryWithBackoffPolicy{MaxRetries: -2}}
	_, unary := highwaygrpc.UnaryClientInterceptor(config)
	_, stream := highwaygrpc.StreamClientInterceptor(config)
	for _, err := range []error{unary, stream} {
		var invalid *highway.InvalidPolicyError
		if !errors.As(err, &invalid) || invalid.Field != "AttemptTimeout" {
			t.Errorf("got %v", err)
		}
	}
}
