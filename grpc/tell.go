package highwaygrpc

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/highway-engine/highway/internal/refusal"
)

// A told error is one that has been through tell.
type told struct{ withStatus }

// tell adds to the error of a handler what its caller should know of a refusal in it. An
// interceptor further in may have done so.
func tell(ctx context.Context, err error, trailer func(metadata.MD)) error {
	found, made := refusal.In(err)
	if found == nil {
		return err
	}
	if already := new(*told); errors.As(err, already) {
		return err
	}
	st, ok := status.FromError(err)
	if !ok {
		st = status.FromContextError(err)
	}
	p := st.Proto()
	switch {
	case st.Code() == codes.Unavailable:
	case !made && (st.Code() == codes.Unknown || st.Code() == codes.Internal):
		p.Code = int32(codes.Unavailable)
	default:
		return err
	}
	p.Message = strings.ToValidUTF8(p.Message, "\uFFFD") // else gRPC drops the details
	after := found.RetryAfter()
	if !pushedBack(ctx) {
		trailer(pushbackOf(after))
	}
	return &told{withStatus{err, withRetryInfo(status.FromProto(p), after)}}
}

// pushedBack says whether the handler has set the pushback itself: a second value would
// forbid retries. The interface that gRPC names cannot tell, but what it gives can.
func pushedBack(ctx context.Context) bool {
	stream, ok := grpc.ServerTransportStreamFromContext(ctx).(interface{ Trailer() metadata.MD })
	return ok && len(stream.Trailer().Get(pushbackKey)) > 0
}
