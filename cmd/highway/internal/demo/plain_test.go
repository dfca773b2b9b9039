package demo

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"go.uber.org/goleak"
)

func TestPlainTellsEverythingOnceAndInOrder(t *testing.T) {
	f := withSick(fixedFrame(2), 1)
	var out strings.Builder
	p := plain{w: &out, told: make([]int, len(f.rows)), phase: -1}
	p.tell(f)
	p.tell(f)
	f.rows[1].history = append(f.rows[1].history, change{13 * time.Second, highway.HalfOpen, highway.Closed, highway.SuccessLimitReached})
	f.elapsed = 20 * time.Second
	p.tell(f)
	want := `
    0.0s  the server    is healthy
    2.5s  instance-1    is sick: its own network is bad
    2.8s  instance-1    CLOSED → OPEN, failure limit reached
    5.0s  the server    is failing
    5.2s  instance-1    CLOSED → OPEN, fleet decided
    5.2s  instance-2    CLOSED → OPEN, fleet decided
   10.0s  the server    is slow
   12.0s  instance-2    OPEN → HALF_OPEN, cooldown over
   12.5s   62 %: calls 2,340, failed 120, refused 1,201, retries 28; wasted 150, each on its own 405, without breakers 3,774
   13.0s  instance-2    HALF_OPEN → CLOSED, success limit reached
   15.0s  the server    is healthy
   17.5s  instance-1    is well again
   20.0s  100 %: calls 2,340, failed 120, refused 1,201, retries 28; wasted 150, each on its own 405, without breakers 3,774
`
	if got := out.String(); got != want[1:] {
		t.Errorf("got\n%s\nwant\n%s", got, want[1:])
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestPlainStopsTheRunWhenItCannotWrite(t *testing.T) {
	defer goleak.VerifyNone(t)
	run, err := Start(t.Context(), Config{Instances: 1, Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := Plain(run, brokenWriter{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want the writer's error", err)
	}
	if s, err := run.Wait(); err != nil || !s.Interrupted {
		t.Errorf("the run was not stopped: %+v, %v", s, err)
	}
}
