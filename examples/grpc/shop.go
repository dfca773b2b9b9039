package main

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/highway-engine/highway"
	highwaygrpc "github.com/highway-engine/highway/grpc"
	"github.com/highway-engine/highway/registry"
)

// A Shop is a gRPC server that asks another one, the warehouse. While the warehouse is down
// the shop does not ask it, and tells its own callers when to come back.
type Shop struct {
	*grpc.Server
	warehouse *grpc.ClientConn
}

// NewShop returns a shop that is not served yet.
func NewShop(warehouse string, changed func(highway.StatusChange)) (*Shop, error) {
	breakers, err := registry.New(registry.Config{
		Policy: highway.CircuitProtectorPolicy{
			FailureLimit:   highway.Fraction(5, 10),
			Cooldown:       500 * time.Millisecond,
			OnStatusChange: changed,
		},
	})
	if err != nil {
		return nil, err
	}
	protect, err := highwaygrpc.UnaryClientInterceptor(highwaygrpc.ClientConfig{
		Protectors:     breakers, // one for each service of each target
		AttemptTimeout: time.Second,
	})
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(warehouse,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(protect))
	if err != nil {
		return nil, err
	}
	s := &Shop{
		// A refusal that a handler returns becomes Unavailable, with a RetryInfo.
		Server:    grpc.NewServer(grpc.UnaryInterceptor(highwaygrpc.UnaryServerInterceptor(highwaygrpc.ServerConfig{}))),
		warehouse: conn,
	}
	count := stockAt(conn)
	register(s.Server, func(ctx context.Context, thing string) (int64, error) { return count(ctx, thing) })
	return s, nil
}

// Close ends the shop at once.
func (s *Shop) Close() error {
	s.Stop()
	return s.warehouse.Close()
}
