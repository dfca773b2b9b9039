package demo

import (
	"fmt"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Live shows the run in the terminal until it ends, and leaves the last frame there.
// Above it stands where the fleet meets, if that is not this process.
// The key ctrl+c stops the run; in may be nil for a terminal that has no keys.
func Live(run *Run, in io.Reader, out io.Writer) error {
	const width, height = 80, 24 // until the terminal tells its own
	if place := run.meeting.place(); place != "" {
		if _, err := fmt.Fprintln(out, place); err != nil {
			run.Stop()
			<-run.Done()
			return err
		}
	}
	program := tea.NewProgram(live{run: run, frame: run.frame(), width: width, height: height},
		tea.WithInput(in), tea.WithOutput(out), tea.WithWindowSize(width, height),
		tea.WithoutSignalHandler()) // a signal ends the run, and that ends the program
	_, err := program.Run()
	run.Stop()
	<-run.Done()
	if err != nil {
		return fmt.Errorf("the live view failed (--plain does without it): %w", err)
	}
	return nil
}

// live is the model of the live view: a frame of the run, ten times a second.
type live struct {
	run           *Run
	frame         frame
	width, height int
}

type (
	tickMsg  struct{}
	endedMsg struct{}
)

func tick() tea.Cmd {
	return tea.Tick(time.Second/10, func(time.Time) tea.Msg { return tickMsg{} })
}

func (l live) Init() tea.Cmd {
	ended := func() tea.Msg {
		<-l.run.Done()
		return endedMsg{}
	}
	return tea.Batch(tick(), ended)
}

func (l live) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		l.width, l.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		if msg.String() == "ctrl+c" {
			l.run.Stop()
		}
	case tickMsg:
		l.frame = l.run.frame()
		return l, tick()
	case endedMsg:
		l.frame = l.run.frame()
		return l, tea.Quit
	}
	return l, nil
}

func (l live) View() tea.View { return tea.NewView(view(l.frame, l.width, l.height)) }
