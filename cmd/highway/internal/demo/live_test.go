package demo

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"
)

func TestLiveEndsWithTheRunAndLeavesTheLastFrame(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	run, err := Start(ctx, Config{Instances: 2, Duration: time.Minute, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Live(run, nil, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "interrupted") {
		t.Errorf("the last frame is not in %q", out.String())
	}
	if s, err := run.Wait(); err != nil || !s.Interrupted {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestCtrlCStopsTheRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	run, err := Start(t.Context(), Config{Instances: 1, Duration: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	model := live{run: run}
	model.Update(tea.KeyPressMsg{Code: 'x', Text: "x"})
	select {
	case <-run.Done():
		t.Error("another key has stopped it")
	default:
	}
	model.Update(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl})
	if s, err := run.Wait(); err != nil || !s.Interrupted {
		t.Errorf("got %+v, %v, want an interrupted run", s, err)
	}
}

func TestLiveFollowsTheWindow(t *testing.T) {
	model, _ := live{frame: fixedFrame(5), width: 80, height: 24}.Update(tea.WindowSizeMsg{Width: 100, Height: 40})
	if got, want := model.View().Content, view(fixedFrame(5), 100, 40); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
