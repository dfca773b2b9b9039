package highwaygrpc

import (
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/highway-engine/highway"
)

// A call that a protector has refused. Refusals are many: the status is made when somebody
// asks for it, and says then how long it is to wait from then.
type refused struct{ by *highway.ProtectedCallError }

// refusedBy makes one of what Acquire returns.
func refusedBy(err error) error {
	if refusal, ok := err.(*highway.ProtectedCallError); ok {
		return &refused{refusal}
	}
	return status.Error(codes.Internal, err.Error())
}

func (r *refused) Error() string { return r.GRPCStatus().String() }

// Unwrap lets errors.As and other policies see what it is.
func (r *refused) Unwrap() error { return r.by }

// GRPCStatus makes package status, and with it gRPC, see Unavailable.
func (r *refused) GRPCStatus() *status.Status {
	return withRetryInfo(status.New(codes.Unavailable, r.by.Error()), r.by.RetryAfter())
}

// An error with another status than its own.
type withStatus struct {
	error
	status *status.Status
}

func (e *withStatus) Unwrap() error              { return e.error }
func (e *withStatus) GRPCStatus() *status.Status { return e.status }

// withRetryInfo adds when to come back, if that is known and is not there yet.
func withRetryInfo(st *status.Status, after time.Duration) *status.Status {
	if after == highway.UntilReleased {
		return st
	}
	for _, detail := range st.Details() {
		if _, ok := detail.(*errdetails.RetryInfo); ok {
			return st
		}
	}
	more, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	if err != nil {
		return st
	}
	return more
}

// pushbackOf is the trailer that says the same to gRPC's own retries (gRFC A6), and that
// there is no sense in any while a circuit is isolated.
func pushbackOf(after time.Duration) metadata.MD {
	if after == highway.UntilReleased {
		return metadata.Pairs(pushbackKey, "-1")
	}
	whole := after.Truncate(time.Millisecond)
	if whole < after {
		whole += time.Millisecond
	}
	return metadata.Pairs(pushbackKey, strconv.FormatInt(whole.Milliseconds(), 10))
}
