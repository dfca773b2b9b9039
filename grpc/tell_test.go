package highwaygrpc_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	highwaygrpc "github.com/highway-engine/highway/grpc"
)

// inside are the options of a server whose own interceptors are within others.
func inside() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(highwaygrpc.UnaryServerInterceptor(highwaygrpc.ServerConfig{}),
			func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
				reply, err := handler(ctx, req)
				return reply, fmt.Errorf("between: %w", err)
			}),
		grpc.ChainStreamInterceptor(highwaygrpc.StreamServerInterceptor(highwaygrpc.ServerConfig{}),
			func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
				return fmt.Errorf("between: %w", handler(srv, ss))
			}),
	}
}

// TestThePushbackIsToldOnce: a second value would forbid retries. Where the handler has set
// one, that is it.
func TestThePushbackIsToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		own  metadata.MD
		want []string
	}{
		"two interceptors": {nil, []string{"600000"}},
		"the handler's":    {metadata.Pairs("grpc-retry-pushback-ms", "7"), []string{"7"}},
	} {
		t.Run(name, func(t *testing.T) {
			ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
				open, _ := refusals(t)
				n := serverWith(t, highwaygrpc.ServerConfig{}, inside()...)
				n.service.do(func(ctx context.Context) error {
					_ = grpc.SetTrailer(ctx, c.own)
					return open
				})
				n.service.serve(func(ss grpc.ServerStream) error {
					ss.SetTrailer(c.own)
					return open
				})
				var trailer metadata.MD
				err := call(t.Context(), testpb.NewTestServiceClient(withTrailer{n.conn, &trailer}))
				if after, ok := retryInfo(err); !ok || after != 10*time.Minute || status.Code(err) != codes.Unavailable {
					t.Errorf("%v, RetryInfo %v, %v", err, after, ok)
				}
				if got := trailer.Get("grpc-retry-pushback-ms"); !slices.Equal(got, c.want) {
					t.Errorf("the pushback is %v, want %v", got, c.want)
				}
			})
		})
	}
}

// A transport keeps the trailer of a call, and does not show it.
type transport struct {
	grpc.ServerTransportStream
	kept metadata.MD
}

func (s *transport) SetTrailer(md metadata.MD) error {
	s.kept = metadata.Join(s.kept, md)
	return nil
}

// TestThePushbackIsToldOnceByAnyTransport.
func TestThePushbackIsToldOnceByAnyTransport(t *testing.T) {
	open, _ := refusals(t)
	intercept := highwaygrpc.UnaryServerInterceptor(highwaygrpc.ServerConfig{})
	s := new(transport)
	ctx := grpc.NewContextWithServerTransportStream(t.Context(), s)
	handler := func(context.Context, any) (any, error) { return nil, open }
	_, err := intercept(ctx, nil, &grpc.UnaryServerInfo{}, func(ctx context.Context, req any) (any, error) {
		return intercept(ctx, req, &grpc.UnaryServerInfo{}, handler)
	})
	mustBeRefused(t, err)
	if got := s.kept.Get("grpc-retry-pushback-ms"); len(got) != 1 {
		t.Errorf("the pushback is %v", got)
	}
}

// TestAnyMessageIsTold: gRPC drops the details of one that is not UTF-8.
func TestAnyMessageIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open, _ := refusals(t)
		n := serverWith(t, highwaygrpc.ServerConfig{})
		n.service.answer(fmt.Errorf("row \xff: %w", open))
		_, err := n.EmptyCall(t.Context(), &testpb.Empty{})
		if after, ok := retryInfo(err); !ok || after != 10*time.Minute {
			t.Errorf("%v, RetryInfo %v, %v", err, after, ok)
		}
		if got, want := status.Convert(err).Message(), "row \uFFFD: "+open.Error(); got != want {
			t.Errorf("the message is %q, want %q", got, want)
		}
	})
}

// A loop is an error that wraps itself.
type loop struct{ error }

func (l *loop) Unwrap() []error { return []error{l} }

// TestAnEndlessErrorIsNoRefusal, and is given up.
func TestAnEndlessErrorIsNoRefusal(t *testing.T) {
	bad := &loop{errors.New("bad")}
	intercept := highwaygrpc.UnaryServerInterceptor(highwaygrpc.ServerConfig{})
	_, err := intercept(t.Context(), nil, &grpc.UnaryServerInfo{}, func(context.Context, any) (any, error) { return nil, bad })
	if err != error(bad) {
		t.Errorf("got %v", err)
	}
}
