package highwaygrpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
)

// A ServerConfig says what the interceptors of a server do. The zero config tells callers
// of refused dependencies, and does nothing else.
type ServerConfig struct {
	// Protectors holds breakers for the server's own handlers, which refuse calls to a
	// handler that keeps failing. Nil means none.
	Protectors *registry.Registry

	// Key names the breaker of a handler, from the full method, as "/pkg.Service/Method".
	// An empty key means that the handler has none: health checks, say. Nil means the full
	// method.
	Key func(fullMethod string) string

	// Failure tells which codes that a handler answers with are failures of the handler,
	// as [ClientConfig].Failure does. Nil means [Failure].
	Failure func(codes.Code) bool
}

// UnaryServerInterceptor tells the callers of unary methods when to come back, and guards
// their handlers if the config has Protectors.
//
// When a handler's error is the refusal of a protector, or wraps one, the call ends with
// Unavailable, with a RetryInfo and with the trailer grpc-retry-pushback-ms (gRFC A6), unless
// the handler has given it a code other than Unknown, Internal and Unavailable. The message
// and the details are the handler's, and so is the trailer where it has set that itself. For
// an isolated circuit there is no RetryInfo, and the pushback forbids retries. An error that
// joins a refusal with something else is about that.
//
// Where a call to a dependency was made, failed, and only its retry was refused, the code
// stays as it is, since Unavailable invites to repeat what may have been done; if it is
// Unavailable anyway, it is told when to come back.
//
// A handler that panics counts as failed; the panic goes on. A call that its client has
// cancelled counts as nothing.
func UnaryServerInterceptor(config ServerConfig) grpc.UnaryServerInterceptor {
	s := newServer(config)
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		// The trailer cannot be set where there is no transport, as in tests of interceptors.
		trailer := func(md metadata.MD) { _ = grpc.SetTrailer(ctx, md) }
		protector := s.protector(info.FullMethod)
		if protector == nil {
			reply, err := handler(ctx, req)
			return reply, tell(ctx, err, trailer)
		}
		permit, err := protector.Acquire(ctx)
		if err != nil {
			return nil, tell(ctx, refusedBy(err), trailer)
		}
		defer abandon(ctx, permit)
		reply, err := handler(ctx, req)
		s.finish(ctx, permit, err)
		return reply, tell(ctx, err, trailer)
	}
}

// StreamServerInterceptor does for streams what [UnaryServerInterceptor] does for unary
// methods. The stream of a guarded handler counts when the handler returns, and as
// [StreamClientInterceptor] says if it is long or cancelled. A header counts as an answer if
// it is the stream that sends it, not grpc.SendHeader.
func StreamServerInterceptor(config ServerConfig) grpc.StreamServerInterceptor {
	s := newServer(config)
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		ctx := ss.Context()
		protector := s.protector(info.FullMethod)
		if protector == nil {
			return tell(ctx, handler(srv, ss), ss.SetTrailer)
		}
		permit, err := protector.Acquire(ctx)
		if err != nil {
			return tell(ctx, refusedBy(err), ss.SetTrailer)
		}
		defer abandon(ctx, permit)
		life := newLasting(protector, permit)
		defer life.stop()
		err = handler(srv, &serverStream{ss, life, !info.IsServerStream})
		if cancelled(ctx) && life.alive.Load() {
			permit.Success()
		} else {
			s.finish(ctx, permit, err)
		}
		return tell(ctx, err, ss.SetTrailer)
	}
}

// A server is a config with its defaults filled in.
type server struct {
	outcomes
	lookup
	key func(string) string
}

func newServer(config ServerConfig) *server {
	s := &server{outcomes: newOutcomes(config.Failure), key: config.Key}
	s.lookup.protectors = config.Protectors
	if s.key == nil {
		s.key = func(fullMethod string) string { return fullMethod }
	}
	return s
}

// protector is the one that guards a handler, or nil.
func (s *server) protector(fullMethod string) *highway.CircuitProtector {
	if s.protectors == nil {
		return nil
	}
	return s.find(s.key(fullMethod))
}

// finish counts a handler that has returned.
func (s *server) finish(ctx context.Context, permit *highway.Permit, err error) {
	if err == nil {
		permit.Success()
		return
	}
	s.settle(ctx, permit, newFailed(err, nil))
}

// A serverStream sees that its handler does something.
type serverStream struct {
	grpc.ServerStream
	*lasting
	uploads bool // the handler sends one message, at the end
}

// SendHeader sends. That of package grpc goes past it.
func (s *serverStream) SendHeader(md metadata.MD) error {
	err := s.ServerStream.SendHeader(md)
	if err == nil {
		s.answered()
	}
	return err
}

// SendMsg sends.
func (s *serverStream) SendMsg(m any) error {
	err := s.ServerStream.SendMsg(m)
	if err == nil && !s.uploads {
		s.answered()
	}
	return err
}

// RecvMsg receives.
func (s *serverStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil && s.uploads {
		s.fed()
	}
	return err
}
