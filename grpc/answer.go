package highwaygrpc

import (
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// An answer is what gRPC says of one when a call has ended.
type answer struct {
	trailer metadata.MD
	peer    peer.Peer
}

// asked adds the options that ask for it.
func (a *answer) asked(opts []grpc.CallOption, more ...grpc.CallOption) []grpc.CallOption {
	return append(append(slices.Clip(opts), grpc.Trailer(&a.trailer), grpc.Peer(&a.peer)), more...)
}

// failed reads the answer to a call that has failed with err, maybe while a message was
// sent. Of a nil answer nothing is known, for it may not be there yet.
func (a *answer) failed(err error, sending bool) *failed {
	if a == nil {
		f := newFailed(err, nil)
		f.local = f.code == codes.Internal && sending && unsendable(err)
		return f
	}
	f := newFailed(err, a.trailer)
	// gRPC fills in the peer when it has begun to send, and the trailer has at least a
	// content type when it is the server that says Unavailable.
	begun, silent := a.peer.Addr != nil, len(a.trailer) == 0
	f.underway = begun && silent
	f.local = silent && (f.code == codes.Internal || f.code == codes.Unknown) &&
		(!begun || sending && unsendable(err))
	return f
}

// unsendable says whether err is gRPC's of a message that it cannot send. A server has the
// same text for its own messages.
func unsendable(err error) bool {
	text := err.Error()
	for _, s := range []string{"error while marshaling", "error while compressing", "SendMsg called after CloseSend"} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}
