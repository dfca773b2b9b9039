package highwaygrpc_test

import (
	"context"
	"errors"
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

// hanging makes a network whose server answers nothing.
func hanging(t *testing.T, config highwaygrpc.ClientConfig) *network {
	n := connect(t, config)
	n.service.do(never)
	n.service.serve(func(ss grpc.ServerStream) error { return never(ss.Context()) })
	return n
}

// TestACallerWhoCancelsCountsAsNothing while the server says nothing.
func TestACallerWhoCancelsCountsAsNothing(t *testing.T) {
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		r := protectors(t, touchy)
		n := hanging(t, highwaygrpc.ClientConfig{Protectors: r})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := call(ctx, n); status.Code(err) != codes.Canceled {
			t.Fatal(err)
		}
		synctest.Wait() // a goroutine of gRPC may be counting it
		if got := counted(theProtector(t, r)); got != asNothing {
			t.Errorf("it counts as %v", got)
		}
	})
}

// TestADeadlineCountsAsFailure: a server that hangs must open the circuit.
func TestADeadlineCountsAsFailure(t *testing.T) {
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		r := protectors(t, touchy)
		n := hanging(t, highwaygrpc.ClientConfig{Protectors: r})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := call(ctx, n); status.Code(err) != codes.DeadlineExceeded {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := counted(theProtector(t, r)); got != asFailure {
			t.Errorf("it counts as %v", got)
		}
	})
}

// TestACallThatIsOverBeforeItBegins says nothing about the server, and takes no probe.
func TestACallThatIsOverBeforeItBegins(t *testing.T) {
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		r := protectors(t, touchy)
		n := connect(t, highwaygrpc.ClientConfig{Protectors: r, Retry: &highway.RetryWithBackoffPolicy{}})
		ctx, cancel := context.WithDeadline(t.Context(), time.Now())
		defer cancel()
		if err := call(ctx, n); status.Code(err) != codes.DeadlineExceeded {
			t.Fatal(err)
		}
		if got := counted(theProtector(t, r)); got != [3]uint64{} {
			t.Errorf("it counts as %v", got)
		}
	})
}

// TestAnAttemptThatIsCutOffCountsAsFailure, though the caller has time.
func TestAnAttemptThatIsCutOffCountsAsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := protectors(t, touchy)
		n := hanging(t, highwaygrpc.ClientConfig{Protectors: r, AttemptTimeout: time.Second})
		begun := time.Now()
		if _, err := n.EmptyCall(t.Context(), &testpb.Empty{}); status.Code(err) != codes.DeadlineExceeded {
			t.Fatal(err)
		}
		if took := time.Since(begun); took != time.Second {
			t.Errorf("it took %v", took)
		}
		if got := counted(theProtector(t, r)); got != asFailure {
			t.Errorf("it counts as %v", got)
		}
	})
}

// TestAClosedConnectionCountsAsNothing: whoever closes it does so on this side.
func TestAClosedConnectionCountsAsNothing(t *testing.T) {
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		r := protectors(t, touchy)
		n := hanging(t, highwaygrpc.ClientConfig{Protectors: r})
		time.AfterFunc(time.Second, func() { _ = n.conn.Close() })
		if err := call(t.Context(), n); status.Code(err) != codes.Canceled {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := counted(theProtector(t, r)); got != asNothing {
			t.Errorf("it counts as %v", got)
		}
	})
}

// TestOnFinishIsToldOnce of every call, also of one that is refused or made again.
func TestOnFinishIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := protectors(t, touchy)
		n := connect(t, highwaygrpc.ClientConfig{
			Protectors: r, Idempotent: func(string) bool { return true },
			Retry: &highway.RetryWithBackoffPolicy{MaxRetries: 1},
		})
		var told []error
		option := grpc.OnFinish(func(err error) { told = append(told, err) })
		check := func(err error) {
			t.Helper()
			if len(told) != 1 || !errors.Is(told[0], err) {
				t.Errorf("it was told %v of a call that ended with %v", told, err)
			}
			told = nil
		}
		_, err := n.EmptyCall(t.Context(), &testpb.Empty{}, option)
		check(err)
		n.service.answer(status.Error(codes.Internal, "bad"))
		_, err = n.EmptyCall(t.Context(), &testpb.Empty{}, option)
		check(err)
		_, err = n.EmptyCall(t.Context(), &testpb.Empty{}, option)
		mustBeRefused(t, err)
		check(err)
		_, err = n.FullDuplexCall(t.Context(), option)
		mustBeRefused(t, err)
		check(err)
	})
}
