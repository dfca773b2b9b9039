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
		unshared:    counts{succeeded: 1014, failed: 325, refused: 996, retries: 97, wasted: 405},
		unprotected: counts{succeeded: 1019, failed: 1224, retries: 2543, wasted: 3774},
	}
	for i := range instances {
		opened := 5200*time.Millisecond + time.Duration(i)*10*time.Millisecond
		r := row{
			name:   fmt.Sprintf("instance-%d", i+1),
			state:  highway.Open,
			window: []bool{true, true, true, true, true, false, false, false, false, false},
			protected: counts{
				succeeded: 204, failed: 24, refused: 240, retries: 6, wasted: 30,
			},
			history: []change{{opened, highway.Closed, highway.Open, highway.FleetDecided}},
		}
		if i == 1 {
			r.state = highway.HalfOpen
			r.window = []bool{false, true}
			r.history = append(r.history, change{12 * time.Second, highway.Open, highway.HalfOpen, highway.CooldownOver})
		}
		f.rows = append(f.rows, r)
	}
	return f
}

// withSick makes the first n instances of a fixedFrame sick.
func withSick(f frame, n int) frame {
	f.config.Sick = n
	for i := range f.rows[:n] {
		f.rows[i].sick = true
		f.rows[i].history = append([]change{
			{2800 * time.Millisecond, highway.Closed, highway.Open, highway.FailureLimitReached},
		}, f.rows[i].history...)
	}
	return f
}

func TestViewAsText(t *testing.T) {
	done := fixedFrame(1)
	done.ended, done.elapsed = true, 20*time.Second
	sick := withSick(fixedFrame(5), 1)
	interrupted := withSick(fixedFrame(20), 2)
	interrupted.ended, interrupted.interrupted = true, true
	tests := []struct {
		name          string
		frame         frame
		width, height int
	}{
		{"under_way", fixedFrame(5), 80, 24},
		{"sick", sick, 100, 30},
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
	empty.elapsed, empty.protected, empty.unshared, empty.unprotected = 0, counts{}, counts{}, counts{}
	empty.rows[0] = row{name: "instance-1"}
	huge := fixedFrame(MaxInstances)
	huge.elapsed = time.Hour
	huge.unprotected.wasted = 123_456_789
	for _, f := range []frame{empty, fixedFrame(5), withSick(fixedFrame(12), 11), fixedFrame(13), huge} {
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

func TestViewSaysSickInRedWhileItIs(t *testing.T) {
	f := withSick(fixedFrame(5), 1)
	for at, ink := range map[time.Duration]paint{time.Second: faint, 12 * time.Second: bad, 18 * time.Second: faint} {
		f.elapsed = at
		if text := view(f, 80, 24); !strings.Contains(text, "instance-1 "+ink.on("sick  ")) {
			t.Errorf("at %v it is not so in\n%s", at, text)
		}
	}
}

func TestGaugeIsExactToAnEighth(t *testing.T) {
	tests := []struct {
		part, whole int64
		want        string
	}{
		{0, 0, "    "}, {0, 32, "    "}, {1, 1000, "▏   "}, {1, 32, "▏   "}, {12, 32, "█▌  "},
		{16, 32, "██  "}, {31, 32, "███▉"}, {32, 32, "████"}, {40, 32, "████"},
	}
	for _, test := range tests {
		if got := ansi.Strip(gauge(test.part, test.whole, 4, good)); got != test.want {
			t.Errorf("%d of %d: got %q, want %q", test.part, test.whole, got, test.want)
		}
	}
	if got := gauge(1, 2, 0, good); got != "" {
		t.Errorf("got %q without room", got)
	}
}

func TestViewSaysStatesInColour(t *testing.T) {
	text := view(fixedFrame(5), 80, 24)
	for _, want := range []string{
		bad.on("● OPEN      "), wary.on("● HALF_OPEN "), good.on("─── healthy ───"), bad.on("××× failing ×××"), sluggish.on("~~~~ slow"), faint.on(" ~~~~~─── healthy ────"),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the view", want)
		}
	}
}
