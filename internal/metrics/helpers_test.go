package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/internal/metrics"
)

var errDown = errors.New("down")

func newProtector(t testing.TB, policy highway.CircuitProtectorPolicy) *highway.CircuitProtector {
	t.Helper()
	if policy.FailureLimit == (highway.Limit{}) {
		policy.FailureLimit = highway.Fraction(2, 4)
	}
	p, err := highway.NewCircuitProtector(policy)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// play makes calls through p: '.' one that succeeds, 'x' one that fails. Refusals are fine.
func play(p *highway.CircuitProtector, calls string) {
	for _, c := range calls {
		_ = p.Do(context.Background(), func(context.Context) error {
			if c == 'x' {
				return errDown
			}
			return nil
		})
	}
}

func newReader(t testing.TB, maxKeys int, protectors *[]*highway.CircuitProtector) *metrics.Reader {
	t.Helper()
	r, err := metrics.NewReader(func(yield func(*highway.CircuitProtector) bool) {
		for _, p := range *protectors {
			if !yield(p) {
				return
			}
		}
	}, maxKeys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read gives the points as text: name of the metric without "highway.", labels, value.
func read(t testing.TB, r *metrics.Reader) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for _, p := range r.Read() {
		name := fmt.Sprintf("%s{%s}", strings.TrimPrefix(p.Metric.Name, "highway."), strings.Join(p.Labels(), ","))
		if _, twice := values[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		values[name] = p.Value
	}
	return values
}

// want checks some of the values; one below zero means that there must be none.
func want(t testing.TB, got, want map[string]float64) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, there := got[name]
		if there != (want[name] >= 0) || there && value != want[name] {
			t.Errorf("%s is %v (there: %v), want %v", name, value, there, want[name])
		}
	}
}
