package highwaygrpc

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/refusal"
)

// Failure is the default for which codes are failures of the server: Unavailable,
// DeadlineExceeded, ResourceExhausted, Internal, Unknown and DataLoss.
func Failure(code codes.Code) bool {
	switch code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted,
		codes.Internal, codes.Unknown, codes.DataLoss:
		return true
	}
	return false
}

// A failed call, as breaker and retry see it. The caller gets the error as it came.
type failed struct {
	error
	code  codes.Code
	after time.Duration // what the server asks to wait for; 0: it does not say
	final bool          // the server forbids another attempt

	method   string // of a unary call
	underway bool   // it was sent, and the server has not answered
	local    bool   // it could not be sent
}

// Unwrap gives the error as it came.
func (f *failed) Unwrap() error { return f.error }

// GRPCStatus is that of the error as it came.
func (f *failed) GRPCStatus() *status.Status { return status.Convert(f.error) }

// RetryAfter is what a protector and a retry look for.
func (f *failed) RetryAfter() time.Duration { return f.after }

// newFailed reads what a failed call brought: err, and the trailer if there is one.
func newFailed(err error, trailer metadata.MD) *failed {
	f := &failed{error: err, code: codeOf(err)}
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			f.after = max(f.after, info.GetRetryDelay().AsDuration())
		}
	}
	if values := trailer.Get(pushbackKey); len(values) > 0 {
		after, ok := pushback(values)
		f.after, f.final = max(f.after, after), !ok
	}
	return f
}

// codeOf is the code that gRPC makes of err, also when a handler returns it.
func codeOf(err error) codes.Code {
	if st, ok := status.FromError(err); ok {
		return st.Code()
	}
	return status.FromContextError(err).Code()
}

// pushbackKey is the trailer by which a server says when to come back (gRFC A6).
const pushbackKey = "grpc-retry-pushback-ms"

// pushback reads the trailer. False means that there is to be no other attempt: so says
// gRFC A6 of whatever is not one number that is not negative.
func pushback(values []string) (time.Duration, bool) {
	if len(values) != 1 {
		return 0, false
	}
	ms, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || ms < 0 {
		return 0, false
	}
	if ms > math.MaxInt64/int64(time.Millisecond) {
		return math.MaxInt64, true
	}
	return time.Duration(ms) * time.Millisecond, true
}

// Outcomes tell what a call counts as.
type outcomes struct{ failure func(codes.Code) bool }

func newOutcomes(failure func(codes.Code) bool) outcomes {
	if failure == nil {
		failure = Failure
	}
	return outcomes{failure}
}

// settle counts a call that was made for ctx and has failed with f.
func (o outcomes) settle(ctx context.Context, permit *highway.Permit, f *failed) {
	found, made := refusal.In(f.error)
	switch {
	case cancelled(ctx) || found != nil && !made:
		permit.Settle(f) // which knows
	case f.mistaken():
		permit.Ignore()
	case o.failure(f.code):
		permit.Settle(f)
	case f.code == codes.Canceled:
		permit.Ignore() // not by the caller: its connection was closed, or the server gave up for another
	default:
		permit.Success()
	}
}

// abandon is deferred, for calls that panic or end their goroutine. What is settled stays so.
func abandon(ctx context.Context, permit *highway.Permit) {
	if cancelled(ctx) {
		permit.Ignore()
	}
	permit.Failure()
}

func cancelled(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// mistaken says whether it is this call that is wrong, and would be so again, not the
// server: it could not be sent, or a message was larger than one of both sides allows,
// which the code does not tell from a server without resources.
func (f *failed) mistaken() bool {
	return f.local || f.code == codes.ResourceExhausted && tooLarge(status.Convert(f.error).Message())
}

// tooLarge says whether a message is gRPC's of one that is larger than a side allows. A
// server's own words about its queue shall not be taken for it.
func tooLarge(message string) bool {
	for _, start := range []string{
		"trying to send message larger than max",
		"grpc: received message larger than max",
		"grpc: received message after decompression larger than max",
		"grpc: message after decompression larger than max",
	} {
		if strings.HasPrefix(message, start) {
			return true
		}
	}
	return false
}
