package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A Stock knows how many of a thing there are. It is one method of a gRPC service, written
// by hand to keep the example small; what protoc makes is used in the same way.
type Stock func(ctx context.Context, thing string) (int64, error)

const countMethod = "/example.Stock/Count"

// register makes stock a service of the server.
func register(server *grpc.Server, stock Stock) {
	count := func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		thing := new(wrapperspb.StringValue)
		if err := decode(thing); err != nil {
			return nil, err
		}
		handle := func(ctx context.Context, _ any) (any, error) {
			n, err := stock(ctx, thing.GetValue())
			return wrapperspb.Int64(n), err
		}
		if intercept == nil {
			return handle(ctx, thing)
		}
		return intercept(ctx, thing, &grpc.UnaryServerInfo{Server: srv, FullMethod: countMethod}, handle)
	}
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "example.Stock",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Count", Handler: count}},
	}, stock)
}

// stockAt is the client's side.
func stockAt(conn *grpc.ClientConn) Stock {
	return func(ctx context.Context, thing string) (int64, error) {
		n := new(wrapperspb.Int64Value)
		err := conn.Invoke(ctx, countMethod, wrapperspb.String(thing), n)
		return n.GetValue(), err
	}
}
