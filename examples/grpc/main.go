// Grpc is a shop that asks a warehouse, both gRPC servers. The warehouse fails and comes
// back; the shop spares it, and tells its customers when to try again.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/highway-engine/highway"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	var down atomic.Bool
	var asked atomic.Int64
	warehouse := grpc.NewServer()
	register(warehouse, func(context.Context, string) (int64, error) {
		asked.Add(1)
		if down.Load() {
			return 0, status.Error(codes.Internal, "the shelves have fallen over")
		}
		return 7, nil
	})
	warehouseAt, err := serve(warehouse)
	if err != nil {
		return err
	}
	defer warehouse.Stop()

	changed := make(chan highway.CircuitState, 100)
	shop, err := NewShop(warehouseAt, func(c highway.StatusChange) { changed <- c.To })
	if err != nil {
		return err
	}
	defer shop.Close()
	shopAt, err := serve(shop.Server)
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(shopAt, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	count := stockAt(conn)
	// Until asks for books until the breaker has got into the state.
	until := func(state highway.CircuitState) error {
		for ctx.Err() == nil {
			_, _ = count(ctx, "books")
			select {
			case to := <-changed:
				fmt.Fprintln(out, "  the shop's breaker is", to)
				if to == state {
					return nil
				}
			case <-time.After(time.Millisecond):
			}
		}
		return ctx.Err()
	}
	ask := func() {
		n, err := count(ctx, "books")
		fmt.Fprintf(out, "  books: %s\n", answer(n, err))
	}

	fmt.Fprintln(out, "All is well:")
	ask()
	fmt.Fprintln(out, "The warehouse fails:")
	down.Store(true)
	if err := until(highway.Open); err != nil {
		return err
	}
	ask()
	before := asked.Load()
	for range 100 {
		_, _ = count(ctx, "books")
	}
	fmt.Fprintf(out, "  a hundred more customers: the warehouse was asked %d times\n", asked.Load()-before)
	fmt.Fprintln(out, "It is back:")
	down.Store(false)
	if err := until(highway.Closed); err != nil {
		return err
	}
	ask()
	return nil
}

// answer is what a customer gets.
func answer(n int64, err error) string {
	if err == nil {
		return fmt.Sprint(n)
	}
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return fmt.Sprintf("%v, come back in %v", s.Code(), info.GetRetryDelay().AsDuration().Round(100*time.Millisecond))
		}
	}
	return s.Code().String()
}

// serve serves on a free port of the loopback, and returns where.
func serve(server *grpc.Server) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), nil
}
