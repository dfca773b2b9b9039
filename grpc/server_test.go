package highwaygrpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/highway-engine/highway"
	highwaygrpc "github.com/highway-engine/highway/grpc"
)

// serverWith makes a network with the interceptors of a server; its client asks no breaker.
// Outer interceptors see what those return.
func serverWith(t *testing.T, config highwaygrpc.ServerConfig, opts ...grpc.ServerOption) *network {
	t.Helper()
	return connect(t, highwaygrpc.ClientConfig{Key: func(string, string) string { return "" }}, append(opts,
		grpc.ChainUnaryInterceptor(highwaygrpc.UnaryServerInterceptor(config)),
		grpc.ChainStreamInterceptor(highwaygrpc.StreamServerInterceptor(config)),
	)...)
}

// refusals gives the error that a handler gets from a dependency whose circuit is open for
// ten minutes, and from one that is isolated.
func refusals(t *testing.T) (open, isolated error) {
	t.Helper()
	p := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "dependency"}))
	q := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "dependency"}))
	if err := errors.Join(p.Open(t.Context(), 10*time.Minute), q.Isolate(t.Context())); err != nil {
		t.Fatal(err)
	}
	nothing := func(context.Context) error { return nil }
	return p.Do(t.Context(), nothing), q.Do(t.Context(), nothing)
}

// An ownStatus is an error with a code of a handler's own choice, and a cause.
type ownStatus struct {
	error
	code codes.Code
}

func (e ownStatus) Unwrap() error              { return e.error }
func (e ownStatus) GRPCStatus() *status.Status { return status.New(e.code, e.Error()) }

// A detailed error has a status with details, and a cause.
type detailed struct {
	error
	status *status.Status
}

func (e detailed) Unwrap() error              { return e.error }
func (e detailed) GRPCStatus() *status.Status { return e.status }

// TestARefusedDependency is told to the caller, with when to come back.
func TestARefusedDependency(t *testing.T) {
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		open, isolated := refusals(t)
		afterFailing := func(last, endedBy error) error {
			return &highway.RetryLimitReachedError{Attempts: 2, Last: last, EndedBy: endedBy}
		}
		for name, c := range map[string]struct {
			err      error
			code     codes.Code
			info     bool   // there is a RetryInfo of ten minutes
			pushback string // the trailer
		}{
			"nothing of it":         {status.Error(codes.Internal, "bad"), codes.Internal, false, ""},
			"unavailable otherwise": {status.Error(codes.Unavailable, "bad"), codes.Unavailable, false, ""},
			"refused":               {open, codes.Unavailable, true, "600000"},
			"wrapped":               {fmt.Errorf("charging: %w", open), codes.Unavailable, true, "600000"},
			"isolated":              {isolated, codes.Unavailable, false, "-1"},
			"internal":              {ownStatus{open, codes.Internal}, codes.Unavailable, true, "600000"},
			"a code that says more": {ownStatus{open, codes.FailedPrecondition}, codes.FailedPrecondition, false, ""},
			"made, then refused":    {afterFailing(errors.New("bad"), open), codes.Unknown, false, ""},
			"unavailable, refused":  {afterFailing(status.Error(codes.Unavailable, ""), open), codes.Unavailable, true, "600000"},
			"not made, not refused": {afterFailing(errors.New("bad"), nil), codes.Unknown, false, ""},
			"ended by its context":  {afterFailing(errors.New("bad"), context.Canceled), codes.Canceled, false, ""},
			"joined with another":   {errors.Join(errors.New("bad"), open), codes.Unknown, false, ""},
			"another, unavailable":  {errors.Join(open, status.Error(codes.Unavailable, "bad")), codes.Unavailable, false, ""},
			"two refusals":          {errors.Join(isolated, open), codes.Unavailable, true, "600000"},
			"joined, made, refused": {errors.Join(open, afterFailing(errors.New("bad"), open)), codes.Unknown, false, ""},
			"joined, refused, made": {errors.Join(afterFailing(errors.New("bad"), open), open), codes.Unknown, false, ""},
			"joined, after failing": {errors.Join(errors.New("bad"), afterFailing(status.Error(codes.Unavailable, ""), open)), codes.Unavailable, false, ""},
		} {
			n := serverWith(t, highwaygrpc.ServerConfig{})
			n.service.answer(c.err)
			var trailer metadata.MD
			err := call(t.Context(), testpb.NewTestServiceClient(withTrailer{n.conn, &trailer}))
			if code := status.Code(err); code != c.code {
				t.Errorf("%s: the code is %v, want %v", name, code, c.code)
			}
			if after, ok := retryInfo(err); ok != c.info || ok && after != 10*time.Minute {
				t.Errorf("%s: the RetryInfo is %v, %v", name, after, ok)
			}
			pushback := ""
			for _, value := range trailer.Get("grpc-retry-pushback-ms") {
				pushback += value
			}
			if pushback != c.pushback {
				t.Errorf("%s: the pushback is %q, want %q", name, pushback, c.pushback)
			}
		}
	})
}

// A withTrailer is a connection that keeps the trailer of its last call.
type withTrailer struct {
	*grpc.ClientConn
	trailer *metadata.MD
}

func (c withTrailer) Invoke(ctx context.Context, method string, in, out any, opts ...grpc.CallOption) error {
	return c.ClientConn.Invoke(ctx, method, in, out, append(opts, grpc.Trailer(c.trailer))...)
}

func (c withTrailer) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.ClientConn.NewStream(ctx, desc, method, append(opts, grpc.Trailer(c.trailer))...)
}

// TestTheMessageAndTheDetailsAreTheHandlers, and interceptors further out see its error.
func TestTheMessageAndTheDetailsAreTheHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open, _ := refusals(t)
		var seen error
		n := serverWith(t, highwaygrpc.ServerConfig{}, grpc.ChainUnaryInterceptor(
			func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
				reply, err := handler(ctx, req)
				seen = err
				return reply, err
			}))
		handlers := fmt.Errorf("charging: %w", detailed{open, status.Convert(withInfo(t, codes.Unavailable, time.Minute))})
		n.service.answer(handlers)
		_, err := n.EmptyCall(t.Context(), &testpb.Empty{})
		if after, ok := retryInfo(err); !ok || after != time.Minute || len(status.Convert(err).Details()) != 1 {
			t.Errorf("the details are %v", status.Convert(err).Details())
		}
		if got := status.Convert(err).Message(); got != handlers.Error() {
			t.Errorf("the message is %q", got)
		}
		if !errors.Is(seen, handlers) {
			t.Errorf("outside it is %v", seen)
		}
	})
}

// TestTwoServersInARow: what the first is refused, its own caller learns.
func TestTwoServersInARow(t *testing.T) {
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		r := protectors(t, touchy)
		behind := connect(t, highwaygrpc.ClientConfig{Protectors: r})
		front := serverWith(t, highwaygrpc.ServerConfig{})
		front.service.do(func(ctx context.Context) error { return call(ctx, behind) })
		front.service.serve(func(ss grpc.ServerStream) error { return call(ss.Context(), behind) })
		if err := theProtector(t, r).Open(t.Context(), 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		err := call(t.Context(), front)
		if after, ok := retryInfo(err); !ok || after != 10*time.Minute || status.Code(err) != codes.Unavailable {
			t.Errorf("%v, RetryInfo %v, %v", err, after, ok)
		}
	})
}

// TestAGuardedHandler is spared when it keeps failing, each method for itself.
func TestAGuardedHandler(t *testing.T) {
	for name, call := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := serverWith(t, highwaygrpc.ServerConfig{Protectors: protectors(t, touchy)})
				n.service.answer(status.Error(codes.Internal, "bad"))
				for range 2 {
					if err := call(t.Context(), n); status.Code(err) != codes.Internal {
						t.Fatal(err)
					}
				}
				var trailer metadata.MD
				err := call(t.Context(), testpb.NewTestServiceClient(withTrailer{n.conn, &trailer}))
				if after, ok := retryInfo(err); status.Code(err) != codes.Unavailable || !ok || after != time.Hour {
					t.Errorf("%v, RetryInfo %v, %v", err, after, ok)
				}
				if got := trailer.Get("grpc-retry-pushback-ms"); len(got) != 1 || got[0] != "3600000" {
					t.Errorf("the pushback is %v", got)
				}
				if came := n.service.calls.Load(); came != 2 {
					t.Errorf("%d calls came", came)
				}
				n.service.answer(nil)
				for other, call := range kinds {
					if err := call(t.Context(), n); (err == nil) == (other == name) {
						t.Errorf("%s: %v", other, err)
					}
				}
				<-time.After(time.Hour)
				if err := call(t.Context(), n); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// methods are the full methods of the kinds of calls.
var methods = map[string]string{
	"unary":            testpb.TestService_EmptyCall_FullMethodName,
	"server streaming": testpb.TestService_StreamingOutputCall_FullMethodName,
	"client streaming": testpb.TestService_StreamingInputCall_FullMethodName,
	"bidirectional":    testpb.TestService_FullDuplexCall_FullMethodName,
}

// TestWhatAHandlerCountsAs when it ends in each way.
func TestWhatAHandlerCountsAs(t *testing.T) {
	open, _ := refusals(t)
	answered := &highway.RetryLimitReachedError{Attempts: 2, Last: status.Error(codes.NotFound, ""), EndedBy: open}
	for name, c := range map[string]struct {
		end  func(context.Context) error
		want [3]uint64
	}{
		"well":               {func(context.Context) error { return nil }, asSuccess},
		"with a code":        {func(context.Context) error { return status.Error(codes.NotFound, "") }, asSuccess},
		"with a failure":     {func(context.Context) error { return status.Error(codes.Internal, "") }, asFailure},
		"with any error":     {func(context.Context) error { return errors.New("bad") }, asFailure},
		"with a refusal":     {func(context.Context) error { return fmt.Errorf("no: %w", open) }, asNothing},
		"with another error": {func(context.Context) error { return errors.Join(errors.New("bad"), open) }, asFailure},
		"with its answer":    {func(context.Context) error { return errors.Join(status.Error(codes.NotFound, ""), open) }, asSuccess},
		"after an answer":    {func(context.Context) error { return answered }, asSuccess},
		"late":               {func(context.Context) error { return context.DeadlineExceeded }, asFailure},
		"given up":           {func(context.Context) error { return context.Canceled }, asNothing},
		"with a panic":       {func(context.Context) error { panic("bad") }, asFailure},
		"with its goroutine": {func(context.Context) error { runtime.Goexit(); return nil }, asFailure},
	} {
		for kind, call := range kinds {
			t.Run(name+", "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := protectors(t, touchy)
					panics := 0
					n := serverWith(t, highwaygrpc.ServerConfig{Protectors: r}, recovering(&panics)...)
					n.service.do(c.end)
					n.service.serve(func(ss grpc.ServerStream) error {
						err := c.end(ss.Context())
						if err == nil {
							err = echo(ss)
						}
						return err
					})
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					_ = call(ctx, n)
					synctest.Wait()
					p, err := r.Get(methods[kind])
					if err != nil {
						t.Fatal(err)
					}
					if got := counted(p); got != c.want {
						t.Errorf("it counts as %v, want %v", got, c.want)
					}
					if name == "with a panic" && panics != 1 {
						t.Errorf("%d panics went on", panics)
					}
				})
			})
		}
	}
}

// recovering are interceptors that count panics.
func recovering(panics *int) []grpc.ServerOption {
	rescue := func(err *error) {
		if p := recover(); p != nil {
			*panics++
			*err = status.Error(codes.Internal, fmt.Sprint(p))
		}
	}
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (_ any, err error) {
			defer rescue(&err)
			return handler(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
			defer rescue(&err)
			return handler(srv, ss)
		}),
	}
}

// TestAClientThatGoesAway says nothing of the handler, unless that has answered.
func TestAClientThatGoesAway(t *testing.T) {
	for sent, want := range map[int][3]uint64{0: asNothing, 1: asSuccess} {
		synctest.Test(t, func(t *testing.T) {
			r := protectors(t, touchy)
			n := serverWith(t, highwaygrpc.ServerConfig{Protectors: r})
			n.service.serve(sends(sent, never))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stream, err := n.FullDuplexCall(ctx)
			if err != nil {
				t.Fatal(err)
			}
			receive(t, stream, sent)
			cancel()
			synctest.Wait()
			if got := counted(highway.Must(r.Get(methods["bidirectional"]))); got != want {
				t.Errorf("after %d messages it counts as %v, want %v", sent, got, want)
			}
		})
	}
}

// TestAHeaderOfAHandlerIsAnAnswer too.
func TestAHeaderOfAHandlerIsAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := protectors(t, touchy)
		n := serverWith(t, highwaygrpc.ServerConfig{Protectors: r})
		n.service.serve(func(ss grpc.ServerStream) error {
			_ = ss.SendHeader(nil)
			return never(ss.Context())
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stream, err := n.FullDuplexCall(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Header(); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if got := counted(highway.Must(r.Get(methods["bidirectional"]))); got != asSuccess {
			t.Errorf("it counts as %v", got)
		}
	})
}

// TestAPanicForNobody: what a handler does when its client has gone says nothing of it.
func TestAPanicForNobody(t *testing.T) {
	r := protectors(t, touchy)
	intercept := highwaygrpc.UnaryServerInterceptor(highwaygrpc.ServerConfig{Protectors: r})
	ctx, cancel := context.WithCancel(t.Context())
	func() {
		defer func() { _ = recover() }()
		_, _ = intercept(ctx, nil, &grpc.UnaryServerInfo{FullMethod: methods["unary"]}, func(context.Context, any) (any, error) {
			cancel()
			panic("nobody is there")
		})
	}()
	if got := counted(highway.Must(r.Get(methods["unary"]))); got != asNothing {
		t.Errorf("it counts as %v", got)
	}
}

// TestALongStreamOfAGuardedHandler does not keep it half-open.
func TestALongStreamOfAGuardedHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := protectors(t, touchy)
		n := serverWith(t, highwaygrpc.ServerConfig{Protectors: r})
		n.service.serve(func(ss grpc.ServerStream) error {
			for {
				if err := ss.RecvMsg(&testpb.Empty{}); err == io.EOF {
					return ss.SendMsg(&testpb.Empty{})
				} else if err != nil {
					return err
				}
			}
		})
		p := highway.Must(r.Get(methods["client streaming"]))
		if err := p.HalfOpen(t.Context()); err != nil {
			t.Fatal(err)
		}
		stream, err := n.StreamingInputCall(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			<-time.After(touchy.ProbeTimeout * 2 / 5)
			if err := stream.Send(&testpb.StreamingInputCallRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if state := p.Status(); state != highway.Closed {
			t.Errorf("it is %v", state)
		}
		if _, err := stream.CloseAndRecv(); err != nil {
			t.Error(err)
		}
	})
}

// TestHandlersWithoutAKey are not guarded.
func TestHandlersWithoutAKey(t *testing.T) {
	ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
		n := serverWith(t, highwaygrpc.ServerConfig{
			Protectors: protectors(t, touchy),
			Key:        func(string) string { return "" },
		})
		n.service.answer(status.Error(codes.Internal, "bad"))
		for range 5 {
			if err := call(t.Context(), n); status.Code(err) != codes.Internal {
				t.Error(err)
			}
		}
	})
}
