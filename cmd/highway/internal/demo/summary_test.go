package demo

import (
	"strings"
	"testing"
)

func TestSummaryComparesInATable(t *testing.T) {
	got := Summary{
		Instances: 5, DurationMS: 20012, OutageMS: 10000, Seed: 1,
		OpenOnAllMS: new(int64), ClosedOnAllMS: nil,
		Calls: 4026, SucceededCalls: 1975, FailedCalls: 193, RefusedCalls: 1858, Retries: 29, WastedCalls: 202,
		CallsUnshared: 4026, SucceededCallsUnshared: 1960, FailedCallsUnshared: 293, RefusedCallsUnshared: 1773,
		RetriesUnshared: 73, WastedCallsUnshared: 409,
		CallsUnprotected: 4026, SucceededCallsUnprotected: 2135, FailedCallsUnprotected: 1891,
		RetriesUnprotected: 3922, WastedCallsUnprotected: 1405, StatusChanges: 173, StatusChangesUnshared: 201,
	}.String()
	want := `
                            as one fleet   each on its own   without breakers
  calls                            4,026             4,026              4,026
    succeeded                      1,975             1,960              2,135
    failed                           193               293              1,891
    refused at once                1,858             1,773                  -
  retries                             29                73              3,922
  wasted on a dead server            202               409              1,405

Of 1,405 requests, the breakers spared the dead server 1,203 (85 %) as one fleet,
and 996 (70 %) each on its own.
The fleet was open on all instances 0s after the outage began,
and not closed again on all.
Ran for 20s. The breakers of the fleet changed their state 173 times, those on
their own 201 times.
`
	if got != want[1:] {
		t.Errorf("got\n%s\nwant\n%s", got, want[1:])
	}
}

func TestConclusionSaysSoWhenNothingWasSpared(t *testing.T) {
	tests := []struct {
		fleet, alone, without int64
		want                  string
	}{
		{0, 0, 0, "No request met a dead server: there was nothing to spare."},
		{1, 1, 1, "Of 1 requests, the breakers spared the dead server nothing as one fleet,\nand nothing each on its own."},
		{3, 1, 2, "Of 2 requests, the breakers spared the dead server nothing as one fleet,\nand 1 (50 %) each on its own."},
		{0, 0, 1000, "Of 1,000 requests, the breakers spared the dead server 1,000 (100 %) as one fleet,\nand 1,000 (100 %) each on its own."},
	}
	for _, test := range tests {
		s := Summary{WastedCalls: test.fleet, WastedCallsUnshared: test.alone, WastedCallsUnprotected: test.without, Interrupted: true}
		if got := s.conclusion(); got != test.want {
			t.Errorf("%d, %d, %d: got %q, want %q", test.fleet, test.alone, test.without, got, test.want)
		}
		if !strings.Contains(s.String(), "Interrupted after 0s.") {
			t.Errorf("%q does not say that the run was interrupted", s)
		}
	}
}

func TestSummarySaysWhenTheFleetWasAtOne(t *testing.T) {
	open, closed := int64(120), int64(1400)
	tests := []struct {
		summary Summary
		want    string
	}{
		{Summary{}, "The fleet was never open on all instances,\nand not closed again on all."},
		{Summary{OpenOnAllMS: &open, ClosedOnAllMS: &closed, Sick: 1}, "The fleet was open on all healthy instances 120ms after the outage began,\nand closed on all 1.4s after it ended."},
		{Summary{ClosedOnAllMS: new(int64)}, "The fleet was never open on all instances,\nand closed on all 0s after it ended."},
	}
	for _, test := range tests {
		if got := test.summary.together(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 999999: "999,999", 1234567: "1,234,567", -100: "-100", -1000: "-1,000"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
