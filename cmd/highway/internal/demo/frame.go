package demo

import (
	"slices"
	"time"

	"github.com/highway-engine/highway"
)

// A frame is how a run stands at one instant: all that is shown of it.
type frame struct {
	config      Config
	scenario    scenario
	elapsed     time.Duration
	ended       bool
	interrupted bool
	rows        []row
	protected   counts // of all instances
	unprotected counts // of all their twins
}

// A row is how one instance stands.
type row struct {
	name          string
	state         highway.CircuitState
	window        []bool // the execution log, oldest first: true is a success
	statusChanges uint64
	protected     counts
	unprotected   counts
	history       []change
}

// read reads the frame of this instant.
func (r *Run) read() frame {
	f := frame{
		config:   r.config,
		scenario: r.clock.scenario,
		elapsed:  r.clock.elapsed(),
		rows:     make([]row, len(r.instances)),
	}
	for i, in := range r.instances {
		snapshot := in.protector.Snapshot()
		f.rows[i] = row{
			name:          in.name,
			state:         snapshot.State,
			window:        slices.Collect(snapshot.Log.All()),
			statusChanges: snapshot.Totals.StatusChanges,
			protected:     in.protected.counts(),
			unprotected:   in.twin.counts(),
			history:       in.past(),
		}
		f.protected = f.protected.plus(f.rows[i].protected)
		f.unprotected = f.unprotected.plus(f.rows[i].unprotected)
	}
	return f
}
