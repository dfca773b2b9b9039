package setup

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Age is a time that may be given in days, as in 90d. It is the value of a flag.
type Age time.Duration

const day = 24 * time.Hour

// ParseTime reads a time that may be given in days.
func ParseTime(text string) (time.Duration, error) {
	if number, ok := strings.CutSuffix(text, "d"); ok {
		days, err := strconv.Atoi(number)
		if err != nil || days < 1 || days > 100*365 {
			return 0, fmt.Errorf("%q: days are from 1d to 36500d", text)
		}
		return time.Duration(days) * day, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q: it must be a time, as 10m, 12h or 90d", text)
	}
	return d, nil
}

// Set implements the interface of flags.
func (a *Age) Set(text string) error {
	d, err := ParseTime(text)
	if err != nil {
		return err
	}
	if d < time.Minute {
		return fmt.Errorf("%q: it must be at least 1m, as in 90d or 12h", text)
	}
	*a = Age(d.Truncate(time.Second))
	return nil
}

// Duration is the time.
func (a *Age) Duration() time.Duration { return time.Duration(*a) }

// String implements the interface of flags.
func (a *Age) String() string {
	if *a == 0 {
		return ""
	}
	return time.Duration(*a).String()
}

// Type implements the interface of flags.
func (*Age) Type() string { return "age" }
