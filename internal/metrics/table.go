// Package metrics says which metrics there are, and reads protectors into their points.
// The modules otel and prometheus only carry the points to where they are wanted, so both
// say the same.
package metrics

import (
	"strings"

	"github.com/highway-engine/highway"
)

// Kind is how the values of a metric behave.
type Kind uint8

// The kinds.
const (
	Counter   Kind = iota // never falls; Prometheus: counter
	Sum                   // rises and falls, and may be added up; Prometheus: gauge
	Gauge                 // rises and falls, and adding it up says nothing; Prometheus: gauge
	Histogram             // a distribution
)

// A Metric is a line of the table.
type Metric struct {
	Name       string   // as OpenTelemetry has it
	Prometheus string   // what the standard translation makes of it
	Unit       string   // in UCUM, as OpenTelemetry has it
	Help       string   // one sentence
	Kind       Kind     // how the values behave
	Real       bool     // values are not whole numbers
	Labels     []string // OpenTelemetry attributes; see [LabelName]
}

// The attributes of all metrics, and of the events of spans.
const (
	ResourceKey = "highway.resource_key" // of the protector's policy
	State       = "highway.state"        // closed, open, half_open
	Hold        = "highway.hold"         // isolated, disabled
	To          = "highway.to"           // the state that a transition leads to
	Reason      = "highway.reason"       // why a transition happened
	Outcome     = "highway.outcome"      // of a call, an attempt or a request
	Policy      = "highway.policy"       // the name given to OnAttempt
	Operation   = "highway.operation"    // of a storage: exchange, change, sweep
)

// LabelName is the label that Prometheus has for an attribute.
func LabelName(attribute string) string { return strings.ReplaceAll(attribute, ".", "_") }

// The metrics. Their help is what a person on call reads first.
var (
	CircuitState = &Metric{
		Name: "highway.circuit.state", Prometheus: "highway_circuit_state", Unit: "{circuit}", Kind: Sum,
		Help:   "Circuits in each state: 1 for the state that the circuit is in, 0 for the others.",
		Labels: []string{ResourceKey, State},
	}
	Held = &Metric{
		Name: "highway.circuit.held", Prometheus: "highway_circuit_held", Unit: "{circuit}", Kind: Sum,
		Help:   "Circuits that a person has isolated or disabled, and not released.",
		Labels: []string{ResourceKey, Hold},
	}
	Transitions = &Metric{
		Name: "highway.circuit.transitions", Prometheus: "highway_circuit_transitions_total", Unit: "{transition}", Kind: Counter,
		Help:   "Changes of state, by the state that they led to and why.",
		Labels: []string{ResourceKey, To, Reason},
	}
	Calls = &Metric{
		Name: "highway.circuit.calls", Prometheus: "highway_circuit_calls_total", Unit: "{call}", Kind: Counter,
		Help:   "Calls by how they ended; success and refused only of protectors with CountCalls.",
		Labels: []string{ResourceKey, Outcome},
	}
	WindowOutcomes = &Metric{
		Name: "highway.circuit.window.outcomes", Prometheus: "highway_circuit_window_outcomes", Unit: "{outcome}", Kind: Sum,
		Help:   "Outcomes that the next decision goes by.",
		Labels: []string{ResourceKey},
	}
	WindowFailures = &Metric{
		Name: "highway.circuit.window.failures", Prometheus: "highway_circuit_window_failures", Unit: "{outcome}", Kind: Sum,
		Help:   "Failures among the outcomes that the next decision goes by.",
		Labels: []string{ResourceKey},
	}
	FailureRatio = &Metric{
		Name: "highway.circuit.failure.ratio", Prometheus: "highway_circuit_failure_ratio", Unit: "1", Kind: Gauge, Real: true,
		Help:   "Share of failures among the outcomes that the next decision goes by, 0 if there are none.",
		Labels: []string{ResourceKey},
	}
	Probes = &Metric{
		Name: "highway.circuit.probes.in_flight", Prometheus: "highway_circuit_probes_in_flight", Unit: "{call}", Kind: Sum,
		Help:   "Probes of half-open circuits that have yet to end.",
		Labels: []string{ResourceKey},
	}
	FleetUp = &Metric{
		Name: "highway.fleet.up", Prometheus: "highway_fleet_up", Unit: "{signal}", Kind: Gauge,
		Help:   "1 while the storage of the fleet answers, 0 while this instance is on its own.",
		Labels: []string{ResourceKey},
	}
	FleetLeases = &Metric{
		Name: "highway.fleet.leases", Prometheus: "highway_fleet_leases", Unit: "{lease}", Kind: Gauge,
		Help:   "Probes that the half-open fleet has out, in all instances.",
		Labels: []string{ResourceKey},
	}
	ReportAge = &Metric{
		Name: "highway.fleet.report.age", Prometheus: "highway_fleet_report_age_seconds", Unit: "s", Kind: Gauge, Real: true,
		Help:   "Time since the storage last told of the circuit.",
		Labels: []string{ResourceKey},
	}
	Attempts = &Metric{
		Name: "highway.retry.attempts", Prometheus: "highway_retry_attempts_total", Unit: "{attempt}", Kind: Counter,
		Help:   "Attempts of retry policies by how they ended; retried means that another one was due.",
		Labels: []string{Policy, Outcome},
	}
	StorageRequests = &Metric{
		Name: "highway.storage.request.duration", Prometheus: "highway_storage_request_duration_seconds", Unit: "s", Kind: Histogram, Real: true,
		Help:   "How long requests to the storage took.",
		Labels: []string{Operation, Outcome},
	}
)

// All is the table, in the order of the documentation.
var All = []*Metric{
	CircuitState, Held, Transitions, Calls, WindowOutcomes, WindowFailures, FailureRatio, Probes,
	FleetUp, FleetLeases, ReportAge, Attempts, StorageRequests,
}

// Buckets are the upper bounds of [StorageRequests] in seconds: from a storage in this
// process to a request that is given up, after a second.
var Buckets = []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5}

// How a call ended.
const (
	Success = "success"
	Failure = "failure"
	Ignored = "ignored" // it said nothing about the resource
	Refused = "refused" // it was not made
)

// How an attempt ended, besides Success of the first and Refused of the last.
const (
	Recovered = "recovered" // it succeeded after others had failed
	Retried   = "retried"   // it did not succeed, and another one follows
	Failed    = "failed"    // it failed, and no other follows
)

// stateNames, holdNames and reasonNames are the values of labels, by number.
var (
	stateNames  = names(highway.HalfOpen, highway.CircuitState.String)
	holdNames   = names(highway.Disabled, highway.Hold.String)
	reasonNames = names(highway.FleetDecided, highway.Reason.String)
)

// names are those of 0 to last as labels have them: lower case, without spaces.
func names[T ~uint8](last T, name func(T) string) []string {
	var all []string
	for v := range last + 1 {
		all = append(all, strings.ReplaceAll(strings.ToLower(name(v)), " ", "_"))
	}
	return all
}

// StateName is the value of a label for a state.
func StateName(s highway.CircuitState) string { return nameOf(stateNames, int(s)) }

// ReasonName is the value of a label for a reason.
func ReasonName(r highway.Reason) string { return nameOf(reasonNames, int(r)) }

func nameOf(names []string, number int) string {
	if number < len(names) {
		return names[number]
	}
	return Other
}
