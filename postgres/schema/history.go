package schema

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// History is how long transitions are kept, and how many of each key. What is zero stays
// as it is, which is 90 days and 1000 at first.
type History struct {
	Age  time.Duration // at least a second
	Rows int           // of each key, besides what people did, and what has a note
}

const day = 24 * time.Hour

func (h History) check() error {
	switch {
	case h.Age != 0 && h.Age < time.Second:
		return fmt.Errorf("schema: transitions must be kept for at least a second, not %v", h.Age)
	case h.Rows < 0 || h.Rows > math.MaxInt32:
		return fmt.Errorf("schema: at least 1 and at most %d transitions are kept of each key, not %d", math.MaxInt32, h.Rows)
	}
	return nil
}

func (h History) sql() string {
	var set []string
	if h.Age != 0 {
		set = append(set, "history_age = '"+age(h.Age)+"'")
	}
	if h.Rows != 0 {
		set = append(set, fmt.Sprintf("history_rows = %d", h.Rows))
	}
	if set == nil {
		return ""
	}
	return "UPDATE hw_schema SET " + strings.Join(set, ", ") + ";\n"
}

// age is an interval, in days if it can be.
func age(d time.Duration) string {
	switch {
	case d == day:
		return "1 day"
	case d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}
