package dashboard

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/highway-engine/highway/fleet"
)

// What the page is sent. Instants are milliseconds since 1970 by this server's clock, which
// the page is told too; 64-bit numbers are text, as JavaScript has none of these.

// A circuitJSON is one circuit in the list. It is comparable: what has not changed is not
// sent again.
type circuitJSON struct {
	Key      string `json:"key"`
	Seen     string `json:"seen"`  // the identity, for an action
	State    string `json:"state"` // "closed", "open" or "half-open"
	Hold     string `json:"hold,omitempty"`
	Reason   string `json:"reason"`
	By       string `json:"by,omitempty"`
	Note     string `json:"note,omitempty"`
	Since    int64  `json:"since"`
	Until    int64  `json:"until,omitempty"`
	Failures int    `json:"failures"`
	Outcomes int    `json:"outcomes"`
	Active   int    `json:"active"`
	Suspects int    `json:"suspects"`
	Disagree bool   `json:"disagree,omitempty"`
}

// A transitionJSON is a line of the timeline.
type transitionJSON struct {
	ID       string       `json:"id"`
	At       int64        `json:"at"`
	Key      string       `json:"key"`
	From     string       `json:"from,omitempty"` // empty if the row was made
	To       string       `json:"to,omitempty"`   // empty if it was deleted
	Hold     string       `json:"hold,omitempty"`
	Reason   string       `json:"reason"`
	By       string       `json:"by,omitempty"`
	Note     string       `json:"note,omitempty"`
	Evidence evidenceJSON `json:"evidence"`
}

type evidenceJSON struct {
	Instances int      `json:"instances"`
	Refusing  int      `json:"refusing"`
	Suspects  []string `json:"suspects,omitempty"`
	Witnesses int      `json:"witnesses"`
	Calls     int      `json:"calls"`
	Testimony float64  `json:"testimony"`
	Failures  int      `json:"failures"`
	Outcomes  int      `json:"outcomes"`
	Succeeded int      `json:"succeeded"`
	Failed    int      `json:"failed"`
	Pending   int      `json:"pending"`
	Lost      int      `json:"lost"`
}

// A detailJSON is all that there is about one circuit.
type detailJSON struct {
	At      int64            `json:"at"`
	Exists  bool             `json:"exists"`
	Circuit circuitJSON      `json:"circuit"`
	Live    int              `json:"live"`
	Reports []reportJSON     `json:"reports"`
	Probes  []probeJSON      `json:"probes"`
	Lost    int              `json:"lost"`
	History []transitionJSON `json:"history"`
}

type reportJSON struct {
	Instance string       `json:"instance"`
	Ago      int64        `json:"ago"` // milliseconds
	Active   bool         `json:"active"`
	Refuses  bool         `json:"refuses"`
	Current  bool         `json:"current"` // it is about the row's epoch
	Suspects bool         `json:"suspects"`
	Age      int64        `json:"age"` // of the suspicion, in milliseconds
	About    string       `json:"about,omitempty"`
	Sum      float64      `json:"sum"`
	Calls    int          `json:"calls"`
	Failures int          `json:"failures"`
	Outcomes int          `json:"outcomes"`
	Settings settingsJSON `json:"settings"`
}

type settingsJSON struct {
	Failures  int   `json:"failures"`
	Window    int   `json:"window"`
	Successes int   `json:"successes"`
	Probes    int   `json:"probes"`
	Cooldown  int64 `json:"cooldown"` // milliseconds
}

type probeJSON struct {
	Holder string `json:"holder"`
	Result string `json:"result"`
	Left   int64  `json:"left"` // of the lease, in milliseconds
}

var (
	states  = map[fleet.State]string{fleet.Closed: "closed", fleet.Open: "open", fleet.HalfOpen: "half-open"}
	holds   = map[fleet.Hold]string{fleet.NoHold: "", fleet.HeldOpen: "open", fleet.Isolated: "isolated", fleet.Disabled: "disabled"}
	results = map[fleet.Result]string{fleet.Pending: "pending", fleet.Succeeded: "succeeded", fleet.Failed: "failed"}
	reasons = map[fleet.Reason]string{
		fleet.Untouched: "untouched", fleet.Testified: "testified", fleet.CooldownOver: "cooldown over",
		fleet.ProbesSucceeded: "probes succeeded", fleet.ProbesFailed: "probes failed", fleet.Commanded: "commanded",
		fleet.HoldOver: "hold over", fleet.Foreign: "foreign", fleet.Mended: "mended",
	}
)

// binary begins the name of a key that is no UTF-8, which JSON cannot hold. A zero byte
// because a key that begins with one is named so too.
const binary = "\x00"

// name is what the page calls a key.
func name(key string) string {
	if utf8.ValidString(key) && !strings.HasPrefix(key, binary) {
		return key
	}
	return binary + hex.EncodeToString([]byte(key))
}

// key is what has the name.
func key(name string) (string, error) {
	text, ok := strings.CutPrefix(name, binary)
	if !ok {
		return name, nil
	}
	bytes, err := hex.DecodeString(text)
	return string(bytes), err
}

// finite is x, or zero for what JSON cannot hold.
func finite(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// seen is an identity as the page hands it back.
func seen(id fleet.Identity) string { return fmt.Sprintf("%d.%d", id.Incarnation, id.Epoch) }

// parseSeen reads it. An identity that is none would mean that anything will do.
func parseSeen(text string) (id fleet.Identity, ok bool) {
	incarnation, epoch, found := strings.Cut(text, ".")
	var bad1, bad2 error
	id.Incarnation, bad1 = strconv.ParseUint(incarnation, 10, 64)
	id.Epoch, bad2 = strconv.ParseUint(epoch, 10, 64)
	return id, found && bad1 == nil && bad2 == nil && id.Incarnation != 0
}

func wireCircuit(c *fleet.Circuit, now time.Time) circuitJSON {
	is := circuitJSON{
		Key: name(c.Key), Seen: seen(c.Row.Identity), State: states[c.Row.State], Hold: holds[c.Row.Hold],
		Reason: reasons[c.Row.Reason], By: c.Row.By, Note: c.Row.Note, Since: now.Add(-c.Changed).UnixMilli(),
		Failures: c.Failures, Outcomes: c.Outcomes, Active: c.Active, Suspects: c.Suspects, Disagree: c.Disagree,
	}
	if c.Row.Remaining != 0 {
		is.Until = now.Add(c.Row.Remaining).UnixMilli()
	}
	return is
}

func wireTransition(t *fleet.Transition, now time.Time) transitionJSON {
	e := &t.Evidence
	is := transitionJSON{
		ID: strconv.FormatUint(t.ID, 10), At: now.Add(-t.Ago).UnixMilli(), Key: name(t.Key),
		Hold: holds[t.Hold], Reason: reasons[t.Reason], By: t.By, Note: t.Note,
		Evidence: evidenceJSON{
			Instances: e.Instances, Refusing: e.Refusing, Suspects: e.Suspects, Witnesses: e.Witnesses, Calls: e.Calls,
			Testimony: finite(e.Testimony), Failures: e.Failures, Outcomes: e.Outcomes,
			Succeeded: e.Succeeded, Failed: e.Failed, Pending: e.Pending, Lost: e.Lost,
		},
	}
	if !t.Made {
		is.From = states[t.From]
	}
	if !t.Deleted {
		is.To = states[t.To]
	}
	return is
}

func wireTransitions(all []fleet.Transition, now time.Time) []transitionJSON {
	is := make([]transitionJSON, len(all))
	for i := range all {
		is[i] = wireTransition(&all[i], now)
	}
	return is
}

func wireDetail(d *fleet.Detail, past []fleet.Transition, now time.Time) detailJSON {
	is := detailJSON{
		At: now.UnixMilli(), Exists: d.Row.Incarnation != 0, Circuit: wireCircuit(&d.Circuit, now), Live: d.Live,
		Reports: make([]reportJSON, len(d.Reports)), Probes: make([]probeJSON, len(d.Row.Probes)), Lost: d.Row.Lost,
		History: wireTransitions(past, now),
	}
	for i := range d.Reports {
		r := &d.Reports[i]
		current := r.About.Incarnation == d.Row.Incarnation && r.About.Epoch == d.Row.Epoch
		is.Reports[i] = reportJSON{
			Instance: r.Instance, Ago: r.Ago.Milliseconds(), Active: r.Active, Refuses: r.Refuses, Current: current,
			Suspects: current && r.Suspicion != 0, Age: r.Age.Milliseconds(),
			About: r.Testimony.About.Suspect, Sum: finite(r.Testimony.Sum), Calls: r.Testimony.Calls,
			Failures: r.Failures, Outcomes: r.Outcomes,
			Settings: settingsJSON{
				Failures: r.Settings.Failures, Window: r.Settings.Window,
				Successes: r.Settings.Successes, Probes: r.Settings.Probes, Cooldown: r.Settings.Cooldown.Milliseconds(),
			},
		}
	}
	for i, p := range d.Row.Probes {
		is.Probes[i] = probeJSON{Holder: p.Holder, Result: results[p.Result], Left: p.Remaining.Milliseconds()}
	}
	return is
}
