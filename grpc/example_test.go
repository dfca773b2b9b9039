package highwaygrpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/highway-engine/highway"
	highwaygrpc "github.com/highway-engine/highway/grpc"
	"github.com/highway-engine/highway/registry"
)

// One config for both kinds of calls, so that they share the breakers.
func Example() {
	address, stop := serve(grpc.NewServer())
	defer stop()

	protectors := highway.Must(registry.New(registry.Config{Policy: highway.CircuitProtectorPolicy{
		FailureLimit: highway.Fraction(3, 10),
		Cooldown:     30 * time.Second,
	}}))
	config := highwaygrpc.ClientConfig{
		Protectors:     protectors,
		Retry:          &highway.RetryWithBackoffPolicy{MaxRetries: 2},
		AttemptTimeout: time.Second,
	}
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(highway.Must(highwaygrpc.UnaryClientInterceptor(config))),
		grpc.WithStreamInterceptor(highway.Must(highwaygrpc.StreamClientInterceptor(config))),
	)
	if err != nil {
		panic(err)
	}
	defer conn.Close()

	reply, err := healthpb.NewHealthClient(conn).Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(reply.GetStatus(), err)
	for p := range protectors.All() {
		fmt.Println(p.ResourceKey() == address+"/grpc.health.v1.Health", p.Status())
	}
	// Output:
	// SERVING <nil>
	// true CLOSED
}

// A refused call has the code Unavailable, and more for those who look.
func ExampleUnaryClientInterceptor() {
	protectors := highway.Must(registry.New(registry.Config{}))
	conn, err := grpc.NewClient("payments.example.com:443",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(highway.Must(highwaygrpc.UnaryClientInterceptor(highwaygrpc.ClientConfig{Protectors: protectors}))),
	)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	protector := highway.Must(protectors.Get("payments.example.com:443/grpc.health.v1.Health"))
	_ = protector.Isolate(context.Background())

	_, err = healthpb.NewHealthClient(conn).Check(context.Background(), &healthpb.HealthCheckRequest{})
	var refusal *highway.ProtectedCallError
	if errors.As(err, &refusal) {
		fmt.Println(status.Code(err), refusal.State())
	}
	// Output: Unavailable OPEN
}

// Some codes are a matter of taste.
func ExampleFailure() {
	config := highwaygrpc.ClientConfig{
		Failure: func(code codes.Code) bool {
			return highwaygrpc.Failure(code) && code != codes.ResourceExhausted
		},
	}
	fmt.Println(config.Failure(codes.Unavailable), config.Failure(codes.ResourceExhausted))
	// Output: true false
}

// A server tells its callers when a dependency will be asked again, and stops calling
// handlers of its own that keep failing, but for health checks.
func ExampleUnaryServerInterceptor() {
	config := highwaygrpc.ServerConfig{
		Protectors: highway.Must(registry.New(registry.Config{})),
		Key: func(fullMethod string) string {
			if fullMethod == healthpb.Health_Check_FullMethodName {
				return ""
			}
			return fullMethod
		},
	}
	guarded := grpc.NewServer(
		grpc.ChainUnaryInterceptor(highwaygrpc.UnaryServerInterceptor(config)),
		grpc.ChainStreamInterceptor(highwaygrpc.StreamServerInterceptor(config)),
	)
	defer guarded.Stop()

	// One without guards of its own only tells of refused dependencies.
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(highwaygrpc.UnaryServerInterceptor(highwaygrpc.ServerConfig{})),
		grpc.ChainStreamInterceptor(highwaygrpc.StreamServerInterceptor(highwaygrpc.ServerConfig{})),
	)
	_, stop := serve(server)
	defer stop()

	fmt.Println(config.Protectors.Len())
	// Output: 0
}

// serve serves health checks on the loopback network.
func serve(server *grpc.Server) (address string, stop func()) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	healthpb.RegisterHealthServer(server, health.NewServer())
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	return listener.Addr().String(), func() { server.Stop(); <-done }
}
