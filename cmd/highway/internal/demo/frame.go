package demo

import (
	"slices"
	"time"

	"github.com/highway-engine/highway"
)

// A frame is how a run stands at one instant: all that is shown of it.
type frame struct {
	config      Config
	place       string // where the fleet meets, if not in this process
	scenario    scenario
	elapsed     time.Duration
	ended       bool
	interrupted bool
	rows        []row
	protected   counts // of all instances, as one fleet
	unshared    counts // of all instances, each on its own
	unprotected counts // of all instances, without breakers
}

// A row is how one instance stands.
type row struct {
	name                             string
	sick                             bool
	state                            highway.CircuitState
	window                           []bool // the execution log, oldest first: true is a success
	statusChanges, unsharedChanges   uint64
	protected, unshared, unprotected counts
	history                          []change
	refused                          time.Duration // when it first did, since the outage's beginning; 0: not yet
}

// read reads the frame of this instant.
func (r *Run) read() frame {
	f := frame{
		config:   r.config,
		place:    r.meeting.place(),
		scenario: r.clock.scenario,
		elapsed:  r.clock.elapsed(),
		rows:     make([]row, len(r.instances)),
	}
	for i, in := range r.instances {
		snapshot := in.member.Snapshot()
		f.rows[i] = row{
			name:            in.name,
			sick:            in.sick,
			state:           snapshot.State,
			window:          slices.Collect(snapshot.Log.All()),
			statusChanges:   snapshot.Totals.StatusChanges,
			unsharedChanges: in.loner.Snapshot().Totals.StatusChanges,
			protected:       in.protected.counts(),
			unshared:        in.unshared.counts(),
			unprotected:     in.unprotected.counts(),
			history:         in.past(),
			refused:         in.refusals.first(),
		}
		f.protected = f.protected.plus(f.rows[i].protected)
		f.unshared = f.unshared.plus(f.rows[i].unshared)
		f.unprotected = f.unprotected.plus(f.rows[i].unprotected)
	}
	return f
}
