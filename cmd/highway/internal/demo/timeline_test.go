package demo

import (
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/highway-engine/highway"
)

func TestTrackShowsOneStateACell(t *testing.T) {
	const second = time.Second
	line := timeline{duration: 10 * second, columns: 10}
	opens := change{at: 3 * second, from: highway.Closed, to: highway.Open}
	tests := []struct {
		name    string
		history []change
		now     time.Duration
		want    string
	}{
		{"nothing yet", nil, 0, "          "},
		{"begun", nil, 1, "━         "},
		{"closed all along", nil, 10 * second, "━━━━━━━━━━"},
		{"past the end", nil, time.Hour, "━━━━━━━━━━"},
		{"opened", []change{opens}, 5 * second, "━━━██     "},
		{"opened just now", []change{opens}, 3 * second, "━━━       "},
		{"opened for the greater part of a cell", []change{{at: 3400 * time.Millisecond, to: highway.Open}}, 5 * second, "━━━██     "},
		{"opened for the smaller part of a cell", []change{{at: 3600 * time.Millisecond, to: highway.Open}}, 5 * second, "━━━━█     "},
		{"a brief probe", []change{opens, {at: 5 * second, to: highway.HalfOpen}, {at: 5200 * time.Millisecond, to: highway.Open}}, 8 * second, "━━━██▒██  "},
		{"a very brief probe", []change{opens, {at: 5 * second, to: highway.HalfOpen}, {at: 5100 * time.Millisecond, to: highway.Open}}, 8 * second, "━━━█████  "},
		{"closed again", []change{opens, {at: 5 * second, to: highway.HalfOpen}, {at: 6 * second, to: highway.Closed}}, 8 * second, "━━━██▒━━  "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := ansi.Strip(line.track(test.history, test.now)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestColumnsAndTheirBeginningsAgree(t *testing.T) {
	for _, line := range []timeline{{time.Second, 1}, {time.Second, 67}, {7*time.Second + 3, 13}, {time.Hour, 105}} {
		for column := range line.columns {
			begin := line.begin(column)
			if got := line.column(begin); got != column {
				t.Errorf("%+v: column %d begins at %v, which is in column %d", line, column, begin, got)
			}
			if column > 0 && line.column(begin-1) != column-1 {
				t.Errorf("%+v: column %d does not begin at %v but before", line, column, begin)
			}
		}
		if got := line.column(line.duration); got != line.columns-1 {
			t.Errorf("%+v: the end is in column %d", line, got)
		}
	}
}

func TestPhasesFillTheLine(t *testing.T) {
	for columns := 1; columns <= 120; columns++ {
		line := timeline{duration: 20 * time.Second, columns: columns}
		for _, outage := range []time.Duration{1, time.Second, 10 * time.Second, 20*time.Second - 1} {
			text := line.phases(newScenario(line.duration, outage), 8*time.Second)
			if got := ansi.StringWidth(text); got != columns {
				t.Errorf("%d columns, outage %v: %q is %d wide", columns, outage, text, got)
			}
		}
	}
}
