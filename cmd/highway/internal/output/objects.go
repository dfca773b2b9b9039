package output

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/names"
)

// What programs read. docs/cli.md explains each key; none is left out, and what there is
// none of is null.

// RowObject is a row.
type RowObject struct {
	Version   string   `json:"version"`
	State     string   `json:"state"`
	Hold      *string  `json:"hold"`
	Reason    *string  `json:"reason"`
	By        *string  `json:"by"`
	Note      *string  `json:"note"`
	Remaining *float64 `json:"remaining_seconds"`
}

// CircuitObject is a circuit of a list.
type CircuitObject struct {
	Key string `json:"key"`
	RowObject
	Changed  float64  `json:"changed_ago_seconds"`
	Failures int      `json:"failures"`
	Outcomes int      `json:"outcomes"`
	Rate     *float64 `json:"failure_rate"`
	Active   int      `json:"active_instances"`
	Suspects int      `json:"suspecting_instances"`
	Disagree bool     `json:"settings_disagree"`
}

// DetailObject is a circuit with all that is known of it.
type DetailObject struct {
	CircuitObject
	Live      int                `json:"live_instances"`
	Lost      int                `json:"leases_lost"`
	Probes    []ProbeObject      `json:"probes"`
	Instances []InstanceObject   `json:"instances"`
	History   []TransitionObject `json:"transitions"`
}

// ProbeObject is a lease of a half-open circuit.
type ProbeObject struct {
	Holder    *string  `json:"holder"`
	Result    string   `json:"result"`
	Remaining *float64 `json:"remaining_seconds"`
}

// InstanceObject is what one instance says of a circuit.
type InstanceObject struct {
	Name       string           `json:"name"`
	Told       float64          `json:"told_ago_seconds"`
	Active     bool             `json:"active"`
	Refuses    bool             `json:"refuses"`
	Failures   int              `json:"failures"`
	Outcomes   int              `json:"outcomes"`
	Suspecting *float64         `json:"suspecting_for_seconds"`
	Testimony  *TestimonyObject `json:"testimony"`
	Settings   SettingsObject   `json:"settings"`
}

// TestimonyObject is an answer to the suspicion of another instance.
type TestimonyObject struct {
	About string  `json:"about"`
	Sum   float64 `json:"sum"`
	Calls int     `json:"calls"`
}

// SettingsObject are the terms of an instance.
type SettingsObject struct {
	Failures  int     `json:"failures"`
	Window    int     `json:"window"`
	Successes int     `json:"successes"`
	Probes    int     `json:"probes"`
	Cooldown  float64 `json:"cooldown_seconds"`
}

// TransitionObject is an entry of the history.
type TransitionObject struct {
	ID       uint64         `json:"id"`
	At       string         `json:"at"`
	Ago      float64        `json:"ago_seconds"`
	Key      string         `json:"key"`
	Version  string         `json:"version"`
	From     *string        `json:"from"`
	To       *string        `json:"to"`
	Hold     *string        `json:"hold"`
	Reason   *string        `json:"reason"`
	By       *string        `json:"by"`
	Note     *string        `json:"note"`
	Evidence EvidenceObject `json:"evidence"`
}

// EvidenceObject is on what a transition was decided.
type EvidenceObject struct {
	Instances int      `json:"instances"`
	Refusing  int      `json:"refusing"`
	Suspects  []string `json:"suspects"`
	Witnesses int      `json:"witnesses"`
	Calls     int      `json:"calls"`
	Testimony float64  `json:"testimony"`
	Failures  int      `json:"failures"`
	Outcomes  int      `json:"outcomes"`
	Succeeded int      `json:"probes_succeeded"`
	Failed    int      `json:"probes_failed"`
	Pending   int      `json:"probes_pending"`
	Lost      int      `json:"leases_lost"`
}

// Version names an epoch of a row, for --seen.
func Version(id fleet.Identity) string { return fmt.Sprintf("%x-%d", id.Incarnation, id.Epoch) }

// ParseVersion is the identity that Version has named.
func ParseVersion(text string) (id fleet.Identity, err error) {
	incarnation, epoch, _ := strings.Cut(text, "-")
	id.Incarnation, err = strconv.ParseUint(incarnation, 16, 64)
	if err == nil {
		id.Epoch, err = strconv.ParseUint(epoch, 10, 64)
	}
	if err != nil || id.Incarnation == 0 {
		return fleet.Identity{}, fmt.Errorf("%.60q: it must be a version that show has told", text)
	}
	return id, nil
}

// some is text, or null if there is none.
func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// seconds has microseconds, which is what storages have.
func seconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e6 }

// RowOf is the object of a row.
func RowOf(row fleet.Row) RowObject {
	o := RowObject{
		Version: Version(row.Identity),
		State:   StateName(row.State),
		Hold:    some(nameOf(names.Holds, row.Hold)),
		Reason:  some(nameOf(names.Reasons, row.Reason)),
		By:      some(row.By),
		Note:    some(row.Note),
	}
	if ends(row) {
		left := seconds(max(0, row.Remaining))
		o.Remaining = &left
	}
	return o
}

// CircuitOf is the object of a circuit.
func CircuitOf(c fleet.Circuit) CircuitObject {
	o := CircuitObject{
		Key: c.Key, RowObject: RowOf(c.Row), Changed: seconds(c.Changed),
		Failures: c.Failures, Outcomes: c.Outcomes,
		Active: c.Active, Suspects: c.Suspects, Disagree: c.Disagree,
	}
	if c.Outcomes > 0 {
		rate := math.Round(1e6*float64(c.Failures)/float64(c.Outcomes)) / 1e6
		o.Rate = &rate
	}
	return o
}

// DetailOf is the object of all that is known of a circuit.
func DetailOf(d fleet.Detail, history []fleet.Transition) DetailObject {
	o := DetailObject{
		CircuitObject: CircuitOf(d.Circuit), Live: d.Live, Lost: d.Row.Lost,
		Probes: []ProbeObject{}, Instances: []InstanceObject{}, History: TransitionsOf(history),
	}
	for _, p := range d.Row.Probes {
		probe := ProbeObject{Holder: some(p.Holder), Result: nameOf(results, p.Result)}
		if p.Result == fleet.Pending {
			left := seconds(max(0, p.Remaining))
			probe.Remaining = &left
		}
		o.Probes = append(o.Probes, probe)
	}
	for _, told := range d.Reports {
		o.Instances = append(o.Instances, instanceOf(d, told))
	}
	return o
}

func instanceOf(d fleet.Detail, told fleet.Told) InstanceObject {
	s := told.Settings
	o := InstanceObject{
		Name: told.Instance, Told: seconds(told.Ago), Active: told.Active, Refuses: told.Refuses,
		Failures: told.Failures, Outcomes: told.Outcomes,
		Settings: SettingsObject{s.Failures, s.Window, s.Successes, s.Probes, seconds(s.Cooldown)},
	}
	view := fleet.View{Row: d.Row}
	if !view.Concerns(told.Report) {
		return o // it is about another epoch
	}
	if told.Suspicion != 0 {
		age := seconds(told.Age)
		o.Suspecting = &age
	}
	if about := told.Testimony.About; about.Suspect != "" {
		o.Testimony = &TestimonyObject{about.Suspect, told.Testimony.Sum, told.Testimony.Calls}
	}
	return o
}

// Suspects are those that suspect the circuit in its present epoch.
func Suspects(d fleet.Detail) (names []string) {
	view := fleet.View{Row: d.Row}
	for _, told := range d.Reports {
		if told.Suspicion != 0 && view.Concerns(told.Report) {
			names = append(names, told.Instance)
		}
	}
	return names
}

// TransitionsOf are the objects of a history.
func TransitionsOf(history []fleet.Transition) []TransitionObject {
	all := make([]TransitionObject, len(history))
	for i, t := range history {
		all[i] = TransitionOf(t)
	}
	return all
}

// TransitionOf is the object of an entry of the history.
func TransitionOf(t fleet.Transition) TransitionObject {
	e := t.Evidence
	o := TransitionObject{
		ID: t.ID, At: t.At.UTC().Format(time.RFC3339Nano), Ago: seconds(t.Ago), Key: t.Key, Version: Version(t.Identity),
		Hold: some(nameOf(names.Holds, t.Hold)), Reason: some(nameOf(names.Reasons, t.Reason)), By: some(t.By), Note: some(t.Note),
		Evidence: EvidenceObject{e.Instances, e.Refusing, e.Suspects, e.Witnesses, e.Calls, e.Testimony,
			e.Failures, e.Outcomes, e.Succeeded, e.Failed, e.Pending, e.Lost},
	}
	if e.Suspects == nil {
		o.Evidence.Suspects = []string{}
	}
	if t.Deleted {
		o.Reason = some("deleted")
	} else {
		o.To = some(StateName(t.To))
	}
	if !t.Made {
		o.From = some(StateName(t.From))
	}
	return o
}
