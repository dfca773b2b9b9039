package output

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/durations"
	"github.com/highway-engine/highway/internal/names"
)

// results are the names of what has come of a probe, in the order of fleet's constants.
var results = []string{"pending", "succeeded", "failed"}

func nameOf[C ~uint8](all []string, c C) string {
	if int(c) < len(all) {
		return all[c]
	}
	return strconv.Itoa(int(c))
}

// StateName is the name of a state, as "HALF_OPEN".
func StateName(s fleet.State) string { return highway.CircuitState(s).String() }

// State is the state of a row, and the hold that it is under.
func State(row fleet.Row) string { return held(StateName(row.State), row.Hold) }

func held(state string, hold fleet.Hold) string {
	if hold == fleet.NoHold {
		return state
	}
	return state + ", " + words(nameOf(names.Holds, hold))
}

// words are a name for people.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// Left is the time that is left of a row's OPEN or hold, or empty.
func Left(row fleet.Row) string {
	if !ends(row) {
		return ""
	}
	return Time(row.Remaining)
}

// ends says whether the row has a deadline.
func ends(row fleet.Row) bool {
	return row.Hold == fleet.HeldOpen || row.Hold == fleet.NoHold && row.State == fleet.Open
}

// Time is how long something takes, in two units at most: "1m30s", "26h", "3d2h".
func Time(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return strconv.FormatFloat(math.Floor(d.Seconds()*10)/10, 'f', -1, 64) + "s"
	case d < time.Hour:
		d = d.Truncate(time.Second)
	case d < 2*day:
		d = d.Truncate(time.Minute)
	default:
		days, hours := d/day, d%day/time.Hour
		if hours == 0 {
			return fmt.Sprintf("%dd", days)
		}
		return fmt.Sprintf("%dd%dh", days, hours)
	}
	return durations.Short(d)
}

// Rate says how many of the calls failed, or that there were none.
func Rate(failures, outcomes int) string {
	if outcomes <= 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d (%.0f %%)", failures, outcomes, 100*float64(failures)/float64(outcomes))
}

// count is a number of things.
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Settings are the terms of an instance in words.
func Settings(s fleet.Settings) string {
	return fmt.Sprintf("%d of %d failures open for %s; %d of %d probes close",
		s.Failures, s.Window, Time(s.Cooldown), s.Successes, s.Probes)
}

// Change says what a transition has done.
func Change(t fleet.Transition) string {
	to := held(StateName(t.To), t.Hold)
	switch {
	case t.Deleted && t.Made:
		return "deleted"
	case t.Deleted:
		return StateName(t.From) + " → deleted"
	case t.Made:
		return "made " + to
	}
	return StateName(t.From) + " → " + to
}

// Why is the reason of a transition.
func Why(t fleet.Transition) string {
	if t.Deleted {
		return "deleted"
	}
	return words(nameOf(names.Reasons, t.Reason))
}

// Evidence is what the storage knew before a transition, as far as it says something: it does
// not count the probe that has decided.
func Evidence(t fleet.Transition) string {
	e, probes := t.Evidence, "probes: "
	if t.Reason == fleet.ProbesSucceeded || t.Reason == fleet.ProbesFailed {
		probes = "probes before the last: "
	}
	var parts []string
	add := func(n int, text string) {
		if n > 0 {
			parts = append(parts, text)
		}
	}
	add(e.Outcomes, Rate(e.Failures, e.Outcomes)+" failed")
	add(e.Instances, count(e.Instances, "instance"))
	add(len(e.Suspects), count(len(e.Suspects), "suspect"))
	add(e.Witnesses, count(e.Witnesses, "witness")+" of "+count(e.Calls, "call"))
	add(e.Succeeded+e.Failed, fmt.Sprintf("%s%d succeeded, %d failed", probes, e.Succeeded, e.Failed))
	return strings.ReplaceAll(strings.Join(parts, ", "), "witnesss", "witnesses")
}
