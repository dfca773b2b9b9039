package highwaygrpc_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/highway-engine/highway"
	highwaygrpc "github.com/highway-engine/highway/grpc"
)

// twice makes one more attempt, a second later.
var twice = highway.RetryWithBackoffPolicy{MaxRetries: 1, Backoff: highway.FixedDelay{Delay: time.Second}}

// patient never opens.
var patient = highway.CircuitProtectorPolicy{CountCalls: true}

// withInfo is an error with a RetryInfo.
func withInfo(t *testing.T, code codes.Code, after time.Duration) error {
	t.Helper()
	st, err := status.New(code, "later").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	if err != nil {
		t.Fatal(err)
	}
	return st.Err()
}

// TestWhatIsCalledAgain by code, and by whether the method is idempotent.
func TestWhatIsCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			err             error
			any, idempotent bool // whether there is another attempt
		}{
			{status.Error(codes.Unavailable, ""), true, true},
			{status.Error(codes.ResourceExhausted, ""), false, true},
			{withInfo(t, codes.ResourceExhausted, time.Second), true, true},
			{status.Error(codes.Internal, ""), false, true},
			{withInfo(t, codes.Internal, time.Second), false, true},
			{status.Error(codes.Unknown, ""), false, true},
			{status.Error(codes.DeadlineExceeded, ""), false, true},
			{status.Error(codes.Aborted, ""), false, false},
			{status.Error(codes.NotFound, ""), false, false},
			{status.Error(codes.Canceled, ""), false, false},
		} {
			for _, idempotent := range []bool{false, true} {
				asked := ""
				n := connect(t, highwaygrpc.ClientConfig{
					Protectors: protectors(t, patient),
					Retry:      &twice,
					Idempotent: func(m string) bool { asked = m; return idempotent },
				})
				n.service.answer(c.err)
				_, err := n.EmptyCall(t.Context(), &testpb.Empty{})
				if status.Code(err) != status.Code(c.err) {
					t.Errorf("%v came back as %v", c.err, err)
				}
				again := c.any || idempotent && c.idempotent
				if got := n.service.calls.Load() == 2; got != again {
					t.Errorf("%v, idempotent %v: called again: %v", c.err, idempotent, got)
				}
				var limit *highway.RetryLimitReachedError
				if errors.As(err, &limit) != again {
					t.Errorf("it says %v", err)
				} else if again && errors.Unwrap(limit.Last) != nil {
					t.Errorf("the last error is a %T", limit.Last)
				}
				if asked != "" && asked != testpb.TestService_EmptyCall_FullMethodName {
					t.Errorf("it was asked for %s", asked)
				}
			}
		}
	})
}

// TestShouldHandleDecides among what may be called again, and gets the error as it came; so
// does OnAttempt.
func TestShouldHandleDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		retry, again := twice, errors.New("none")
		retry.ShouldHandle = func(err error) bool { again = err; return status.Code(err) == codes.Aborted }
		var told []highway.Attempt
		retry.OnAttempt = func(_ context.Context, a highway.Attempt) { told = append(told, a) }
		for _, c := range []struct {
			code       codes.Code
			idempotent bool
			calls      int64
		}{
			{codes.Aborted, true, 2}, {codes.Aborted, false, 1}, {codes.Unavailable, true, 1}, {codes.Unavailable, false, 1},
		} {
			n := connect(t, highwaygrpc.ClientConfig{
				Protectors: protectors(t, patient),
				Retry:      &retry,
				Idempotent: func(string) bool { return c.idempotent },
			})
			n.service.answer(status.Error(c.code, "so"))
			told = nil
			_, _ = n.EmptyCall(t.Context(), &testpb.Empty{})
			if got := n.service.calls.Load(); got != c.calls || int64(len(told)) != got {
				t.Errorf("%v, idempotent %v: called %d times, told of %d", c.code, c.idempotent, got, len(told))
			}
			for _, err := range []error{again, told[0].Err} {
				if _, ok := err.(interface{ GRPCStatus() *status.Status }); !ok || errors.Unwrap(err) != nil {
					t.Errorf("it got a %T", err)
				}
			}
		}
	})
}

// TestAnAnswerIsNoFailedAttempt: what the breaker counts as a success, listeners do too.
func TestAnAnswerIsNoFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		retry := twice
		var told []highway.Attempt
		retry.OnAttempt = func(_ context.Context, a highway.Attempt) { told = append(told, a) }
		n := connect(t, highwaygrpc.ClientConfig{Protectors: protectors(t, patient), Retry: &retry})
		n.service.answer(status.Error(codes.NotFound, "no such thing"))
		if _, err := n.EmptyCall(t.Context(), &testpb.Empty{}); status.Code(err) != codes.NotFound {
			t.Error(err)
		}
		if len(told) != 1 || told[0].Err != nil {
			t.Errorf("told of %+v", told)
		}
	})
}

// TestWhenToComeBack: what the server says is obeyed.
func TestWhenToComeBack(t *testing.T) {
	for name, c := range map[string]struct {
		pushback []string
		info     time.Duration
		wait     time.Duration // at least; 0: there is no other attempt
	}{
		"nothing":                {nil, 0, time.Second},
		"pushback":               {[]string{"5000"}, 0, 5 * time.Second},
		"pushback zero":          {[]string{"0"}, 0, time.Second},
		"pushback negative":      {[]string{"-1"}, 0, 0},
		"pushback garbage":       {[]string{"soon"}, 0, 0},
		"pushback empty":         {[]string{""}, 0, 0},
		"pushback twice":         {[]string{"1", "2"}, 0, 0},
		"info":                   {nil, 7 * time.Second, 7 * time.Second},
		"both":                   {[]string{"5000"}, 7 * time.Second, 7 * time.Second},
		"info, but pushback not": {[]string{"-1"}, 7 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var begun, last time.Time
				n := connect(t, highwaygrpc.ClientConfig{Protectors: protectors(t, patient), Retry: &twice})
				n.service.do(func(ctx context.Context) error {
					last = time.Now()
					for _, value := range c.pushback {
						_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", value))
					}
					if c.info > 0 {
						return withInfo(t, codes.Unavailable, c.info)
					}
					return status.Error(codes.Unavailable, "later")
				})
				begun = time.Now()
				_, err := n.EmptyCall(t.Context(), &testpb.Empty{})
				if status.Code(err) != codes.Unavailable {
					t.Error(err)
				}
				waited := last.Sub(begun)
				if waited < c.wait || waited > c.wait+c.wait/10 {
					t.Errorf("it waited %v, want %v", waited, c.wait)
				}
			})
		})
	}
}

// TestTheCooldownLastsAsLongAsTheServerAsks, for streams too.
func TestTheCooldownLastsAsLongAsTheServerAsks(t *testing.T) {
	pushback := metadata.Pairs("grpc-retry-pushback-ms", "5000")
	for name, end := range map[string]func(context.Context) error{
		"pushback": func(context.Context) error { return status.Error(codes.Unavailable, "later") },
		"info":     func(context.Context) error { return withInfo(t, codes.Unavailable, 5*time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			ofEachKind(t, func(t *testing.T, call func(context.Context, testpb.TestServiceClient) error) {
				policy := touchy
				policy.Cooldown = time.Second
				policy.FailureLimit = highway.Fraction(1, 1)
				r := protectors(t, policy)
				n := connect(t, highwaygrpc.ClientConfig{Protectors: r})
				n.service.do(func(ctx context.Context) error {
					if name == "pushback" {
						_ = grpc.SetTrailer(ctx, pushback)
					}
					return end(ctx)
				})
				n.service.serve(func(ss grpc.ServerStream) error {
					if name == "pushback" {
						ss.SetTrailer(pushback)
					}
					return end(ss.Context())
				})
				if err := call(t.Context(), n); status.Code(err) != codes.Unavailable {
					t.Fatal(err)
				}
				if s := theProtector(t, r).Snapshot(); s.State != highway.Open || s.RetryAfter != 5*time.Second {
					t.Errorf("it is %v for %v", s.State, s.RetryAfter)
				}
			})
		})
	}
}

// TestAHugePushback is no overflow: there is no time for another attempt.
func TestAHugePushback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := connect(t, highwaygrpc.ClientConfig{Protectors: protectors(t, patient), Retry: &twice})
		n.service.do(func(ctx context.Context) error {
			_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", "9223372036854775807"))
			return status.Error(codes.Unavailable, "later")
		})
		_, err := n.EmptyCall(t.Context(), &testpb.Empty{})
		if !errors.Is(err, highway.ErrRetryAfter) || n.service.calls.Load() != 1 {
			t.Errorf("%v after %d calls", err, n.service.calls.Load())
		}
	})
}

// TestTheCallersOwnOptions are those of the last attempt.
func TestTheCallersOwnOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := connect(t, highwaygrpc.ClientConfig{Protectors: protectors(t, patient), Retry: &twice})
		var attempt atomic.Int64
		n.service.do(func(ctx context.Context) error {
			md := metadata.Pairs("attempt", string(rune('0'+attempt.Add(1))))
			_ = grpc.SetHeader(ctx, md)
			_ = grpc.SetTrailer(ctx, md)
			if attempt.Load() == 1 {
				return status.Error(codes.Unavailable, "later")
			}
			return nil
		})
		var header, trailer metadata.MD
		if _, err := n.EmptyCall(t.Context(), &testpb.Empty{}, grpc.Header(&header), grpc.Trailer(&trailer)); err != nil {
			t.Fatal(err)
		}
		for _, md := range []metadata.MD{header, trailer} {
			if got := md.Get("attempt"); len(got) != 1 || got[0] != "2" {
				t.Errorf("got %v", md)
			}
		}
	})
}

// TestEachAttemptAsksTheBreaker, which may refuse the second.
func TestEachAttemptAsksTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := protectors(t, highway.CircuitProtectorPolicy{FailureLimit: highway.Fraction(1, 1), Cooldown: time.Hour})
		n := connect(t, highwaygrpc.ClientConfig{Protectors: r, Retry: &twice})
		n.service.answer(status.Error(codes.Unavailable, "down"))
		_, err := n.EmptyCall(t.Context(), &testpb.Empty{})
		var limit *highway.RetryLimitReachedError
		var refusal *highway.ProtectedCallError
		if !errors.As(err, &limit) || !errors.As(limit.EndedBy, &refusal) || errors.As(err, &refusal) {
			t.Fatalf("got %v", err)
		}
		if status.Code(err) != codes.Unavailable || status.Convert(limit.Last).Message() != "down" {
			t.Errorf("it says %v", err)
		}
		if came := n.service.calls.Load(); came != 1 {
			t.Errorf("%d calls came", came)
		}
		_, err = n.EmptyCall(t.Context(), &testpb.Empty{})
		mustBeRefused(t, err)
	})
}

// TestACallerWhoGivesUpDuringTheWait gets the context's code.
func TestACallerWhoGivesUpDuringTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := connect(t, highwaygrpc.ClientConfig{Protectors: protectors(t, patient), Retry: &twice})
		n.service.answer(status.Error(codes.Unavailable, "down"))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second/2, cancel)
		_, err := n.EmptyCall(ctx, &testpb.Empty{})
		if status.Code(err) != codes.Canceled || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// TestAnAttemptThatIsCutOff is made again if that does no harm.
func TestAnAttemptThatIsCutOff(t *testing.T) {
	for _, idempotent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := connect(t, highwaygrpc.ClientConfig{
				Protectors:     protectors(t, patient),
				Retry:          &twice,
				Idempotent:     func(string) bool { return idempotent },
				AttemptTimeout: time.Second,
			})
			n.service.do(func(ctx context.Context) error {
				if n.service.calls.Load() > 1 {
					return nil
				}
				return never(ctx)
			})
			_, err := n.EmptyCall(t.Context(), &testpb.Empty{})
			if idempotent == (err != nil) {
				t.Errorf("idempotent %v: %v", idempotent, err)
			}
		})
	}
}

// TestAMessageTooLarge will be so again.
func TestAMessageTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		retry, attempts := twice, 0
		retry.OnAttempt = func(context.Context, highway.Attempt) { attempts++ }
		n := connect(t, highwaygrpc.ClientConfig{
			Protectors: protectors(t, patient),
			Retry:      &retry,
			Idempotent: func(string) bool { return true },
		})
		_, err := n.UnaryCall(t.Context(), &testpb.SimpleRequest{Payload: &testpb.Payload{Body: make([]byte, 100)}}, limits{send: 10}.ofCall()...)
		if status.Code(err) != codes.ResourceExhausted || attempts != 1 {
			t.Errorf("%v after %d attempts", err, attempts)
		}
	})
}

// TestAConnectionThatBreaksUnderway: nobody knows whether the call was made, so it is made
// again only if that does no harm.
func TestAConnectionThatBreaksUnderway(t *testing.T) {
	for _, idempotent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := connect(t, highwaygrpc.ClientConfig{
				Protectors: protectors(t, patient),
				Retry:      &twice,
				Idempotent: func(string) bool { return idempotent },
			})
			n.service.do(func(context.Context) error {
				if n.service.calls.Load() == 1 {
					n.breakUp()
				}
				return nil
			})
			_, err := n.EmptyCall(t.Context(), &testpb.Empty{})
			if idempotent && err != nil || !idempotent && status.Code(err) != codes.Unavailable {
				t.Errorf("idempotent %v: %v", idempotent, err)
			}
			if got := n.service.calls.Load() == 2; got != idempotent {
				t.Errorf("idempotent %v: called again: %v", idempotent, got)
			}
		})
	}
}

// TestNobodyAtHome: nothing was sent, so any method is called again.
func TestNobodyAtHome(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	retry := highway.RetryWithBackoffPolicy{MaxRetries: 1, Backoff: highway.FixedDelay{}}
	conn := dial(t, listener.Addr().String(), highwaygrpc.ClientConfig{Protectors: protectors(t, patient), Retry: &retry})
	_, err = testpb.NewTestServiceClient(conn).EmptyCall(t.Context(), &testpb.Empty{})
	var limit *highway.RetryLimitReachedError
	if !errors.As(err, &limit) || limit.Attempts != 2 || status.Code(err) != codes.Unavailable {
		t.Errorf("got %v", err)
	}
}
