package highwaygrpc

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// stream is the interceptor.
func (c *client) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if over(ctx) {
		return streamer(ctx, desc, cc, method, opts...)
	}
	protector := c.protector(cc.Target(), method)
	if protector == nil {
		return streamer(ctx, desc, cc, method, opts...)
	}
	permit, err := protector.Acquire(ctx)
	if err != nil {
		err = refusedBy(err)
		ended(opts, err)
		return nil, err
	}
	returned := false
	defer func() {
		if !returned {
			abandon(ctx, permit)
		}
	}()
	s := &clientStream{ctx: ctx, client: c, uploads: !desc.ServerStreams, lasting: newLasting(protector, permit)}
	s.ClientStream, err = streamer(permit.Context(), desc, cc, method, s.answer.asked(opts,
		// gRPC fills in the answer before it calls OnFinish, on the same goroutine.
		grpc.OnFinish(func(err error) { s.finish(err, &s.answer) }),
	)...)
	returned = true
	if err != nil {
		s.finish(err, nil)
		return nil, err
	}
	return s, nil
}

// A clientStream settles its permit when it ends. OnFinish is what tells; whatever stands
// in for gRPC's connection may not know it, so the errors are looked at too.
type clientStream struct {
	grpc.ClientStream
	*lasting
	ctx     context.Context // the caller's
	client  *client
	uploads bool // the server sends one message, at the end
	answer  answer
	sending atomic.Bool
	ended   atomic.Bool
}

// Header waits for the server's header: a sign of life.
func (s *clientStream) Header() (metadata.MD, error) {
	header, err := s.ClientStream.Header()
	if err == nil && header != nil {
		s.answered()
	}
	return header, err
}

// SendMsg sends.
func (s *clientStream) SendMsg(m any) error {
	s.sending.Store(true)
	err := s.ClientStream.SendMsg(m)
	s.sending.Store(false)
	if err == nil && s.uploads {
		s.fed()
	}
	return err
}

// RecvMsg receives.
func (s *clientStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	switch {
	case err == io.EOF || err == nil && s.uploads:
		s.finish(nil, nil)
	case err != nil:
		s.finish(err, nil)
	default:
		s.answered()
	}
	return err
}

// finish counts the stream, the first time. The answer is nil if it is not gRPC that tells.
func (s *clientStream) finish(err error, answer *answer) {
	if !s.ended.CompareAndSwap(false, true) {
		return
	}
	s.stop()
	if err == nil || cancelled(s.ctx) && s.alive.Load() {
		s.permit.Success()
		return
	}
	defer func() {
		// gRPC may call on its own goroutine, where a panic would end the process.
		if r := recover(); r != nil {
			slog.Error("highway: what tells failures panicked when a gRPC stream ended", "panic", r,
				"stack", string(debug.Stack()))
		}
		abandon(s.ctx, s.permit)
	}()
	s.client.settle(s.ctx, s.permit, answer.failed(err, s.sending.Load()))
}
