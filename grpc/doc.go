// Package highwaygrpc puts circuit breakers and retries of package highway between gRPC
// and those who use it: interceptors for the client side, which ask a breaker before each
// call, and for the server side, which tell callers when to come back.
//
//	conn, err := grpc.NewClient("payments.example.com:443",
//		grpc.WithTransportCredentials(credentials.NewTLS(nil)),
//		grpc.WithUnaryInterceptor(highway.Must(highwaygrpc.UnaryClientInterceptor(config))),
//		grpc.WithStreamInterceptor(highway.Must(highwaygrpc.StreamClientInterceptor(config))),
//	)
//
// The zero [ClientConfig] works: one breaker for each service of each target. What counts
// as what, streams and retries are in docs/grpc.md.
//
// Everything here is safe for concurrent use.
package highwaygrpc
