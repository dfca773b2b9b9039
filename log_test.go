package highway_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/logtest"
)

// A tracer is a handler that finds a trace in the context, as those of telemetry do.
type tracer struct {
	slog.Handler
	mu    *sync.Mutex
	heard *[]string
}

func (h tracer) Handle(ctx context.Context, r slog.Record) error {
	line := fmt.Sprint(ctx.Value(traceKey{}), " ", r.Level)
	r.Attrs(func(a slog.Attr) bool { line += fmt.Sprint(" ", a); return true })
	h.mu.Lock()
	defer h.mu.Unlock()
	*h.heard = append(*h.heard, line)
	return nil
}

func tracing() (*slog.Logger, *[]string) {
	heard := &[]string{}
	return slog.New(tracer{slog.NewTextHandler(nil, &slog.HandlerOptions{Level: slog.LevelDebug}), &sync.Mutex{}, heard}), heard
}

func TestLogsBelongToTheTraceOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, heard := tracing()
		p := newProtector(t, highway.CircuitProtectorPolicy{
			ResourceKey: "shop", FailureLimit: highway.Fraction(1, 1), OnStatusChange: highway.LogStatusChanges(logger),
		})
		net := highway.Must(highway.NewSafetyNet(
			highway.RetryWithBackoffPolicy{Backoff: highway.FixedDelay{}, OnAttempt: highway.LogAttempts(logger)}, p))
		_ = net.Do(traced("a"), fail) // and refused
		_ = net.Do(traced("b"), fail)
		time.Sleep(time.Minute)
		synctest.Wait()
		_ = net.Do(traced("c"), succeed)
		refused := `error=highway: call to "shop" refused: circuit is OPEN, retry after 1m0s`
		want := []string{
			"a WARN resource_key=shop from=CLOSED to=OPEN reason=failure limit reached",
			"a DEBUG attempt=1 error=down wait=0s",
			"a WARN attempt=2 " + refused,
			"b DEBUG attempt=1 " + refused,
			"<nil> INFO resource_key=shop from=OPEN to=HALF_OPEN reason=cooldown over",
		}
		if !slices.Equal(*heard, want) {
			t.Errorf("heard %q, want %q", *heard, want)
		}
	})
}

// TestTheDefaultLoggerIsThatOfTheEvent: programs set it after their package variables.
func TestTheDefaultLoggerIsThatOfTheEvent(t *testing.T) {
	change, attempt := highway.LogStatusChanges(nil), highway.LogAttempts(nil)
	log := logtest.Capture(t)
	change(highway.StatusChange{To: highway.Open})
	attempt(nil, highway.Attempt{Number: 1, Err: errDown})
	if n := strings.Count(log.String(), "level=WARN"); n != 2 {
		t.Errorf("logged %q", log.String())
	}
}
