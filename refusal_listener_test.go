package highway_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/logtest"
)

// TestOnRefusalHearsOfEveryRefusedCall, however the call is made and whyever it is
// refused, before it returns.
func TestOnRefusalHearsOfEveryRefusedCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []string
		var last *highway.ProtectedCallError
		p := newProtector(t, highway.CircuitProtectorPolicy{
			ResourceKey: "shop",
			OnRefusal: func(ctx context.Context, refusal *highway.ProtectedCallError) {
				last = refusal
				heard = append(heard, fmt.Sprintf("%v %s %v", ctx.Value(traceKey{}), refusal.ResourceKey(), refusal.State()))
			},
		})
		never := func(context.Context) (int, error) { t.Error("the call was made"); return 0, nil }
		neverDo := func(context.Context) error { t.Error("the call was made"); return nil }
		net := highway.Must(highway.NewSafetyNet(highway.RetryWithBackoffPolicy{}, p))
		wrapped := highway.Must(highway.NewSafetyNet(&foreign{}, p))
		ways := []func(ctx context.Context) error{
			func(ctx context.Context) error { return p.Do(ctx, neverDo) },
			func(ctx context.Context) error { _, err := highway.Call(ctx, p, never); return err },
			func(ctx context.Context) error { _, err := highway.Protect(ctx, p, never); return err },
			func(ctx context.Context) error { _, err := p.Acquire(ctx); return err },
			func(ctx context.Context) error { return net.Do(ctx, neverDo) },
			func(ctx context.Context) error { _, err := highway.Call(ctx, wrapped, never); return err },
		}
		refused := func(state highway.CircuitState) {
			t.Helper()
			for i, way := range ways {
				heard = nil
				err := way(traced(fmt.Sprint("way ", i)))
				if want := []string{fmt.Sprintf("way %d shop %v", i, state)}; !slices.Equal(heard, want) {
					t.Errorf("heard %q, want %q", heard, want)
				}
				if err != error(last) {
					t.Errorf("heard of %v, got %v", last, err)
				}
			}
		}
		play(t, p, "..xx")
		if len(heard) > 0 {
			t.Errorf("before a refusal heard %q", heard)
		}
		refused(highway.Open)
		time.Sleep(time.Minute)
		for range 3 {
			acquire(t, p, context.Background())
		}
		refused(highway.HalfOpen)
		_ = p.Isolate(context.Background())
		refused(highway.Open)

		heard = nil
		//lint:ignore SA1012 a call without a context is refused, too
		_ = p.Do(nil, neverDo)
		if want := []string{"<nil> shop OPEN"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	})
}

// TestOnRefusalMayUseTheProtector: no lock is held.
func TestOnRefusalMayUseTheProtector(t *testing.T) {
	var p *highway.CircuitProtector
	p = newProtector(t, highway.CircuitProtectorPolicy{
		OnRefusal: func(ctx context.Context, _ *highway.ProtectedCallError) { _ = p.Disable(ctx) },
	})
	_ = p.Isolate(context.Background())
	wantRefused(t, p)
	play(t, p, ".")
}

func TestAPanicInOnRefusalIsLogged(t *testing.T) {
	log := logtest.Capture(t)
	p := newProtector(t, highway.CircuitProtectorPolicy{
		OnRefusal: func(context.Context, *highway.ProtectedCallError) { panic("clumsy") },
	})
	_ = p.Isolate(context.Background())
	wantRefused(t, p)
	if !strings.Contains(log.String(), "OnRefusal") || !strings.Contains(log.String(), "clumsy") {
		t.Errorf("logged %q", log.String())
	}
}
