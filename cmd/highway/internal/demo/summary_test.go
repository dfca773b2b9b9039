package demo

import (
	"strings"
	"testing"
)

func TestSummaryComparesInATable(t *testing.T) {
	got := Summary{
		Instances: 5, DurationMS: 20012, OutageMS: 10000, Seed: 1,
		Calls: 4026, SucceededCalls: 1975, FailedCalls: 193, RefusedCalls: 1858, Retries: 29, WastedCalls: 202,
		CallsUnprotected: 4026, SucceededCallsUnprotected: 2135, FailedCallsUnprotected: 1891,
		RetriesUnprotected: 3922, WastedCallsUnprotected: 1405, StatusChanges: 173,
	}.String()
	want := `
                             with breakers  without breakers
  calls                              4,026             4,026
    succeeded                        1,975             2,135
    failed                             193             1,891
    refused at once                  1,858                 -
  retries                               29             3,922
  wasted on a dead server              202             1,405

The breakers spared the dead server 1,203 of 1,405 requests (85 %).
Ran for 20s. The breakers changed their state 173 times.
`
	if got != want[1:] {
		t.Errorf("got\n%s\nwant\n%s", got, want[1:])
	}
}

func TestConclusionSaysSoWhenNothingWasSpared(t *testing.T) {
	tests := []struct {
		with, without int64
		want          string
	}{
		{0, 0, "No request met a dead server: there was nothing to spare."},
		{1, 1, "The breakers spared the dead server nothing: it got 1 requests with them and 1 without."},
		{3, 2, "The breakers spared the dead server nothing: it got 3 requests with them and 2 without."},
		{0, 1000, "The breakers spared the dead server 1,000 of 1,000 requests (100 %)."},
	}
	for _, test := range tests {
		s := Summary{WastedCalls: test.with, WastedCallsUnprotected: test.without, Interrupted: true}
		if got := s.conclusion(); got != test.want {
			t.Errorf("%d with, %d without: got %q, want %q", test.with, test.without, got, test.want)
		}
		if !strings.Contains(s.String(), "Interrupted after 0s.") {
			t.Errorf("%q does not say that the run was interrupted", s)
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
