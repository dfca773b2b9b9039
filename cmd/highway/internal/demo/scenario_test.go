package demo

import (
	"testing"
	"time"
)

func TestScenarioPutsTheOutageInTheMiddle(t *testing.T) {
	got := newScenario(20*time.Second, 10*time.Second)
	want := scenario{
		{healthy, 0, 5 * time.Second},
		{failing, 5 * time.Second, 10 * time.Second},
		{slow, 10 * time.Second, 15 * time.Second},
		{healthy, 15 * time.Second, 20 * time.Second},
	}
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestScenarioLeavesNoGapAndAddsUp(t *testing.T) {
	const second = time.Second
	for _, test := range [][2]time.Duration{{second, 1}, {second, 2}, {second, second - 1}, {3*second + 7, second + 2}, {time.Hour, 59 * time.Minute}} {
		duration, outage := test[0], test[1]
		s := newScenario(duration, outage)
		end, down := time.Duration(0), time.Duration(0)
		for _, span := range s {
			if span.from != end || span.to < span.from {
				t.Errorf("%v: span %v does not follow %v", s, span, end)
			}
			end = span.to
			if span.phase.down() {
				down += span.to - span.from
			}
		}
		if end != duration || down != outage {
			t.Errorf("%v lasts %v with %v of outage, want %v with %v", s, end, down, duration, outage)
		}
	}
}

func TestPhaseAtIsExactAtTheBorders(t *testing.T) {
	s := newScenario(20*time.Second, 10*time.Second)
	tests := []struct {
		at   time.Duration
		want phase
	}{
		{0, healthy}, {5*time.Second - 1, healthy},
		{5 * time.Second, failing}, {10*time.Second - 1, failing},
		{10 * time.Second, slow}, {15*time.Second - 1, slow},
		{15 * time.Second, healthy}, {20 * time.Second, healthy}, {time.Hour, healthy},
	}
	for _, test := range tests {
		if got := s.phaseAt(test.at); got != test.want {
			t.Errorf("at %v the server is %v, want %v", test.at, got, test.want)
		}
	}
}

func TestSickNetworksAreBadInBothHealthyPhases(t *testing.T) {
	s := newScenario(20*time.Second, 10*time.Second)
	for at, want := range map[time.Duration]bool{
		0: false, 2500*time.Millisecond - 1: false, 2500 * time.Millisecond: true, 10 * time.Second: true,
		17500*time.Millisecond - 1: true, 17500 * time.Millisecond: false, time.Hour: false,
	} {
		if got := s.sickAt(at); got != want {
			t.Errorf("at %v: got %v, want %v", at, got, want)
		}
	}
}
