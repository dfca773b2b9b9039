package highwaygrpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/highway-engine/highway"
	highwaygrpc "github.com/highway-engine/highway/grpc"
	"github.com/highway-engine/highway/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A service is gRPC's own test service, with handlers that a test can change meanwhile.
// The zero service answers everything at once: streams echo until their client is done.
type service struct {
	testpb.UnimplementedTestServiceServer
	calls  atomic.Int64
	unary  atomic.Pointer[func(context.Context) error]
	stream atomic.Pointer[func(grpc.ServerStream) error]
}

// do makes the handler of unary methods.
func (s *service) do(handler func(context.Context) error) { s.unary.Store(&handler) }

// serve makes the handler of all streams.
func (s *service) serve(handler func(grpc.ServerStream) error) { s.stream.Store(&handler) }

// answer makes all handlers return err at once.
func (s *service) answer(err error) {
	s.do(func(context.Context) error { return err })
	s.serve(func(ss grpc.ServerStream) error {
		if err == nil {
			return echo(ss)
		}
		return err
	})
}

func (s *service) EmptyCall(ctx context.Context, _ *testpb.Empty) (*testpb.Empty, error) {
	s.calls.Add(1)
	if handler := s.unary.Load(); handler != nil {
		return &testpb.Empty{}, (*handler)(ctx)
	}
	return &testpb.Empty{}, nil
}

func (s *service) UnaryCall(ctx context.Context, in *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	_, err := s.EmptyCall(ctx, nil)
	return &testpb.SimpleResponse{Payload: in.GetPayload()}, err
}

func (s *service) run(ss grpc.ServerStream) error {
	s.calls.Add(1)
	if handler := s.stream.Load(); handler != nil {
		return (*handler)(ss)
	}
	return echo(ss)
}

// echo reads to the end, and where the server streams it sends one message for each.
func echo(ss grpc.ServerStream) error {
	for {
		switch err := ss.RecvMsg(&testpb.Empty{}); {
		case err == io.EOF:
			return ss.SendMsg(&testpb.Empty{})
		case err != nil:
			return err
		}
	}
}

func (s *service) StreamingOutputCall(_ *testpb.StreamingOutputCallRequest, ss testpb.TestService_StreamingOutputCallServer) error {
	return s.run(ss)
}
func (s *service) StreamingInputCall(ss testpb.TestService_StreamingInputCallServer) error {
	return s.run(ss)
}
func (s *service) FullDuplexCall(ss testpb.TestService_FullDuplexCallServer) error {
	return s.run(ss)
}

// A network is a server and a client of it.
type network struct {
	service *service
	testpb.TestServiceClient
	conn     *grpc.ClientConn
	listener *bufconn.Listener
	last     atomic.Pointer[net.Conn] // the client's end
}

// breakUp breaks the connection.
func (n *network) breakUp() { _ = (*n.last.Load()).Close() }

// bufnet is where a network's server is.
const bufnet = "passthrough:///bufnet"

// connect makes a network in memory.
func connect(t *testing.T, client highwaygrpc.ClientConfig, opts ...grpc.ServerOption) *network {
	t.Helper()
	n := &network{service: new(service), listener: bufconn.Listen(1 << 16)}
	start(t, n.service, n.listener, opts...)
	n.conn = dial(t, bufnet, client, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		conn, err := n.listener.DialContext(ctx)
		n.last.Store(&conn)
		return conn, err
	}))
	n.TestServiceClient = testpb.NewTestServiceClient(n.conn)
	return n
}

// start serves until the test is over.
func start(t *testing.T, s *service, listener net.Listener, opts ...grpc.ServerOption) *grpc.Server {
	t.Helper()
	server := grpc.NewServer(opts...)
	testpb.RegisterTestServiceServer(server, s)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })
	return server
}

// dial makes a connection with both interceptors.
func dial(t *testing.T, target string, config highwaygrpc.ClientConfig, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	unary, err := highwaygrpc.UnaryClientInterceptor(config)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := highwaygrpc.StreamClientInterceptor(config)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(target, append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(unary), grpc.WithStreamInterceptor(stream))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// protectors makes a registry.
func protectors(t *testing.T, policy highway.CircuitProtectorPolicy) *registry.Registry {
	t.Helper()
	r, err := registry.New(registry.Config{Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// touchy opens with the first failure of any two calls, for an hour, and closes with the
// first success.
var touchy = highway.CircuitProtectorPolicy{
	FailureLimit: highway.Fraction(1, 2),
	SuccessLimit: highway.Fraction(1, 1),
	Cooldown:     time.Hour,
	ProbeTimeout: 20 * time.Second,
	CountCalls:   true,
}

// theProtector is that of the test service on a network.
func theProtector(t *testing.T, r *registry.Registry) *highway.CircuitProtector {
	t.Helper()
	p, err := r.Get("bufnet/grpc.testing.TestService")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// counted is what a protector has counted: successes, failures and ignored calls.
func counted(p *highway.CircuitProtector) [3]uint64 {
	totals := p.Snapshot().Totals
	return [3]uint64{uint64(totals.Successes), uint64(totals.Failures), uint64(totals.Ignored)}
}

var (
	asSuccess = [3]uint64{1, 0, 0}
	asFailure = [3]uint64{0, 1, 0}
	asNothing = [3]uint64{0, 0, 1}
)

// retryInfo is the delay in an error's RetryInfo, and whether there is one.
func retryInfo(err error) (time.Duration, bool) {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
}

// mustBeRefused checks everything that a refused call's error must have.
func mustBeRefused(t *testing.T, err error) {
	t.Helper()
	var refusal *highway.ProtectedCallError
	if !errors.As(err, &refusal) || !errors.Is(err, highway.ErrProtectedCall) {
		t.Fatalf("got %v, want a refusal", err)
	}
	if code := status.Code(err); code != codes.Unavailable {
		t.Errorf("a refusal has the code %v", code)
	}
	after, ok := retryInfo(err)
	if isolated := refusal.RetryAfter() == highway.UntilReleased; ok == isolated {
		t.Errorf("isolated: %v, and a RetryInfo: %v", isolated, ok)
	} else if ok && (after < refusal.RetryAfter() || after > refusal.RetryAfter()+time.Minute) {
		t.Errorf("RetryInfo says %v, the refusal %v", after, refusal.RetryAfter())
	}
}

// never is a handler that hangs until its caller has gone.
func never(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// kinds are the four ways to make a call, each brought to its end.
var kinds = map[string]func(context.Context, testpb.TestServiceClient) error{
	"unary": func(ctx context.Context, c testpb.TestServiceClient) error {
		_, err := c.EmptyCall(ctx, &testpb.Empty{})
		return err
	},
	"server streaming": func(ctx context.Context, c testpb.TestServiceClient) error {
		stream, err := c.StreamingOutputCall(ctx, &testpb.StreamingOutputCallRequest{})
		if err != nil {
			return err
		}
		return toTheEnd(stream)
	},
	"client streaming": func(ctx context.Context, c testpb.TestServiceClient) error {
		stream, err := c.StreamingInputCall(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(&testpb.StreamingInputCallRequest{}); err != nil && err != io.EOF {
			return err
		}
		_, err = stream.CloseAndRecv()
		return err
	},
	"bidirectional": func(ctx context.Context, c testpb.TestServiceClient) error {
		stream, err := c.FullDuplexCall(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(&testpb.StreamingOutputCallRequest{}); err != nil && err != io.EOF {
			return err
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		return toTheEnd(stream)
	},
}

// toTheEnd reads a stream until it is over.
func toTheEnd(stream grpc.ClientStream) error {
	for {
		if err := stream.RecvMsg(&testpb.StreamingOutputCallResponse{}); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// ofEachKind runs a test for each kind of call, in a bubble.
func ofEachKind(t *testing.T, test func(*testing.T, func(context.Context, testpb.TestServiceClient) error)) {
	t.Helper()
	for name, call := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, call) })
		})
	}
}

// limits are what the sides of a network allow a message to have, in bytes; 0: gRPC's own.
type limits struct{ send, receive, server int }

func (l limits) ofServer() []grpc.ServerOption {
	if l.server > 0 {
		return []grpc.ServerOption{grpc.MaxRecvMsgSize(l.server)}
	}
	return nil
}

func (l limits) ofCall() (opts []grpc.CallOption) {
	if l.send > 0 {
		opts = append(opts, grpc.MaxCallSendMsgSize(l.send))
	}
	if l.receive > 0 {
		opts = append(opts, grpc.MaxCallRecvMsgSize(l.receive))
	}
	return opts
}
