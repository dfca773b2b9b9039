package highwayotel

import (
	"context"
	"fmt"
	"strings"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/metrics"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// The names of the events.
const (
	EventStatusChange = "highway.status_change" // see [OnStatusChange]
	EventRefusal      = "highway.refusal"       // see [OnRefusal]
	EventAttempt      = "highway.attempt"       // see [OnAttempt]
)

// OnStatusChange is an OnStatusChange for a policy. It adds an event to the span of the
// call or command that caused the change, if there is one that records:
//
//	highway.status_change
//	highway.resource_key  string  from the policy
//	highway.from          string  closed, open or half_open
//	highway.to            string  closed, open or half_open
//	highway.reason        string  such as failure_limit_reached
func OnStatusChange(c highway.StatusChange) {
	span := recording(c.Context)
	if span == nil {
		return
	}
	key := ""
	if c.Protector != nil {
		key = c.Protector.ResourceKey()
	}
	span.AddEvent(EventStatusChange, trace.WithAttributes(
		text(metrics.ResourceKey, key),
		attribute.String("highway.from", metrics.StateName(c.From)),
		attribute.String(metrics.To, metrics.StateName(c.To)),
		attribute.String(metrics.Reason, metrics.ReasonName(c.Reason)),
	))
}

// OnRefusal is an OnRefusal for a policy. It adds an event to the span of the call that was
// refused, if there is one that records:
//
//	highway.refusal
//	highway.resource_key  string   from the policy
//	highway.state         string   open or half_open
//	highway.retry_after   float64  seconds; not if the circuit is isolated
func OnRefusal(ctx context.Context, refusal *highway.ProtectedCallError) {
	span := recording(ctx)
	if span == nil || refusal == nil {
		return
	}
	attributes := []attribute.KeyValue{
		text(metrics.ResourceKey, refusal.ResourceKey()),
		attribute.String(metrics.State, metrics.StateName(refusal.State())),
	}
	if after := refusal.RetryAfter(); after != highway.UntilReleased {
		attributes = append(attributes, attribute.Float64("highway.retry_after", after.Seconds()))
	}
	span.AddEvent(EventRefusal, trace.WithAttributes(attributes...))
}

// OnAttempt is an OnAttempt for a retry policy. It adds an event to the span of the call
// for each attempt, but not for a first one that succeeds, if there is a span that records:
//
//	highway.attempt
//	highway.attempt.number  int      from 1
//	highway.outcome         string   recovered, retried, failed or refused, as in the metrics
//	highway.wait            float64  seconds until the next attempt; only if one follows
//	error.type              string   of the error, as Go names it; only if there is one
//	error.message           string   what it says; only if there is one
func OnAttempt(ctx context.Context, a highway.Attempt) {
	span := recording(ctx)
	if span == nil {
		return
	}
	outcome := metrics.AttemptOutcome(a)
	if outcome == metrics.Success {
		return
	}
	attributes := []attribute.KeyValue{
		attribute.Int("highway.attempt.number", a.Number),
		attribute.String(metrics.Outcome, outcome),
	}
	if a.Again {
		attributes = append(attributes, attribute.Float64("highway.wait", a.Wait.Seconds()))
	}
	if a.Err != nil {
		attributes = append(attributes, text("error.type", fmt.Sprintf("%T", a.Err)), text("error.message", a.Err.Error()))
	}
	span.AddEvent(EventAttempt, trace.WithAttributes(attributes...))
}

// recording is the span in ctx, if it records.
func recording(ctx context.Context) trace.Span {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		return span
	}
	return nil
}

// text is valid UTF-8, without which an exporter may drop the whole span.
func text(key, value string) attribute.KeyValue {
	return attribute.String(key, strings.ToValidUTF8(value, "\uFFFD"))
}
