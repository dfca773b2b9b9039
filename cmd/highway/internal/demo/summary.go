package demo

import (
	"fmt"
	"strings"
	"time"
)

// A Summary is what a run comes to. A call is what an instance wants done; it is made
// of one request and its retries, or of none when it is refused. Each instance has a
// twin without a breaker, and what ends in Unprotected is counted at the twins.
type Summary struct {
	Instances   int    `json:"instances"`   // protected clients
	DurationMS  int64  `json:"duration_ms"` // how long the run took, in milliseconds
	OutageMS    int64  `json:"outage_ms"`   // how long the server was to be down
	Seed        uint64 `json:"seed"`        // what decided when calls were made
	Interrupted bool   `json:"interrupted"` // whether the run was ended before its time

	Calls          int64 `json:"calls"`           // that came to an end; the sum of the next three
	SucceededCalls int64 `json:"succeeded_calls"` // maybe after retries
	FailedCalls    int64 `json:"failed_calls"`    // after at least one request
	RefusedCalls   int64 `json:"refused_calls"`   // by the breaker, without a request
	Retries        int64 `json:"retries"`         // requests made again after one that failed
	WastedCalls    int64 `json:"wasted_calls"`    // requests, retries included, that were sent while the server was down, and failed

	CallsUnprotected          int64 `json:"calls_unprotected"`           // the sum of the next two
	SucceededCallsUnprotected int64 `json:"succeeded_calls_unprotected"` // like SucceededCalls, of the twins
	FailedCallsUnprotected    int64 `json:"failed_calls_unprotected"`    // like FailedCalls, of the twins
	RetriesUnprotected        int64 `json:"retries_unprotected"`         // like Retries, of the twins
	WastedCallsUnprotected    int64 `json:"wasted_calls_unprotected"`    // like WastedCalls, of the twins

	StatusChanges uint64            `json:"status_changes"` // of all breakers
	ByInstance    []InstanceSummary `json:"by_instance"`    // the figures of each instance
}

// An InstanceSummary is one instance's part of a Summary.
type InstanceSummary struct {
	Name                   string `json:"name"`
	State                  string `json:"state"` // of its breaker, at the end: CLOSED, OPEN or HALF_OPEN
	Calls                  int64  `json:"calls"`
	SucceededCalls         int64  `json:"succeeded_calls"`
	FailedCalls            int64  `json:"failed_calls"`
	RefusedCalls           int64  `json:"refused_calls"`
	Retries                int64  `json:"retries"`
	WastedCalls            int64  `json:"wasted_calls"`
	WastedCallsUnprotected int64  `json:"wasted_calls_unprotected"` // of its twin
	StatusChanges          uint64 `json:"status_changes"`
}

func (f frame) summary() Summary {
	s := Summary{
		Instances:   f.config.Instances,
		DurationMS:  f.elapsed.Milliseconds(),
		OutageMS:    f.config.Outage.Milliseconds(),
		Seed:        f.config.Seed,
		Interrupted: f.interrupted,

		Calls:          f.protected.calls(),
		SucceededCalls: f.protected.succeeded,
		FailedCalls:    f.protected.failed,
		RefusedCalls:   f.protected.refused,
		Retries:        f.protected.retries,
		WastedCalls:    f.protected.wasted,

		CallsUnprotected:          f.unprotected.calls(),
		SucceededCallsUnprotected: f.unprotected.succeeded,
		FailedCallsUnprotected:    f.unprotected.failed,
		RetriesUnprotected:        f.unprotected.retries,
		WastedCallsUnprotected:    f.unprotected.wasted,
	}
	for _, row := range f.rows {
		s.StatusChanges += row.statusChanges
		s.ByInstance = append(s.ByInstance, InstanceSummary{
			Name:                   row.name,
			State:                  row.state.String(),
			Calls:                  row.protected.calls(),
			SucceededCalls:         row.protected.succeeded,
			FailedCalls:            row.protected.failed,
			RefusedCalls:           row.protected.refused,
			Retries:                row.protected.retries,
			WastedCalls:            row.protected.wasted,
			WastedCallsUnprotected: row.unprotected.wasted,
			StatusChanges:          row.statusChanges,
		})
	}
	return s
}

// String is the summary for people: a table, and in words what it says.
func (s Summary) String() string {
	var b strings.Builder
	line := func(name, with, without string) {
		fmt.Fprintf(&b, "  %-24s %15s %17s\n", name, with, without)
	}
	line("", "with breakers", "without breakers")
	line("calls", grouped(s.Calls), grouped(s.CallsUnprotected))
	line("  succeeded", grouped(s.SucceededCalls), grouped(s.SucceededCallsUnprotected))
	line("  failed", grouped(s.FailedCalls), grouped(s.FailedCallsUnprotected))
	line("  refused at once", grouped(s.RefusedCalls), "-")
	line("retries", grouped(s.Retries), grouped(s.RetriesUnprotected))
	line("wasted on a dead server", grouped(s.WastedCalls), grouped(s.WastedCallsUnprotected))
	fmt.Fprintf(&b, "\n%s\n", s.conclusion())
	ran := (time.Duration(s.DurationMS) * time.Millisecond).Round(100 * time.Millisecond)
	how := "Ran for"
	if s.Interrupted {
		how = "Interrupted after"
	}
	fmt.Fprintf(&b, "%s %v. The breakers changed their state %s times.\n", how, ran, grouped(int64(s.StatusChanges)))
	return b.String()
}

func (s Summary) conclusion() string {
	spared := s.WastedCallsUnprotected - s.WastedCalls
	switch {
	case s.WastedCallsUnprotected == 0:
		return "No request met a dead server: there was nothing to spare."
	case spared <= 0:
		return fmt.Sprintf("The breakers spared the dead server nothing: it got %s requests with them and %s without.",
			grouped(s.WastedCalls), grouped(s.WastedCallsUnprotected))
	}
	return fmt.Sprintf("The breakers spared the dead server %s of %s requests (%d %%).",
		grouped(spared), grouped(s.WastedCallsUnprotected), spared*100/s.WastedCallsUnprotected)
}
