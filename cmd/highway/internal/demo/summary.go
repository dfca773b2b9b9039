package demo

import (
	"fmt"
	"strings"
	"time"
)

// A Summary is what a run comes to. A call is what an instance wants done; it is made
// of one request and its retries, or of none when it is refused. Each instance makes
// its calls three times over: as one of the fleet, on its own, which is counted in what
// ends in Unshared, and without a breaker, which is counted in what ends in Unprotected.
type Summary struct {
	Instances   int    `json:"instances"`   // protected clients
	Sick        int    `json:"sick"`        // how many of them had a bad network of their own
	DurationMS  int64  `json:"duration_ms"` // how long the run took, in milliseconds
	OutageMS    int64  `json:"outage_ms"`   // how long the server was to be down
	Seed        uint64 `json:"seed"`        // what decided when calls were made
	Interrupted bool   `json:"interrupted"` // whether the run was ended before its time

	Storage   string  `json:"storage"`    // where the fleet met: Memory or Postgres
	StorageAt *string `json:"storage_at"` // which database that was, for people; nil with Memory

	Calls          int64 `json:"calls"`           // that came to an end; the sum of the next three
	SucceededCalls int64 `json:"succeeded_calls"` // maybe after retries
	FailedCalls    int64 `json:"failed_calls"`    // after at least one request
	RefusedCalls   int64 `json:"refused_calls"`   // by the breaker, without a request
	Retries        int64 `json:"retries"`         // requests made again after one that failed
	WastedCalls    int64 `json:"wasted_calls"`    // requests, retries included, that were sent while the server was down, and failed

	OpenOnAllMS   *int64 `json:"open_on_all_ms"`   // from the outage's beginning until every healthy instance had refused a call; nil: it never came to that
	ClosedOnAllMS *int64 `json:"closed_on_all_ms"` // from the outage's end until all healthy instances were CLOSED; nil: it never came to that

	CallsUnshared          int64 `json:"calls_unshared"`           // the sum of the next three
	SucceededCallsUnshared int64 `json:"succeeded_calls_unshared"` // like SucceededCalls, each on its own
	FailedCallsUnshared    int64 `json:"failed_calls_unshared"`    // like FailedCalls, each on its own
	RefusedCallsUnshared   int64 `json:"refused_calls_unshared"`   // like RefusedCalls, each on its own
	RetriesUnshared        int64 `json:"retries_unshared"`         // like Retries, each on its own
	WastedCallsUnshared    int64 `json:"wasted_calls_unshared"`    // like WastedCalls, each on its own

	CallsUnprotected          int64 `json:"calls_unprotected"`           // the sum of the next two
	SucceededCallsUnprotected int64 `json:"succeeded_calls_unprotected"` // like SucceededCalls, without breakers
	FailedCallsUnprotected    int64 `json:"failed_calls_unprotected"`    // like FailedCalls, without breakers
	RetriesUnprotected        int64 `json:"retries_unprotected"`         // like Retries, without breakers
	WastedCallsUnprotected    int64 `json:"wasted_calls_unprotected"`    // like WastedCalls, without breakers

	StatusChanges         uint64            `json:"status_changes"`          // of all breakers of the fleet
	StatusChangesUnshared uint64            `json:"status_changes_unshared"` // of all breakers on their own
	ByInstance            []InstanceSummary `json:"by_instance"`             // the figures of each instance
}

// An InstanceSummary is one instance's part of a Summary.
type InstanceSummary struct {
	Name                   string `json:"name"`
	Sick                   bool   `json:"sick"`
	State                  string `json:"state"` // of its breaker in the fleet, at the end: CLOSED, OPEN or HALF_OPEN
	Calls                  int64  `json:"calls"`
	SucceededCalls         int64  `json:"succeeded_calls"`
	FailedCalls            int64  `json:"failed_calls"`
	RefusedCalls           int64  `json:"refused_calls"`
	Retries                int64  `json:"retries"`
	WastedCalls            int64  `json:"wasted_calls"`
	WastedCallsUnshared    int64  `json:"wasted_calls_unshared"`
	WastedCallsUnprotected int64  `json:"wasted_calls_unprotected"`
	StatusChanges          uint64 `json:"status_changes"`
	StatusChangesUnshared  uint64 `json:"status_changes_unshared"`
}

func (f frame) summary() Summary {
	s := Summary{
		Instances:   f.config.Instances,
		Sick:        f.config.Sick,
		DurationMS:  f.elapsed.Milliseconds(),
		OutageMS:    f.config.Outage.Milliseconds(),
		Seed:        f.config.Seed,
		Interrupted: f.interrupted,

		Storage: f.config.Storage,

		Calls:          f.protected.calls(),
		SucceededCalls: f.protected.succeeded,
		FailedCalls:    f.protected.failed,
		RefusedCalls:   f.protected.refused,
		Retries:        f.protected.retries,
		WastedCalls:    f.protected.wasted,

		OpenOnAllMS:   milliseconds(f.openOnAll()),
		ClosedOnAllMS: milliseconds(f.closedOnAll()),

		CallsUnshared:          f.unshared.calls(),
		SucceededCallsUnshared: f.unshared.succeeded,
		FailedCallsUnshared:    f.unshared.failed,
		RefusedCallsUnshared:   f.unshared.refused,
		RetriesUnshared:        f.unshared.retries,
		WastedCallsUnshared:    f.unshared.wasted,

		CallsUnprotected:          f.unprotected.calls(),
		SucceededCallsUnprotected: f.unprotected.succeeded,
		FailedCallsUnprotected:    f.unprotected.failed,
		RetriesUnprotected:        f.unprotected.retries,
		WastedCallsUnprotected:    f.unprotected.wasted,
	}
	if f.place != "" {
		s.StorageAt = &f.place
	}
	for _, row := range f.rows {
		s.StatusChanges += row.statusChanges
		s.StatusChangesUnshared += row.unsharedChanges
		s.ByInstance = append(s.ByInstance, InstanceSummary{
			Name:                   row.name,
			Sick:                   row.sick,
			State:                  row.state.String(),
			Calls:                  row.protected.calls(),
			SucceededCalls:         row.protected.succeeded,
			FailedCalls:            row.protected.failed,
			RefusedCalls:           row.protected.refused,
			Retries:                row.protected.retries,
			WastedCalls:            row.protected.wasted,
			WastedCallsUnshared:    row.unshared.wasted,
			WastedCallsUnprotected: row.unprotected.wasted,
			StatusChanges:          row.statusChanges,
			StatusChangesUnshared:  row.unsharedChanges,
		})
	}
	return s
}

// milliseconds is d, or nil if there is none.
func milliseconds(d time.Duration, ok bool) *int64 {
	if !ok {
		return nil
	}
	ms := d.Milliseconds()
	return &ms
}

// String is the summary for people: a table, and in words what it says.
func (s Summary) String() string {
	var b strings.Builder
	line := func(name, fleet, alone, without string) {
		fmt.Fprintf(&b, "  %-24s %13s %17s %18s\n", name, fleet, alone, without)
	}
	line("", "as one fleet", "each on its own", "without breakers")
	line("calls", grouped(s.Calls), grouped(s.CallsUnshared), grouped(s.CallsUnprotected))
	line("  succeeded", grouped(s.SucceededCalls), grouped(s.SucceededCallsUnshared), grouped(s.SucceededCallsUnprotected))
	line("  failed", grouped(s.FailedCalls), grouped(s.FailedCallsUnshared), grouped(s.FailedCallsUnprotected))
	line("  refused at once", grouped(s.RefusedCalls), grouped(s.RefusedCallsUnshared), "-")
	line("retries", grouped(s.Retries), grouped(s.RetriesUnshared), grouped(s.RetriesUnprotected))
	line("wasted on a dead server", grouped(s.WastedCalls), grouped(s.WastedCallsUnshared), grouped(s.WastedCallsUnprotected))
	fmt.Fprintf(&b, "\n%s\n", s.conclusion())
	fmt.Fprintf(&b, "%s\n", s.together())
	ran := (time.Duration(s.DurationMS) * time.Millisecond).Round(100 * time.Millisecond)
	how := "Ran for"
	if s.Interrupted {
		how = "Interrupted after"
	}
	fmt.Fprintf(&b, "%s %v. The breakers of the fleet changed their state %s times, those on\ntheir own %s times.\n",
		how, ran, grouped(int64(s.StatusChanges)), grouped(int64(s.StatusChangesUnshared)))
	if s.StorageAt != nil {
		fmt.Fprintf(&b, "The fleet met in %s.\n", *s.StorageAt)
	}
	return b.String()
}

// conclusion compares the requests that met a dead server.
func (s Summary) conclusion() string {
	whole := s.WastedCallsUnprotected
	if whole == 0 {
		return "No request met a dead server: there was nothing to spare."
	}
	share := func(wasted int64) string {
		if wasted >= whole {
			return "nothing"
		}
		return fmt.Sprintf("%s (%d %%)", grouped(whole-wasted), (whole-wasted)*100/whole)
	}
	return fmt.Sprintf("Of %s requests, the breakers spared the dead server %s as one fleet,\nand %s each on its own.",
		grouped(whole), share(s.WastedCalls), share(s.WastedCallsUnshared))
}

// together says when the instances of the fleet were at one.
func (s Summary) together() string {
	all := "all instances"
	if s.Sick > 0 {
		all = "all healthy instances"
	}
	open, closed := "The fleet was never open on "+all, "not closed again on all"
	if s.OpenOnAllMS != nil {
		open = fmt.Sprintf("The fleet was open on %s %v after the outage began", all, time.Duration(*s.OpenOnAllMS)*time.Millisecond)
	}
	if s.ClosedOnAllMS != nil {
		closed = fmt.Sprintf("closed on all %v after it ended", time.Duration(*s.ClosedOnAllMS)*time.Millisecond)
	}
	return open + ",\nand " + closed + "."
}
