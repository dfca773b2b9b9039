package highwaygrpc

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
)

// A ClientConfig says how calls of a client are protected. The zero config works. Give the
// same one to [UnaryClientInterceptor] and [StreamClientInterceptor]: both kinds of calls
// then share the breakers.
type ClientConfig struct {
	// Protectors holds the breakers. Nil means [DefaultProtectors]. When it has none to
	// give, because it is full or does not take the key, the call goes out unprotected,
	// which is logged once, with [log/slog].
	Protectors *registry.Registry

	// Key names the breaker of a call, from the target as it was given to grpc.NewClient
	// and the full method, as "/pkg.Service/Method". An empty key means that no breaker is
	// asked. Nil means [KeyByService].
	Key func(target, fullMethod string) string

	// Failure tells which codes are failures of the server. Another code counts as a
	// success, for the server has answered, and Canceled as nothing. Where it says true the
	// ShouldHandle of the protector's policy has the last word; it is given the error,
	// which status.Code and errors.As take. Neither is asked of a call that could not be
	// sent, which counts as nothing. Nil means [Failure].
	Failure func(codes.Code) bool

	// Retry makes unary calls again when they fail; streams are never made again. It is
	// outermost: each attempt asks the breaker. Nil means no retries.
	//
	// A call is made again if that does no harm and makes sense. It does none if the method
	// is idempotent, if the server has said Unavailable, if there was no connection, and
	// after ResourceExhausted if the server says when to come back. Mind Unavailable: a
	// server can say so half way, and the call may then run twice. It makes sense after
	// every code that is a Failure; if Retry has a ShouldHandle, that decides instead. A
	// server that forbids another attempt (gRFC A6: a pushback that is negative or no
	// number) has the last word.
	//
	// Retries in gRPC's own service config multiply with these; use one of the two.
	Retry *highway.RetryWithBackoffPolicy

	// Idempotent tells which methods do no harm when they run twice, though a first attempt
	// may have been carried out. It is given the full method. Nil means none.
	Idempotent func(fullMethod string) bool

	// AttemptTimeout is how long each attempt of a unary call may take; the server is told.
	// One that is cut off counts as DeadlineExceeded. Zero means no such limit.
	AttemptTimeout time.Duration
}

// DefaultProtectors gives the breakers of all client interceptors in the process that are
// not given any: the registry of the zero config.
func DefaultProtectors() *registry.Registry { return defaultProtectors() }

var defaultProtectors = sync.OnceValue(func() *registry.Registry {
	return highway.Must(registry.New(registry.Config{}))
})

// UnaryClientInterceptor protects unary calls. It says what makes no sense in the config and
// its Retry in a [*highway.InvalidPolicyError] for each field.
//
// A refused call is not made. Its error has the code Unavailable and a RetryInfo, which
// says when to come back, unless the circuit is isolated; errors.As finds the
// [highway.ProtectedCallError] in it. With Retry, what comes after several attempts is a
// [highway.RetryLimitReachedError], for which status.Code is that of the last failure, or
// Canceled or DeadlineExceeded if the context ended the wait. Any other error is returned
// as it came.
//
// A call whose context is over before it begins is not made either, and counts as nothing.
func UnaryClientInterceptor(config ClientConfig) (grpc.UnaryClientInterceptor, error) {
	c, err := newClient(config)
	if err != nil {
		return nil, err
	}
	return c.unary, nil
}

// StreamClientInterceptor protects streams. It says what makes no sense in the config as
// [UnaryClientInterceptor] does.
//
// A refused stream has the error that a refused unary call has. One that was let through
// counts when it ends, be it by its last message, by an error or by its context, as
// grpc.OnFinish says: it must be brought to an end, as grpc.ClientConn.NewStream demands
// anyway. gRPC may tell on a goroutine of its own, so a panic of Failure or ShouldHandle
// then counts as a failure and is logged with [log/slog]. One that its caller cancels counts as a success if the server has sent something
// by then, and otherwise as nothing.
//
// While a circuit is not closed each stream is a probe, and no probe may last longer than
// the policy's ProbeTimeout. So a stream that is still open after half of that counts as a
// success then, or as soon as the server sends something; where only the client streams,
// as soon as it takes a message.
func StreamClientInterceptor(config ClientConfig) (grpc.StreamClientInterceptor, error) {
	c, err := newClient(config)
	if err != nil {
		return nil, err
	}
	return c.stream, nil
}

// A client is a config with its defaults filled in.
type client struct {
	ClientConfig
	outcomes
	lookup
	retry *highway.RetryWithBackoffPolicy // nil: none
	// sensible says, with retry, whether it would make sense to make a call again.
	sensible func(*failed) bool
}

func newClient(config ClientConfig) (*client, error) {
	c := &client{ClientConfig: config}
	var errs []error
	if config.AttemptTimeout < 0 {
		errs = append(errs, &highway.InvalidPolicyError{Policy: "highwaygrpc.ClientConfig", Field: "AttemptTimeout",
			Value: config.AttemptTimeout, Rule: "it must not be negative"})
	}
	if config.Retry != nil {
		errs = append(errs, config.Retry.Validate())
		c.retry = c.retryWith(*config.Retry)
	}
	if c.Key == nil {
		c.Key = KeyByService
	}
	if c.Idempotent == nil {
		c.Idempotent = func(string) bool { return false }
	}
	if c.Protectors == nil {
		c.Protectors = DefaultProtectors()
	}
	c.outcomes = newOutcomes(config.Failure)
	c.lookup.protectors = c.Protectors
	return c, errors.Join(errs...)
}

// protector is the one that a call asks, or nil.
func (c *client) protector(target, fullMethod string) *highway.CircuitProtector {
	return c.find(c.Key(target, fullMethod))
}

// A lookup finds protectors.
type lookup struct {
	protectors *registry.Registry
	logged     sync.Once
}

// find gives the protector of a key, or nil for the empty key, and where there can be none:
// a registry that is full must not stop calls.
func (l *lookup) find(key string) *highway.CircuitProtector {
	if key == "" {
		return nil
	}
	p, err := l.protectors.Get(key)
	if err != nil {
		l.logged.Do(func() {
			slog.Warn("highway: a gRPC call goes out unprotected, and others may", "error", err)
		})
		return nil
	}
	return p
}

// ended tells the caller's OnFinish options of a call that gRPC never sees the end of.
func ended(opts []grpc.CallOption, err error) {
	for _, o := range opts {
		if o, ok := o.(grpc.OnFinishCallOption); ok {
			o.OnFinish(err)
		}
	}
}

// over says whether there is no time left for a call. gRPC is then the one to tell.
func over(ctx context.Context) bool { return ctx.Err() != nil }
