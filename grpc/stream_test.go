package highwaygrpc_test

import (
	"context"
	"io"
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

// sends makes a handler that sends n messages and then returns what end returns.
func sends(n int, end func(context.Context) error) func(grpc.ServerStream) error {
	return func(ss grpc.ServerStream) error {
		for range n {
			if err := ss.SendMsg(&testpb.StreamingOutputCallResponse{}); err != nil {
				return err
			}
		}
		return end(ss.Context())
	}
}

// receive takes n messages.
func receive(t *testing.T, stream grpc.ClientStream, n int) {
	t.Helper()
	for range n {
		if err := stream.RecvMsg(&testpb.StreamingOutputCallResponse{}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAStreamThatFailsHalfWay has failed, though it began well.
func TestAStreamThatFailsHalfWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := protectors(t, touchy)
		n := connect(t, highwaygrpc.ClientConfig{Protectors: r})
		n.service.serve(sends(3, func(context.Context) error { return status.Error(codes.DataLoss, "bad") }))
		stream, err := n.FullDuplexCall(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		receive(t, stream, 3)
		if got := counted(theProtector(t, r)); got != [3]uint64{} {
			t.Errorf("before it ended it counted as %v", got)
		}
		if _, err := stream.Recv(); status.Code(err) != codes.DataLoss {
			t.Error(err)
		}
		if got := counted(theProtector(t, r)); got != asFailure {
			t.Errorf("it counts as %v", got)
		}
	})
}

// TestAStreamThatIsLeftAlone is settled by its context, also if nobody reads.
func TestAStreamThatIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		read     int  // messages, of 3
		deadline bool // it is a deadline that ends it, not its caller
		want     [3]uint64
	}{
		"cancelled, unread":     {0, false, asNothing},
		"cancelled, half read":  {2, false, asSuccess},
		"at its deadline":       {0, true, asFailure},
		"half read, at its end": {2, true, asFailure},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := protectors(t, touchy)
				n := connect(t, highwaygrpc.ClientConfig{Protectors: r})
				n.service.serve(sends(3, never))
				ctx, cancel := context.WithCancel(t.Context())
				if c.deadline {
					ctx, cancel = context.WithTimeout(t.Context(), time.Second)
				}
				defer cancel()
				stream, err := n.FullDuplexCall(ctx)
				if err != nil {
					t.Fatal(err)
				}
				receive(t, stream, c.read)
				if c.deadline {
					<-ctx.Done()
				}
				cancel()
				synctest.Wait()
				if got := counted(theProtector(t, r)); got != c.want {
					t.Errorf("it counts as %v, want %v", got, c.want)
				}
			})
		})
	}
}

// TestAHeaderIsAnAnswer too.
func TestAHeaderIsAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := protectors(t, touchy)
		n := connect(t, highwaygrpc.ClientConfig{Protectors: r})
		n.service.serve(func(ss grpc.ServerStream) error {
			_ = ss.SendHeader(nil)
			return never(ss.Context())
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stream, err := n.FullDuplexCall(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Header(); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if got := counted(theProtector(t, r)); got != asSuccess {
			t.Errorf("it counts as %v", got)
		}
	})
}

// TestALongStreamAsAProbe does not keep a healthy server half-open, and a server that
// says nothing is not taken for healthy.
func TestALongStreamAsAProbe(t *testing.T) {
	half := touchy.ProbeTimeout / 2
	for name, c := range map[string]struct {
		first, second time.Duration // when the server sends
		closes        time.Duration // when the circuit closes; 0: it does not
	}{
		"the server answers at once":  {0, time.Hour, half},
		"the server answers late":     {half + time.Second, time.Hour, half + time.Second},
		"the server answers too late": {2*half + time.Second, time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := protectors(t, touchy)
				n := connect(t, highwaygrpc.ClientConfig{Protectors: r})
				n.service.serve(func(ss grpc.ServerStream) error {
					for _, after := range []time.Duration{c.first, c.second} {
						select {
						case <-time.After(after):
						case <-ss.Context().Done():
							return ss.Context().Err()
						}
						if err := ss.SendMsg(&testpb.Empty{}); err != nil {
							return err
						}
					}
					return nil
				})
				p := theProtector(t, r)
				if err := p.HalfOpen(t.Context()); err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 2*half+2*time.Second)
				defer cancel()
				stream, err := n.FullDuplexCall(ctx)
				if err != nil {
					t.Fatal(err)
				}
				mustBeRefused(t, kinds["unary"](t.Context(), n)) // there is one probe
				_ = toTheEnd(stream)
				synctest.Wait()
				s := p.Snapshot()
				if c.closes == 0 {
					if s.State == highway.Closed {
						t.Errorf("it closed after %v", s.Since.Sub(begun))
					}
				} else if s.State != highway.Closed || s.Since.Sub(begun) != c.closes {
					t.Errorf("it is %v after %v, want it closed after %v", s.State, s.Since.Sub(begun), c.closes)
				}
			})
		})
	}
}

// TestALongUploadAsAProbe shows life when the server takes messages late.
func TestALongUploadAsAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := protectors(t, touchy)
		n := connect(t, highwaygrpc.ClientConfig{Protectors: r})
		p := theProtector(t, r)
		if err := p.HalfOpen(t.Context()); err != nil {
			t.Fatal(err)
		}
		stream, err := n.StreamingInputCall(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		begun := time.Now()
		for p.Status() != highway.Closed {
			<-tick.C
			if err := stream.Send(&testpb.StreamingInputCallRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took < touchy.ProbeTimeout/2 || took > highway.DefaultProbeTimeout/2+time.Second {
			t.Errorf("it closed after %v", took)
		}
		if _, err := stream.CloseAndRecv(); err != nil {
			t.Error(err)
		}
	})
}

// TestAShortStreamAsAProbe leaves no timer behind that could count again.
func TestAShortStreamAsAProbe(t *testing.T) {
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		r := protectors(t, touchy)
		n := connect(t, highwaygrpc.ClientConfig{Protectors: r})
		p := theProtector(t, r)
		if err := p.HalfOpen(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := call(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if state := p.Status(); state != highway.Closed {
			t.Errorf("it is %v", state)
		}
		<-time.After(touchy.ProbeTimeout)
		if got := counted(p); got != asSuccess {
			t.Errorf("it counts as %v", got)
		}
	})
}

// TestAStreamWithoutOnFinish: what stands in for a connection may not know it.
func TestAStreamWithoutOnFinish(t *testing.T) {
	for name, c := range map[string]struct {
		end  error
		want [3]uint64
	}{
		"well":  {io.EOF, asSuccess},
		"badly": {status.Error(codes.Internal, "bad"), asFailure},
	} {
		t.Run(name, func(t *testing.T) {
			r := protectors(t, touchy)
			intercept := highway.Must(highwaygrpc.StreamClientInterceptor(highwaygrpc.ClientConfig{Protectors: r}))
			n := connect(t, highwaygrpc.ClientConfig{})
			stream, err := intercept(t.Context(), &grpc.StreamDesc{ServerStreams: true}, n.conn, testpb.TestService_FullDuplexCall_FullMethodName,
				func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
					return ending{end: c.end}, nil
				})
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.RecvMsg(nil); err != c.end {
				t.Error(err)
			}
			if got := counted(theProtector(t, r)); got != c.want {
				t.Errorf("it counts as %v", got)
			}
		})
	}
}

// An ending stream has ended.
type ending struct {
	grpc.ClientStream
	end error
}

func (e ending) RecvMsg(any) error { return e.end }

// TestAStreamThatCannotBegin is settled too, by a panic even.
func TestAStreamThatCannotBegin(t *testing.T) {
	bad := status.Error(codes.Unavailable, "down")
	for name, streamer := range map[string]grpc.Streamer{
		"error": func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
			return nil, bad
		},
		"panic": func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
			panic(bad)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := protectors(t, touchy)
			intercept := highway.Must(highwaygrpc.StreamClientInterceptor(highwaygrpc.ClientConfig{Protectors: r}))
			n := connect(t, highwaygrpc.ClientConfig{})
			func() {
				defer func() { _ = recover() }()
				_, err := intercept(t.Context(), &grpc.StreamDesc{}, n.conn, testpb.TestService_FullDuplexCall_FullMethodName, streamer)
				if err != bad {
					t.Error(err)
				}
			}()
			if got := counted(theProtector(t, r)); got != asFailure {
				t.Errorf("it counts as %v", got)
			}
		})
	}
}
