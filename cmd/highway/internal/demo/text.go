package demo

import (
	"fmt"
	"strconv"
	"time"

	"github.com/highway-engine/highway/internal/durations"
)

// grouped writes n with a comma between thousands.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// seconds writes an instant with tenths of a second.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// headline says which run it is.
func (c Config) headline() string {
	noun := "instances"
	if c.Instances == 1 {
		noun = "instance"
	}
	sick := ""
	if c.Sick > 0 {
		sick = fmt.Sprintf(", %d sick", c.Sick)
	}
	return fmt.Sprintf("%d %s%s · %s · outage %s · seed %d", c.Instances, noun, sick, durations.Short(c.Duration), durations.Short(c.Outage), c.Seed)
}

// progress is how much of the run is over, in per cent, and how long it still takes.
func (f frame) progress() (percent int, left time.Duration) {
	total := f.config.Duration
	elapsed := min(f.elapsed, total)
	return int(100 * elapsed / total), total - elapsed
}
