package highwayprometheus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	highwayprometheus "github.com/highway-engine/highway/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // storages that are closed are no news here
	os.Exit(m.Run())
}

var errDown = errors.New("down")

// play makes calls through p: '.' one that succeeds, 'x' one that fails. Refusals are fine.
func play(p highway.Policy, calls string) {
	for _, c := range calls {
		_ = p.Do(context.Background(), func(context.Context) error {
			if c == 'x' {
				return errDown
			}
			return nil
		})
	}
}

// TestGoldenExposition: testdata/golden.txt is what a program with a bit of everything
// exposes. It is read before it is changed: dashboards and alerts of others go by it.
func TestGoldenExposition(t *testing.T) {
	golden, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		policy := highway.CircuitProtectorPolicy{
			ResourceKey:  "payments",
			FailureLimit: highway.Fraction(2, 4),
			CountCalls:   true,
		}
		payments := highway.Must(highway.NewCircuitProtector(policy))
		policy.ResourceKey, policy.Storage, policy.CountCalls = "search", storage, false
		search := highway.Must(highway.NewCircuitProtector(policy))
		collector := must(highwayprometheus.NewCollector(slices.Values([]*highway.CircuitProtector{payments, search}),
			highwayprometheus.Config{}))
		retry := highway.RetryWithBackoffPolicy{
			MaxRetries: 1, Backoff: highway.FixedDelay{}, OnAttempt: collector.OnAttempt("charge"),
		}
		play(highway.Must(highway.NewSafetyNet(retry, payments)), "..x..")
		play(search, "x..")
		synctest.Wait()
		if err := testutil.CollectAndCompare(collector, strings.NewReader(string(golden))); err != nil {
			t.Error(err)
		}
		if err := storage.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestStorageRequestsAreMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := highway.NewInMemoryStorage()
		p := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "search", Storage: storage}))
		collector := must(highwayprometheus.NewCollector(slices.Values([]*highway.CircuitProtector{p}),
			highwayprometheus.Config{Storages: []highway.Storage{nil, storage}}))
		const name = "highway_storage_request_duration_seconds"
		if err := p.Isolate(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		text := scrape(t, collector)
		for _, operation := range []string{"exchange", "change", "sweep"} {
			if line := fmt.Sprintf(`%s_count{highway_operation="%s",highway_outcome="success"}`, name, operation); !strings.Contains(text, line) {
				t.Errorf("there is no %s in\n%s", line, text)
			}
		}
		collector.OnAttempt("charge")
		problems, err := testutil.CollectAndLint(collector)
		if err != nil || len(problems) > 0 {
			t.Error(problems, err)
		}

		collector.Close()
		before := text[strings.Index(text, "# HELP "+name):]
		time.Sleep(time.Minute)
		if text := scrape(t, collector); !strings.HasSuffix(text, before) {
			t.Errorf("requests are measured after Close:\n%s", text)
		}
		if err := storage.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// scrape is what a server would see.
func scrape(t testing.TB, collector prometheus.Collector) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry() // which checks what Describe has promised
	registry.MustRegister(collector)
	recorder := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).
		ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	text, err := io.ReadAll(recorder.Result().Body)
	if err != nil || recorder.Code != 200 {
		t.Fatal(recorder.Code, string(text), err)
	}
	return string(text)
}

// TestAnyKeyCanBeScraped: what comes from a program's input must not break all metrics.
func TestAnyKeyCanBeScraped(t *testing.T) {
	var all []*highway.CircuitProtector
	for _, key := range []string{"", "\xff", "\xfe", "a\"b\\c\nd", "_other", strings.Repeat("k", 1000)} {
		all = append(all, highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: key})))
	}
	collector := must(highwayprometheus.NewCollector(slices.Values(all), highwayprometheus.Config{MaxKeys: 3}))
	collector.OnAttempt("\xff")
	if text := scrape(t, collector); !strings.Contains(text, `highway_circuit_state{highway_resource_key="_other",highway_state="closed"} 2`) {
		t.Error(text)
	}
}

func TestACollectorIsRegisteredOnce(t *testing.T) {
	registry := prometheus.NewRegistry()
	none := slices.Values([]*highway.CircuitProtector{})
	one := must(highwayprometheus.NewCollector(none, highwayprometheus.Config{}))
	if err := registry.Register(one); err != nil {
		t.Fatal(err)
	}
	var twice prometheus.AlreadyRegisteredError
	another := must(highwayprometheus.NewCollector(none, highwayprometheus.Config{}))
	if err := registry.Register(another); !errors.As(err, &twice) {
		t.Error(err)
	}
	registry = prometheus.NewRegistry()
	for part, collector := range map[string]prometheus.Collector{"a": one, "b": another} {
		if err := prometheus.WrapRegistererWith(prometheus.Labels{"part": part}, registry).Register(collector); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatMakesNoSense(t *testing.T) {
	none := slices.Values([]*highway.CircuitProtector{})
	for want, make := range map[string]func() (*highwayprometheus.Collector, error){
		"no sequence": func() (*highwayprometheus.Collector, error) {
			return highwayprometheus.NewCollector(nil, highwayprometheus.Config{})
		},
		"MaxKeys": func() (*highwayprometheus.Collector, error) {
			return highwayprometheus.NewCollector(none, highwayprometheus.Config{MaxKeys: -1})
		},
	} {
		if _, err := make(); err == nil || !strings.Contains(err.Error(), "highwayprometheus: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, which does not have %q", err, want)
		}
	}
}
