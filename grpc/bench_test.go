package highwaygrpc_test

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/highway-engine/highway"
	highwaygrpc "github.com/highway-engine/highway/grpc"
	"github.com/highway-engine/highway/registry"
)

// interceptors are what the benchmarks compare.
func interceptors() map[string][]grpc.DialOption {
	r := highway.Must(registry.New(registry.Config{}))
	with := func(c highwaygrpc.ClientConfig) []grpc.DialOption {
		c.Protectors = r
		return []grpc.DialOption{grpc.WithUnaryInterceptor(highway.Must(highwaygrpc.UnaryClientInterceptor(c)))}
	}
	return map[string][]grpc.DialOption{
		"none":    nil,
		"breaker": with(highwaygrpc.ClientConfig{}),
		"retry":   with(highwaygrpc.ClientConfig{Retry: &highway.RetryWithBackoffPolicy{}}),
	}
}

// BenchmarkUnaryCall is a whole call to a server on the loopback network.
func BenchmarkUnaryCall(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := grpc.NewServer()
	testpb.RegisterTestServiceServer(server, new(service))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	defer func() { server.Stop(); <-done }()
	for _, name := range []string{"none", "breaker", "retry"} {
		b.Run(name, func(b *testing.B) {
			conn, err := grpc.NewClient(listener.Addr().String(), append(interceptors()[name],
				grpc.WithTransportCredentials(insecure.NewCredentials()))...)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			client := testpb.NewTestServiceClient(conn)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.EmptyCall(b.Context(), &testpb.Empty{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUnaryInterceptor is what the interceptor itself takes of a call that works, and
// of one that is refused.
func BenchmarkUnaryInterceptor(b *testing.B) {
	conn, err := grpc.NewClient("passthrough:///payments:443", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	invoker := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return nil }
	for _, name := range []string{"let through", "refused"} {
		b.Run(name, func(b *testing.B) {
			r := highway.Must(registry.New(registry.Config{}))
			p := highway.Must(r.Get("payments:443/grpc.testing.TestService"))
			if name == "refused" {
				_ = p.Isolate(b.Context())
			}
			intercept := highway.Must(highwaygrpc.UnaryClientInterceptor(highwaygrpc.ClientConfig{Protectors: r}))
			b.ReportAllocs()
			for b.Loop() {
				_ = intercept(b.Context(), testpb.TestService_EmptyCall_FullMethodName, nil, nil, conn, invoker)
			}
		})
	}
}
