package demo

import (
	"testing"
	"time"

	"github.com/highway-engine/highway"
)

func TestWhenTheFleetWasAtOne(t *testing.T) {
	const never, second = time.Duration(-1), time.Second
	opens := func(at time.Duration) change { return change{at: at, from: highway.Closed, to: highway.Open} }
	probes := func(at time.Duration) change { return change{at: at, from: highway.Open, to: highway.HalfOpen} }
	closes := func(at time.Duration) change { return change{at: at, from: highway.HalfOpen, to: highway.Closed} }
	fell := row{refused: 5*second + 200*time.Millisecond, history: []change{opens(5 * second), probes(14 * second), closes(16 * second)}}
	late := row{refused: 6 * second, history: []change{opens(6 * second), probes(16 * second), closes(17 * second)}}
	tests := []struct {
		name         string
		elapsed      time.Duration
		rows         []row
		open, closed time.Duration
	}{
		{"together", 20 * second, []row{fell, fell}, 200 * time.Millisecond, second},
		{"one late", 20 * second, []row{fell, late}, second, 2 * second},
		{"one never refused", 20 * second, []row{fell, {}}, never, second},
		{"one has not closed", 20 * second, []row{fell, {refused: 6 * second, history: late.history[:2]}}, second, never},
		{"a sick one does not count", 20 * second, []row{fell, {sick: true, history: []change{opens(2 * second)}}}, 200 * time.Millisecond, second},
		{"closed all along", 20 * second, []row{{}, {}}, never, 0},
		{"closed before the end of the outage", 20 * second, []row{{history: []change{opens(5 * second), probes(6 * second), closes(7 * second)}}}, never, 0},
		{"closed, and opened once more", 20 * second, []row{{history: []change{opens(5 * second), probes(6 * second), closes(7 * second), opens(18 * second)}}}, never, 0},
		{"closed in turn, but never at one time", 20 * second, []row{
			{history: []change{opens(5 * second), probes(15 * second), closes(16 * second), opens(17 * second)}},
			{history: []change{opens(5 * second), probes(17 * second), closes(18 * second)}},
		}, never, never},
		{"under way", 12 * second, []row{fell}, 200 * time.Millisecond, never},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := frame{scenario: newScenario(20*second, 10*second), elapsed: test.elapsed, rows: test.rows}
			check := func(name string, got time.Duration, ok bool, want time.Duration) {
				if ok != (want != never) || ok && got != want {
					t.Errorf("%s on all: got %v, %v, want %v", name, got, ok, want)
				}
			}
			open, opened := f.openOnAll()
			check("open", open, opened, test.open)
			closed, closedAtAll := f.closedOnAll()
			check("closed", closed, closedAtAll, test.closed)
		})
	}
}
