package main

import (
	"math"
	"testing"
)

func TestQuantile(t *testing.T) {
	values := []float64{4, 1, 3, 2}
	for q, want := range map[float64]float64{0.5: 2, 0.99: 4, 0.25: 1, 0: 1} {
		if got := quantile(values, q); got != want {
			t.Errorf("%g: %g", q, got)
		}
	}
	if got := quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("of none: %g", got)
	}
}

func TestFigures(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0123: "0.012", 1.234: "1.23", 12.34: "12.3", 1234: "1234", math.NaN(): "–"} {
		if got := three(v); got != want {
			t.Errorf("%g: %q", v, got)
		}
	}
	for v, want := range map[float64]string{12: "12.0 B", 8192: "8.19 kB", 12345678: "12.3 MB", 2e10: "20.0 GB"} {
		if got := size(v); got != want {
			t.Errorf("%g: %q", v, got)
		}
	}
}

func TestEveryPartCanBeChosen(t *testing.T) {
	if all, err := choose(""); err != nil || len(all) != len(parts) {
		t.Errorf("%v, %v", all, err)
	}
	if some, err := choose("hour,path"); err != nil || len(some) != 2 || some[0].name != "hour" {
		t.Errorf("%v, %v", some, err)
	}
	if _, err := choose("path,nothing"); err == nil {
		t.Error("a part that there is not")
	}
}

func TestTallyNamesWhatIsMissed(t *testing.T) {
	all := []target{{"one", "≤ 1", "1", true}, {"two", "≤ 2", "3", false}}
	if got, want := tally(all), "1 of 2 are met; the others:\n\n- missed: two (≤ 2)\n"; got != want {
		t.Errorf("%q", got)
	}
	if got, want := tally(all[:1]), "All 1 are met.\n"; got != want {
		t.Errorf("%q", got)
	}
}
