// Package durations writes durations as people do.
package durations

import (
	"strings"
	"time"
)

// Short is d without the zeros at its end: 1m, where String gives 1m0s, and 1h for 1h0m0s.
func Short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
