package demo

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/highway-engine/highway"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fixedFrame is a made-up moment of a run, in its slow phase.
func fixedFrame(instances int) frame {
	config := Config{Instances: instances, Duration: 20 * time.Second, Outage: 10 * time.Second, Seed: 1}
	f := frame{
		config:      config,
		scenario:    newScenario(config.Duration, config.Outage),
		elapsed:     12500 * time.Millisecond,
		protected:   counts{succeeded: 1019, failed: 120, refused: 1201, retries: 28, wasted: 150},
		unprotected: counts{succeeded: 1019, failed: 1224, retries: 2543, wasted: 3774},
	}
	for i := range instances {
		opened := 5200*time.Millisecond + time.Duration(i)*time.Second
		r := row{
			name:   fmt.Sprintf("instance-%d", i+1),
			state:  highway.Open,
			window: []bool{true, true, true, true, true, false, false, false, false, false},
			protected: counts{
				succeeded: 204, failed: 24, refused: 240, retries: 6, wasted: 30,
			},
			history: []change{{opened, highway.Closed, highway.Open, highway.FailureLimitReached}},
		}
		if i%2 == 0 {
			r.state = highway.HalfOpen
			r.window = []bool{false, true}
			r.history = append(r.history, change{12 * time.Second, highway.Open, highway.HalfOpen, highway.CooldownOver})
		}
		f.rows = append(f.rows, r)
	}
	return f
}

func TestViewAsText(t *testing.T) {
	done := fixedFrame(1)
	done.ended, done.elapsed = true, 20*time.Second
	interrupted := fixedFrame(20)
	interrupted.ended, interrupted.interrupted = true, true
	tests := []struct {
		name          string
		frame         frame
		width, height int
	}{
		{"under_way", fixedFrame(5), 80, 24},
		{"wide", fixedFrame(5), 200, 50},
		{"many", interrupted, 80, 60},
		{"done", done, 80, 24},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ansi.Strip(view(test.frame, test.width, test.height))
			file := filepath.Join("testdata", test.name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s\n(if it is better, write it with -update)", got, want)
			}
		})
	}
}

func TestViewNeverExceedsTheWindow(t *testing.T) {
	empty := fixedFrame(1)
	empty.elapsed, empty.protected, empty.unprotected = 0, counts{}, counts{}
	empty.rows[0] = row{name: "instance-1"}
	huge := fixedFrame(MaxInstances)
	huge.elapsed = time.Hour
	huge.unprotected.wasted = 123_456_789
	for _, f := range []frame{empty, fixedFrame(5), fixedFrame(12), fixedFrame(13), huge} {
		for width := 1; width <= 130; width += 3 {
			for _, height := range []int{1, 10, 17, 18, 24, 25, 32, 100} {
				lines := strings.Split(view(f, width, height), "\n")
				for _, line := range lines {
					if got := ansi.StringWidth(line); got > width {
						t.Fatalf("%d instances in %d×%d: a line is %d wide: %q", len(f.rows), width, height, got, line)
					}
				}
				if height >= 18 && len(lines) > height {
					t.Fatalf("%d instances in %d×%d: %d lines", len(f.rows), width, height, len(lines))
				}
			}
		}
	}
}

func TestViewSaysStatesInColour(t *testing.T) {
	text := view(fixedFrame(5), 80, 24)
	for _, want := range []string{
		bad.on("● OPEN      "), wary.on("● HALF_OPEN "), good.on("─── healthy ────"), bad.on("××× failing ××××"), sluggish.on("~~~~~ slo"), faint.on("w ~~~~~──── healthy ────"),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the view", want)
		}
	}
}
