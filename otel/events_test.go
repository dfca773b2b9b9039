package highwayotel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	highwayotel "github.com/highway-engine/highway/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// traced gives test the context of a span, and returns the span's events as text.
func traced(test func(ctx context.Context)) []string {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	ctx, span := provider.Tracer("test").Start(context.Background(), "request")
	test(ctx)
	span.End()
	var events []string
	for _, e := range recorder.Ended()[0].Events() {
		var attributes []string
		for _, kv := range e.Attributes {
			attributes = append(attributes, fmt.Sprintf("%s=%s", kv.Key, kv.Value.String()))
		}
		events = append(events, e.Name+": "+strings.Join(attributes, " "))
	}
	return events
}

func wantEvents(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestACallLeavesItsTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		payments := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
			ResourceKey:    "payments",
			FailureLimit:   highway.Fraction(1, 1),
			SuccessLimit:   highway.Fraction(1, 1),
			OnStatusChange: highwayotel.OnStatusChange,
			OnRefusal:      highwayotel.OnRefusal,
		}))
		retry := highway.RetryWithBackoffPolicy{
			MaxRetries: 1, Backoff: highway.FixedDelay{Delay: time.Second}, OnAttempt: highwayotel.OnAttempt,
		}
		net := highway.Must(highway.NewSafetyNet(retry, payments))

		wantEvents(t, traced(func(ctx context.Context) { play(ctx, net, "x") }),
			"highway.status_change: highway.resource_key=payments highway.from=closed highway.to=open highway.reason=failure_limit_reached",
			"highway.attempt: highway.attempt.number=1 highway.outcome=retried highway.wait=1 error.type=*errors.errorString error.message=down",
			"highway.refusal: highway.resource_key=payments highway.state=open highway.retry_after=29",
			"highway.attempt: highway.attempt.number=2 highway.outcome=refused error.type=*highway.ProtectedCallError "+
				`error.message=highway: call to "payments" refused: circuit is OPEN, retry after 29s`,
		)
		time.Sleep(time.Minute)
		wantEvents(t, traced(func(ctx context.Context) { play(ctx, net, "..") }),
			"highway.status_change: highway.resource_key=payments highway.from=half_open highway.to=closed highway.reason=success_limit_reached",
		)
		if err := payments.Isolate(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantEvents(t, traced(func(ctx context.Context) { play(ctx, payments, ".") }),
			"highway.refusal: highway.resource_key=payments highway.state=open",
		)
	})
}

func TestACallThatRecovers(t *testing.T) {
	attempts := 0
	retry := highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{}, OnAttempt: highwayotel.OnAttempt}
	wantEvents(t, traced(func(ctx context.Context) {
		_ = retry.Do(ctx, func(context.Context) error {
			if attempts++; attempts < 2 {
				return errors.New("\xff")
			}
			return nil
		})
	}),
		"highway.attempt: highway.attempt.number=1 highway.outcome=retried highway.wait=0 error.type=*errors.errorString error.message=\uFFFD",
		"highway.attempt: highway.attempt.number=2 highway.outcome=recovered",
	)
}

// TestWithoutASpanNothingHappens: also not with a context or a value that nobody fills in.
func TestWithoutASpanNothingHappens(t *testing.T) {
	sampledOut := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	ctx, span := sampledOut.Tracer("test").Start(context.Background(), "request")
	defer span.End()
	for _, ctx := range []context.Context{nil, context.Background(), ctx} {
		highwayotel.OnStatusChange(highway.StatusChange{Context: ctx})
		highwayotel.OnRefusal(ctx, nil)
		highwayotel.OnAttempt(ctx, highway.Attempt{Number: 2, Err: errDown})
	}
	wantEvents(t, traced(func(ctx context.Context) {
		highwayotel.OnStatusChange(highway.StatusChange{Context: ctx})
		highwayotel.OnRefusal(ctx, nil)
	}), "highway.status_change: highway.resource_key= highway.from=closed highway.to=closed highway.reason=started")
}
