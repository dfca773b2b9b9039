package durations_test

import (
	"testing"
	"time"

	"github.com/highway-engine/highway/internal/durations"
)

func TestShort(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "1m": time.Minute, "1h": time.Hour, "1h30m": 90 * time.Minute, "1h0m10s": time.Hour + 10*time.Second,
		"10m": 10 * time.Minute, "20s": 20 * time.Second, "1.5s": 1500 * time.Millisecond, "-1h": -time.Hour,
	} {
		if got := durations.Short(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
