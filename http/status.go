package highwayhttp

import (
	"bufio"
	"encoding/json"
	"iter"
	"net/http"
	"time"

	"github.com/highway-engine/highway"
)

// Status serves the figures of protectors, in the order in which all gives them, as JSON.
// For all those of a registry it is Status(registry.All()). It answers GET and HEAD, and is
// for people and programs of the house: keys, and errors of a storage, are not for the world.
//
//	{"protectors": [{
//	  "resource_key": string,
//	  "state": "CLOSED", "OPEN" or "HALF_OPEN",
//	  "hold": "none", "isolated" or "disabled",
//	  "reason": string, why it is in this state, as highway.Reason says it,
//	  "since": time (RFC 3339), since when,
//	  "retry_after_seconds": number, what a call refused now would be told;
//	      left out when closed or isolated,
//	  "settings": {
//	    "cooldown": string, such as "30s",
//	    "failure_limit": string, such as "10 of 20",
//	    "success_limit": string,
//	    "probe_timeout": string
//	  },
//	  "log": {"successes": integer, "failures": integer}, what the next decision goes by,
//	  "probes_in_flight": integer,
//	  "totals": {
//	    "failures": integer, "ignored": integer, "status_changes": integer,
//	    "successes": integer, "refusals": integer; both left out without CountCalls
//	  },
//	  "changes": [{"to": string, a state, "reason": string, "count": integer}],
//	  "fleet": left out without a storage, else {
//	    "live": boolean, whether the storage answers,
//	    "since": time, since when,
//	    "instance": string, the name of this one,
//	    "heard": time, when the storage last told of this circuit; left out if never,
//	    "leases": integer, probes that the half-open fleet has out,
//	    "error": string, why it does not; left out if it does
//	  }
//	}]}
//
// Each protector is on a line of its own. Keys may be added, those here stay.
func Status(all iter.Seq[*highway.CircuitProtector]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if req.Method == http.MethodGet {
			writeStatus(w, all)
		}
	})
}

// writeStatus writes one protector after the other: there may be 100,000.
func writeStatus(w http.ResponseWriter, all iter.Seq[*highway.CircuitProtector]) {
	buffer := bufio.NewWriter(w)
	_, _ = buffer.WriteString(`{"protectors": [`)
	between := "\n"
	for p := range all {
		line, err := json.Marshal(statusOf(p))
		if err != nil {
			panic(err) // there is nothing in it that cannot be written
		}
		_, _ = buffer.WriteString(between)
		if _, err := buffer.Write(line); err != nil {
			return // nobody reads any more
		}
		between = ",\n"
	}
	_, _ = buffer.WriteString("\n]}\n")
	_ = buffer.Flush()
}

type protectorStatus struct {
	ResourceKey    string               `json:"resource_key"`
	State          highway.CircuitState `json:"state"`
	Hold           highway.Hold         `json:"hold"`
	Reason         highway.Reason       `json:"reason"`
	Since          time.Time            `json:"since"`
	RetryAfter     *float64             `json:"retry_after_seconds,omitempty"`
	Settings       settingsStatus       `json:"settings"`
	Log            logStatus            `json:"log"`
	ProbesInFlight int                  `json:"probes_in_flight"`
	Totals         totalsStatus         `json:"totals"`
	Changes        []changeStatus       `json:"changes"`
	Fleet          *fleetStatus         `json:"fleet,omitempty"`
}

// The names are those that registry.Parse reads.
type settingsStatus struct {
	Cooldown     string        `json:"cooldown"`
	FailureLimit highway.Limit `json:"failure_limit"`
	SuccessLimit highway.Limit `json:"success_limit"`
	ProbeTimeout string        `json:"probe_timeout"`
}

type logStatus struct {
	Successes int `json:"successes"`
	Failures  int `json:"failures"`
}

type totalsStatus struct {
	Failures      uint64  `json:"failures"`
	Ignored       uint64  `json:"ignored"`
	StatusChanges uint64  `json:"status_changes"`
	Successes     *uint64 `json:"successes,omitempty"`
	Refusals      *uint64 `json:"refusals,omitempty"`
}

type changeStatus struct {
	To     highway.CircuitState `json:"to"`
	Reason highway.Reason       `json:"reason"`
	Count  uint64               `json:"count"`
}

type fleetStatus struct {
	Live     bool       `json:"live"`
	Since    time.Time  `json:"since"`
	Instance string     `json:"instance"`
	Heard    *time.Time `json:"heard,omitempty"`
	Leases   int        `json:"leases"`
	Error    string     `json:"error,omitempty"`
}

func statusOf(p *highway.CircuitProtector) protectorStatus {
	s, settings := p.Snapshot(), p.Settings()
	status := protectorStatus{
		ResourceKey: s.ResourceKey,
		State:       s.State,
		Hold:        s.Hold,
		Reason:      s.Reason,
		Since:       s.Since,
		Settings: settingsStatus{
			Cooldown:     settings.Cooldown.String(),
			FailureLimit: settings.FailureLimit,
			SuccessLimit: settings.SuccessLimit,
			ProbeTimeout: settings.ProbeTimeout.String(),
		},
		Log:            logStatus{Successes: s.Log.Successes(), Failures: s.Log.Failures()},
		ProbesInFlight: s.ProbesInFlight,
		Totals: totalsStatus{
			Failures:      s.Totals.Failures,
			Ignored:       s.Totals.Ignored,
			StatusChanges: s.Totals.StatusChanges,
		},
		Changes: []changeStatus{},
	}
	if s.State != highway.Closed && s.RetryAfter != highway.UntilReleased {
		seconds := s.RetryAfter.Seconds()
		status.RetryAfter = &seconds
	}
	if s.Totals.Counted {
		status.Totals.Successes, status.Totals.Refusals = &s.Totals.Successes, &s.Totals.Refusals
	}
	for _, c := range s.Changes {
		status.Changes = append(status.Changes, changeStatus{c.To, c.Reason, c.Count})
	}
	if s.Fleet.Shared {
		status.Fleet = &fleetStatus{
			Live:     s.Fleet.Live,
			Since:    s.Fleet.Since,
			Instance: s.Fleet.Instance,
			Leases:   s.Fleet.Leases,
		}
		if !s.Fleet.Heard.IsZero() {
			status.Fleet.Heard = &s.Fleet.Heard
		}
		if s.Fleet.Err != nil {
			status.Fleet.Error = s.Fleet.Err.Error()
		}
	}
	return status
}
