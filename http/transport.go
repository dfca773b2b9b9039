package highwayhttp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
)

// Config describes a [Transport]. The zero Config protects each host with the default
// policy, and retries nothing.
type Config struct {
	// Base sends the requests. Nil means [http.DefaultTransport], as it is when the
	// Transport is made.
	Base http.RoundTripper

	// Protectors has the protector of each key. Nil means a registry of the Transport's
	// own, made with the zero [registry.Config]. Transports and others may share one.
	//
	// When it cannot give a protector, because it is full or does not take the key, the
	// request goes out unprotected. That is logged once, with [log/slog].
	Protectors *registry.Registry

	// Key names what a request goes to. Requests with the empty key have no protector,
	// but are retried like others. Nil means [KeyByHost]. Keys should be few: a path with
	// an id in it makes a protector for each id.
	Key func(*http.Request) string

	// Failure tells which responses are failures of the host. It may read the status and
	// the header, not the body. Nil means 5xx and 429.
	Failure func(*http.Response) bool

	// Retry says whether and when failed requests are sent again; see [Transport]. Its
	// ShouldHandle gets the error of the attempt, a [*StatusError] for a response. Nil
	// means no retries.
	Retry *highway.RetryWithBackoffPolicy

	// Idempotent tells which requests may be sent again although the host may have acted
	// on them. Nil means those with an idempotent method (RFC 9110, 9.2.2), and those with
	// a header Idempotency-Key or X-Idempotency-Key, as net/http has it.
	Idempotent func(*http.Request) bool

	// AttemptTimeout is how long each attempt may take until the header of its response
	// is there; the body may take longer. An attempt that takes too long has failed, with
	// an error that matches [context.DeadlineExceeded] and has a method Timeout that says
	// true. Over HTTP/1 net/http waits for a Read of the request's body nevertheless. Zero
	// means no limit.
	AttemptTimeout time.Duration
}

// A Transport is an [http.RoundTripper] that asks a circuit protector before it sends a
// request. It comes from [NewTransport].
//
// A request that is refused is not sent, and returns a [*highway.ProtectedCallError], which
// errors.As finds in the error of an [http.Client]. A request counts when its response has
// been read: as a failure if there is none, if Config.Failure says so, or if reading the
// body fails; as nothing if the caller cancelled it, if it is malformed, or if its own body
// could not be read or has another length than it says; else as a success. So a response body must be read to the end or closed, as always.
//
// With Config.Retry a failed request is sent again if it is idempotent, or if the host has
// certainly not acted on it: no connection came about, or it answered 429. The statuses 501
// and 505 are not retried unless Retry.ShouldHandle says so. A request with a body is only
// sent again if it has GetBody, as those of [http.NewRequest] do for buffers and strings.
// The Retry-After of a response is obeyed as RetryWithBackoffPolicy says.
//
// The response of the last attempt is returned as it is, whatever its status. When there is
// none the error is a [*highway.RetryLimitReachedError], that of the context if it ended
// during a wait, or the attempt's own if nothing but that was to be done. A request that has
// failed and is then refused returns what it failed with.
type Transport struct {
	base       http.RoundTripper
	protectors *registry.Registry
	key        func(*http.Request) string
	failure    func(*http.Response) bool
	idempotent func(*http.Request) bool
	handle     func(error) bool   // Retry.ShouldHandle
	retry      *highway.SafetyNet // nil: none
	timeout    time.Duration
	unguarded  sync.Once // logs that a request went out unprotected
}

// errUnmade is what a Transport returns that is none.
var errUnmade = errors.New("highway: a Transport must come from NewTransport")

// NewTransport makes a Transport, or says what makes no sense in the Config and its Retry in
// a [*highway.InvalidPolicyError] for each field. Both may be used again.
func NewTransport(c Config) (*Transport, error) {
	t := &Transport{
		base:       c.Base,
		protectors: c.Protectors,
		key:        c.Key,
		failure:    c.Failure,
		idempotent: c.Idempotent,
		timeout:    c.AttemptTimeout,
	}
	var errs []error
	check := func(ok bool, field string, value any, rule string) {
		if !ok {
			errs = append(errs, &highway.InvalidPolicyError{Policy: "highwayhttp.Config", Field: field, Value: value, Rule: rule})
		}
	}
	check(t.timeout >= 0, "AttemptTimeout", t.timeout, "it must not be negative")
	if t.base == nil {
		t.base = http.DefaultTransport
	} else if v := reflect.ValueOf(t.base); v.Kind() == reflect.Pointer {
		check(!v.IsNil(), "Base", fmt.Sprintf("a nil %T", t.base), "it must be a transport, or an untyped nil for the default")
	}
	if t.protectors == nil {
		protectors, err := registry.New(registry.Config{})
		errs = append(errs, err)
		t.protectors = protectors
	}
	if t.key == nil {
		t.key = KeyByHost
	}
	if t.failure == nil {
		t.failure = failed
	}
	if t.idempotent == nil {
		t.idempotent = idempotent
	}
	if c.Retry != nil {
		errs = append(errs, t.retryWith(*c.Retry))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return t, nil
}

// Protectors gives the registry that has the protectors, for [Status] or metrics say.
func (t *Transport) Protectors() *registry.Registry { return t.protectors }

// CloseIdleConnections closes those of Config.Base, if that has this method. It is what
// [http.Client.CloseIdleConnections] calls.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// RoundTrip implements [http.RoundTripper]; see [Transport]. It never changes the request,
// and always closes its body.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.base == nil {
		closeBody(req)
		return nil, errUnmade
	}
	protector := t.protector(req)
	if t.retry != nil {
		return t.roundTrips(req, protector)
	}
	permit, err := acquire(req.Context(), protector)
	if err != nil {
		closeBody(req)
		noteIn(req.Context(), err)
		return nil, err
	}
	resp, failure, _ := t.send(req, req, protector, permit)
	if resp != nil {
		return resp, nil
	}
	return nil, failure
}

// protector is the one of the request's key, or nil for none.
func (t *Transport) protector(req *http.Request) *highway.CircuitProtector {
	found := false
	defer func() {
		if !found {
			closeBody(req) // Key has panicked
		}
	}()
	key := t.key(req)
	if key == "" {
		found = true
		return nil
	}
	p, err := t.protectors.Get(key)
	found = true
	if err != nil {
		// The registry protects the process. Calls are worth more than their protection.
		t.unguarded.Do(func() {
			slog.Warn("highway: a request goes out unprotected, and others may", "key", key, "error", err)
		})
		return nil
	}
	return p
}

// acquire is Acquire for a protector that may be nil, as the permit is then.
func acquire(ctx context.Context, p *highway.CircuitProtector) (*highway.Permit, error) {
	if p == nil {
		return nil, nil
	}
	return p.Acquire(ctx)
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
