package grafana_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	highwayprometheus "github.com/highway-engine/highway/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the outage is no news here
	os.Exit(m.Run())
}

const (
	scrapeInterval = 15 * time.Second
	healthy        = 15 * time.Minute // as long as an idle circuit's report needs to get old
	trouble        = 15 * time.Minute
)

// A recording is what a Prometheus would have scraped.
type recording struct {
	series      map[string]*recorded
	start, fall time.Time // the trouble begins at fall,
	end         time.Time // and the last scrape was at end
}

type recorded struct {
	labels  labels.Labels
	samples []sample
}

// recordOnce is shared by the tests, which only read it.
var recordOnce struct {
	sync.Once
	recording recording
}

// run is half an hour of three instances in virtual time: all is well, and then everything
// goes wrong that there is an alert for.
func run(t *testing.T) recording {
	recordOnce.Do(func() {
		r := recording{series: map[string]*recorded{}}
		synctest.Test(t, func(t *testing.T) { r.record(t) })
		recordOnce.recording = r
	})
	return recordOnce.recording
}

// A troubled storage is slow or fails, for one instance.
type troubled struct {
	*highway.InMemoryStorage
	delay   atomic.Int64
	failing atomic.Bool
}

func (s *troubled) Exchange(ctx context.Context, instance string, reports map[string]fleet.Report) (map[string]fleet.View, error) {
	select {
	case <-time.After(time.Duration(s.delay.Load())):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.failing.Load() {
		return nil, errDown
	}
	return s.InMemoryStorage.Exchange(ctx, instance, reports)
}

var errDown = errors.New("down")

// An instance is one process of a service.
type instance struct {
	registry *prometheus.Registry
	storage  *troubled
	all      []*highway.CircuitProtector
	payments highway.Policy
	mail     highway.Policy // retried without a breaker, which multiplies an outage
	search   *highway.CircuitProtector
}

func newInstance(t *testing.T, storage *highway.InMemoryStorage) *instance {
	t.Helper()
	i := &instance{registry: prometheus.NewRegistry(), storage: &troubled{InMemoryStorage: storage}}
	collector, err := highwayprometheus.NewCollector(func(yield func(*highway.CircuitProtector) bool) {
		for _, p := range i.all {
			if !yield(p) {
				return
			}
		}
	}, highwayprometheus.Config{MaxKeys: 3, Storages: []highway.Storage{i.storage}})
	if err != nil {
		t.Fatal(err)
	}
	i.registry.MustRegister(collector)
	payments := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "payments", CountCalls: true,
	}))
	i.search = highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "search", Storage: i.storage,
	}))
	retry := highway.RetryWithBackoffPolicy{MaxRetries: 1, Backoff: highway.FixedDelay{}}
	retry.OnAttempt = collector.OnAttempt("charge")
	i.payments = highway.Must(highway.NewSafetyNet(retry, payments))
	retry.OnAttempt = collector.OnAttempt("mail")
	i.mail = retry
	i.all = append(i.all, payments, i.search)
	return i
}

// call makes calls of which one in each is to fail; 1 is all, and 0 none.
func call(p highway.Policy, count, each int) {
	for n := range count {
		_ = p.Do(context.Background(), func(context.Context) error {
			if each > 0 && n%each == 0 {
				return errDown
			}
			return nil
		})
	}
}

func (r *recording) record(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	var instances []*instance
	for range 3 {
		instances = append(instances, newInstance(t, storage))
	}
	r.start = time.Now()
	for time.Since(r.start) < healthy {
		time.Sleep(scrapeInterval)
		for _, i := range instances {
			call(i.payments, 20, 10)
			call(i.mail, 20, 10)
			call(i.search, 20, 0)
		}
		r.scrape(t, instances)
	}

	r.fall = time.Now()
	if err := instances[0].search.Isolate(t.Context()); err != nil {
		t.Fatal(err)
	}
	instances[1].storage.delay.Store(int64(700 * time.Millisecond))
	instances[2].storage.failing.Store(true)
	for n := range 4 {
		instances[0].all = append(instances[0].all, highway.Must(highway.NewCircuitProtector(
			highway.CircuitProtectorPolicy{ResourceKey: fmt.Sprintf("tenant-%d", n)})))
	}
	for time.Since(r.fall) < trouble {
		time.Sleep(scrapeInterval)
		for _, i := range instances {
			call(i.payments, 20, 1)
			call(i.mail, 20, 1)
			call(i.search, 20, 0)
		}
		r.scrape(t, instances)
	}
	r.end = time.Now()
	for _, i := range instances {
		if err := highway.CloseStorage(t.Context(), i.storage); err != nil {
			t.Fatal(err)
		}
	}
	if err := storage.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (r *recording) scrape(t *testing.T, instances []*instance) {
	now := time.Now().UnixMilli()
	for n, i := range instances {
		families, err := i.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				set := map[string]string{"job": "shop", "instance": fmt.Sprintf("shop-%d", n)}
				for _, pair := range m.GetLabel() {
					set[pair.GetName()] = pair.GetValue()
				}
				add := func(suffix string, value float64, more ...string) {
					b := labels.NewBuilder(labels.FromMap(set))
					b.Set(model.MetricNameLabel, f.GetName()+suffix)
					if more != nil {
						b.Set(more[0], more[1])
					}
					r.add(b.Labels(), sample{now, value})
				}
				switch {
				case m.Counter != nil:
					add("", m.GetCounter().GetValue())
				case m.Gauge != nil:
					add("", m.GetGauge().GetValue())
				default:
					h := m.GetHistogram()
					for _, b := range h.GetBucket() {
						add("_bucket", float64(b.GetCumulativeCount()), labels.BucketLabel, fmt.Sprint(b.GetUpperBound()))
					}
					add("_bucket", float64(h.GetSampleCount()), labels.BucketLabel, "+Inf")
					add("_count", float64(h.GetSampleCount()))
					add("_sum", h.GetSampleSum())
				}
			}
		}
	}
}

func (r *recording) add(l labels.Labels, s sample) {
	key := l.String()
	if r.series[key] == nil {
		r.series[key] = &recorded{labels: l}
	}
	r.series[key].samples = append(r.series[key].samples, s)
}

// exported are the values of each label of each metric.
func exported(r recording) map[string]map[string]map[string]bool {
	found := map[string]map[string]map[string]bool{}
	for _, s := range r.series {
		name := s.labels.Get(model.MetricNameLabel)
		if !strings.HasPrefix(name, "highway_") {
			continue
		}
		if found[name] == nil {
			found[name] = map[string]map[string]bool{}
		}
		s.labels.Range(func(l labels.Label) {
			if found[name][l.Name] == nil {
				found[name][l.Name] = map[string]bool{}
			}
			found[name][l.Name][l.Value] = true
		})
	}
	return found
}
