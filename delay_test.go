package highway

import (
	"errors"
	"math"
	"testing"
	"time"
)

func TestExponentialDelayGrowsWithinItsBounds(t *testing.T) {
	d := ExponentialDelay{MinDelay: time.Second, MaxDelay: 10 * time.Second, Factor: 2}
	for n, want := range map[int]time.Duration{
		math.MinInt: time.Second, 0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second,
		4: 8 * time.Second, 5: 10 * time.Second, 64: 10 * time.Second, math.MaxInt: 10 * time.Second,
	} {
		if got := d.ForAttempt(n); got != want {
			t.Errorf("attempt %d: %v, want %v", n, got, want)
		}
	}
}

func TestJitterSpreadsEvenlyWithinTheBounds(t *testing.T) {
	d := ExponentialDelay{MinDelay: time.Second, MaxDelay: 10 * time.Second, Factor: 2, Jitter: 0.5}
	for _, c := range []struct {
		n        int
		from, to time.Duration
	}{
		{1, time.Second, 1500 * time.Millisecond}, // not below MinDelay
		{2, time.Second, 3 * time.Second},
		{3, 2 * time.Second, 6 * time.Second},
		{9, 5 * time.Second, 10 * time.Second}, // not above MaxDelay
	} {
		middle := c.from + (c.to-c.from)/2
		if a, b, m := d.forAttempt(c.n, 0), d.forAttempt(c.n, math.Nextafter(1, 0)), d.forAttempt(c.n, 0.5); a != c.from || c.to-b > 1 || m != middle {
			t.Errorf("attempt %d: from %v to %v with %v in the middle, want %v to %v", c.n, a, b, m, c.from, c.to)
		}
		seen := map[time.Duration]bool{}
		for range 1000 {
			got := d.ForAttempt(c.n)
			if got < c.from || got > c.to {
				t.Fatalf("attempt %d: %v is outside %v to %v", c.n, got, c.from, c.to)
			}
			seen[got] = true
		}
		if len(seen) < 900 {
			t.Errorf("attempt %d: only %d different delays of 1000", c.n, len(seen))
		}
	}
}

func TestExponentialDelayNeverOverflows(t *testing.T) {
	for _, d := range []ExponentialDelay{
		{},
		{MinDelay: 1, MaxDelay: math.MaxInt64, Factor: math.MaxFloat64, Jitter: 1},
		{MinDelay: math.MaxInt64, Jitter: 1},
		{MinDelay: math.MaxInt64 - 1, MaxDelay: math.MaxInt64, Factor: 1, Jitter: 0.3},
		{MinDelay: 3, MaxDelay: 3, Jitter: 1},
	} {
		if err := d.Validate(); err != nil {
			t.Errorf("%+v: %v", d, err)
		}
		filled := d.withDefaults()
		for _, n := range []int{1, 2, 10, 63, 64, 1000, math.MaxInt} {
			for _, place := range []float64{0, 0.5, math.Nextafter(1, 0)} {
				if got := d.forAttempt(n, place); got < filled.MinDelay || got > filled.MaxDelay {
					t.Errorf("%+v attempt %d at %v: %v", d, n, place, got)
				}
			}
		}
	}
}

// FuzzExponentialDelay: what Validate accepts stays within its bounds.
func FuzzExponentialDelay(f *testing.F) {
	f.Add(int64(1e9), int64(1e10), 2.0, 0.1, 3, 0.5)
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), math.MaxFloat64, 1.0, math.MaxInt, 0.999)
	f.Fuzz(func(t *testing.T, shortest, longest int64, factor, jitter float64, n int, place float64) {
		d := ExponentialDelay{time.Duration(shortest), time.Duration(longest), factor, jitter}
		if d.Validate() != nil || !(place >= 0 && place < 1) {
			return
		}
		filled := d.withDefaults()
		if got := d.forAttempt(n, place); got < filled.MinDelay || got > filled.MaxDelay {
			t.Errorf("%+v attempt %d at %v: %v", d, n, place, got)
		}
	})
}

func TestDelaysAreValidated(t *testing.T) {
	for _, c := range []struct {
		delay validator
		field string
	}{
		{FixedDelay{-1}, "Delay"},
		{ExponentialDelay{MinDelay: -1}, "MinDelay"},
		{ExponentialDelay{MaxDelay: -1}, "MaxDelay"},
		{ExponentialDelay{MinDelay: 2, MaxDelay: 1}, "MaxDelay"},
		{ExponentialDelay{MaxDelay: DefaultMinDelay - 1}, "MaxDelay"},
		{ExponentialDelay{Factor: 0.5}, "Factor"},
		{ExponentialDelay{Factor: math.NaN()}, "Factor"},
		{ExponentialDelay{Factor: math.Inf(1)}, "Factor"},
		{ExponentialDelay{Jitter: -0.1}, "Jitter"},
		{ExponentialDelay{Jitter: 1.1}, "Jitter"},
		{ExponentialDelay{Jitter: math.NaN()}, "Jitter"},
	} {
		var invalid *InvalidPolicyError
		if err := c.delay.Validate(); !errors.As(err, &invalid) || invalid.Field != c.field {
			t.Errorf("%+v: %v", c.delay, err)
		}
	}
	for _, d := range []validator{FixedDelay{}, ExponentialDelay{}, ExponentialDelay{MinDelay: 5, MaxDelay: 5, Factor: 1, Jitter: 1}} {
		if err := d.Validate(); err != nil {
			t.Errorf("%+v: %v", d, err)
		}
	}
}
