package highwaygrpc_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/highway-engine/highway"
	highwaygrpc "github.com/highway-engine/highway/grpc"
)

// notUTF8 is what no message can say.
var notUTF8 = &testpb.EchoStatus{Message: "\xff"}

// A broken compressor compresses nothing.
type broken struct{ encoding.Compressor }

func (broken) Name() string                               { return "broken" }
func (broken) Compress(io.Writer) (io.WriteCloser, error) { return nil, errors.New("broken") }

// mistakes are calls that cannot be sent.
var mistakes = map[string]func(context.Context, testpb.TestServiceClient) error{
	"message": func(ctx context.Context, c testpb.TestServiceClient) error {
		_, err := c.UnaryCall(ctx, &testpb.SimpleRequest{ResponseStatus: notUTF8})
		return err
	},
	"metadata": func(ctx context.Context, c testpb.TestServiceClient) error {
		_, err := c.EmptyCall(metadata.AppendToOutgoingContext(ctx, "a", "b\nc"), &testpb.Empty{})
		return err
	},
	"compression": func(ctx context.Context, c testpb.TestServiceClient) error {
		_, err := c.UnaryCall(ctx, &testpb.SimpleRequest{ResponseSize: 1}, grpc.UseCompressor(broken{}.Name()))
		return err
	},
	"compressor": func(ctx context.Context, c testpb.TestServiceClient) error {
		_, err := c.EmptyCall(ctx, &testpb.Empty{}, grpc.UseCompressor("none such"))
		return err
	},
	"stream's only message": func(ctx context.Context, c testpb.TestServiceClient) error {
		_, err := c.StreamingOutputCall(ctx, &testpb.StreamingOutputCallRequest{ResponseStatus: notUTF8})
		return err
	},
	"stream's message": func(ctx context.Context, c testpb.TestServiceClient) error {
		stream, err := c.FullDuplexCall(ctx)
		if err != nil {
			return err
		}
		return stream.Send(&testpb.StreamingOutputCallRequest{ResponseStatus: notUTF8})
	},
	"stream's second message": func(ctx context.Context, c testpb.TestServiceClient) error {
		stream, err := c.FullDuplexCall(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(&testpb.StreamingOutputCallRequest{}); err != nil {
			return err
		}
		return stream.Send(&testpb.StreamingOutputCallRequest{ResponseStatus: notUTF8})
	},
	"stream's message too late": func(ctx context.Context, c testpb.TestServiceClient) error {
		stream, err := c.FullDuplexCall(ctx)
		if err != nil {
			return err
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		return stream.Send(&testpb.StreamingOutputCallRequest{})
	},
	"stream's metadata": func(ctx context.Context, c testpb.TestServiceClient) error {
		_, err := c.FullDuplexCall(metadata.AppendToOutgoingContext(ctx, "a", "b\nc"))
		return err
	},
}

// TestACallersMistakeCountsAsNothing: one caller must not take the server from all others.
// It is not made again either, whatever the policy says.
func TestACallersMistakeCountsAsNothing(t *testing.T) {
	encoding.RegisterCompressor(broken{}) // here, and not for the benchmarks: all calls name it
	for name, call := range mistakes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				retry, attempts := twice, 0
				retry.ShouldHandle = func(error) bool { return true }
				retry.OnAttempt = func(context.Context, highway.Attempt) { attempts++ }
				r := protectors(t, touchy)
				n := connect(t, highwaygrpc.ClientConfig{
					Protectors: r, Retry: &retry, Idempotent: func(string) bool { return true },
				})
				n.service.serve(func(ss grpc.ServerStream) error { return never(ss.Context()) })
				err := call(t.Context(), n)
				if status.Code(err) != codes.Internal {
					t.Fatal(err)
				}
				if got := counted(theProtector(t, r)); got != asNothing {
					t.Errorf("%v counts as %v", err, got)
				}
				if attempts > 1 {
					t.Errorf("there were %d attempts", attempts)
				}
			})
		})
	}
}

// A spoiled stream is one whose message cannot be sent, which its reader hears of first.
type spoiled struct {
	grpc.ClientStream
	reader grpc.ClientStream
}

func (s *spoiled) SendMsg(any) error { return s.reader.RecvMsg(nil) }
func (s *spoiled) RecvMsg(any) error {
	return status.Error(codes.Internal, "grpc: error while marshaling: bad")
}

// TestAMistakeThatTheReaderHearsOfFirst is no failure either.
func TestAMistakeThatTheReaderHearsOfFirst(t *testing.T) {
	for sending, want := range map[bool][3]uint64{true: asNothing, false: asFailure} {
		r := protectors(t, touchy)
		intercept := highway.Must(highwaygrpc.StreamClientInterceptor(highwaygrpc.ClientConfig{Protectors: r}))
		n, s := connect(t, highwaygrpc.ClientConfig{}), new(spoiled)
		stream, err := intercept(t.Context(), &grpc.StreamDesc{}, n.conn, testpb.TestService_FullDuplexCall_FullMethodName,
			func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
				return s, nil
			})
		if err != nil {
			t.Fatal(err)
		}
		if s.reader = stream; sending {
			err = stream.SendMsg(nil)
		} else {
			err = stream.RecvMsg(nil)
		}
		if got := counted(theProtector(t, r)); got != want {
			t.Errorf("while sending, %v: %v counts as %v", sending, err, got)
		}
	}
}

// TestAMistakeIsNoAnswer, even if the config takes its code for one.
func TestAMistakeIsNoAnswer(t *testing.T) {
	retry := twice
	var told error
	retry.OnAttempt = func(_ context.Context, a highway.Attempt) { told = a.Err }
	n := connect(t, highwaygrpc.ClientConfig{
		Protectors: protectors(t, patient), Retry: &retry, Failure: func(codes.Code) bool { return false },
	})
	if err := mistakes["message"](t.Context(), n); told == nil || told != err {
		t.Errorf("it was told %v of a call that ended with %v", told, err)
	}
}

// TestAServersMistakeCountsAsFailure, though its text is the same.
func TestAServersMistakeCountsAsFailure(t *testing.T) {
	wrong := &testpb.SimpleResponse{Username: "\xff"}
	for name, sent := range map[string]int{"at once": 0, "later": 1} {
		for kind, call := range kinds {
			t.Run(name+", "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := protectors(t, touchy)
					n := connect(t, highwaygrpc.ClientConfig{Protectors: r}, grpc.UnaryInterceptor(
						func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) { return wrong, nil }))
					n.service.serve(func(ss grpc.ServerStream) error {
						for range sent {
							_ = ss.SendHeader(nil)
						}
						return ss.SendMsg(wrong)
					})
					err := call(t.Context(), n)
					if status.Code(err) != codes.Internal {
						t.Fatal(err)
					}
					if got := counted(theProtector(t, r)); got != asFailure {
						t.Errorf("%v counts as %v", err, got)
					}
				})
			})
		}
	}
}
