package postgres

import (
	"encoding/json"
	"math"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// A sentReport is a report on its way to the database, with its key.
type sentReport struct {
	Key              string           `json:"key"`
	Number           uint64           `json:"number"`
	AboutIncarnation int64            `json:"about_incarnation"`
	AboutEpoch       int64            `json:"about_epoch"`
	AboutNonce       int64            `json:"about_nonce"`
	Active           bool             `json:"active"`
	Refuses          bool             `json:"refuses"`
	Failures         int              `json:"failures"`
	Outcomes         int              `json:"outcomes"`
	Settings         settingsText     `json:"settings"`
	Suspicion        uint64           `json:"suspicion"`
	Suspect          string           `json:"suspect"`
	SuspectNumber    uint64           `json:"suspect_number"`
	Testimony        float64          `json:"testimony"`
	Calls            int              `json:"calls"`
	Dismissed        []accusationText `json:"dismissed"`
}

type accusationText struct {
	Suspect string `json:"suspect"`
	Number  uint64 `json:"number"`
}

type settingsText struct {
	Failures  int   `json:"failures"`
	Window    int   `json:"window"`
	Successes int   `json:"successes"`
	Probes    int   `json:"probes"`
	Cooldown  int64 `json:"cooldown"`
}

func sent(key string, r fleet.Report) sentReport {
	t := sentReport{
		Key:              key,
		Number:           r.Number,
		AboutIncarnation: int64(r.About.Incarnation),
		AboutEpoch:       int64(r.About.Epoch),
		AboutNonce:       int64(r.About.Nonce),
		Active:           r.Active,
		Refuses:          r.Refuses,
		Failures:         bounded(r.Failures),
		Outcomes:         bounded(r.Outcomes),
		Settings: settingsText{
			r.Settings.Failures, r.Settings.Window, r.Settings.Successes, r.Settings.Probes, microseconds(r.Settings.Cooldown),
		},
		Suspicion:     r.Suspicion,
		Suspect:       printable(r.Testimony.About.Suspect),
		SuspectNumber: r.Testimony.About.Number,
		Testimony:     finite(r.Testimony.Sum),
		Calls:         bounded(r.Testimony.Calls),
		Dismissed:     make([]accusationText, len(r.Dismissed)),
	}
	for i, a := range r.Dismissed {
		t.Dismissed[i] = accusationText{printable(a.Suspect), a.Number}
	}
	return t
}

// receivedReports reads reports as hw_exchange writes them: each an array of what the
// instance has said, the order and the age. There can be very many, and names would be
// most of them. One that makes no sense is left out.
func receivedReports(text []byte) ([]receivedReport, error) {
	if text == nil {
		return nil, nil
	}
	var all []receivedReport
	if json.Unmarshal(text, &all) == nil {
		return all, nil
	}
	var each []json.RawMessage
	if err := json.Unmarshal(text, &each); err != nil {
		return nil, err
	}
	all = nil
	for _, one := range each {
		var r receivedReport
		if json.Unmarshal(one, &r) == nil {
			all = append(all, r)
		}
	}
	return all, nil
}

// A receivedReport comes from the database. To people it also says how many microseconds
// ago it was told.
type receivedReport struct {
	fleet.Report
	told int64
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *receivedReport) UnmarshalJSON(text []byte) error {
	var (
		incarnation, epoch, nonce, age int64
		settings                       settingsText
		dismissed                      []accusationText
	)
	said := [...]any{
		&r.Instance, &r.Number, &incarnation, &epoch, &nonce, &r.Active, &r.Refuses, &r.Failures, &r.Outcomes,
		&settings, &r.Suspicion,
		&r.Testimony.About.Suspect, &r.Testimony.About.Number, &r.Testimony.Sum, &r.Testimony.Calls, &dismissed,
	}
	if err := json.Unmarshal(text, &[...]any{&said, &r.Order, &age, &r.told}); err != nil {
		return err
	}
	r.About = fleet.Identity{Incarnation: uint64(incarnation), Epoch: uint64(epoch), Nonce: uint64(nonce)}
	r.Settings = fleet.Settings{
		Failures: settings.Failures, Window: settings.Window,
		Successes: settings.Successes, Probes: settings.Probes,
		Cooldown: time.Duration(settings.Cooldown) * time.Microsecond,
	}
	r.Age = time.Duration(age) * time.Microsecond
	for _, a := range dismissed {
		r.Dismissed = append(r.Dismissed, fleet.Accusation{Suspect: a.Suspect, Number: a.Number})
	}
	return nil
}

// finite is v, or what comes nearest to it among the numbers that JSON has.
func finite(v float64) float64 {
	switch {
	case math.IsNaN(v):
		return 0
	case math.IsInf(v, 0):
		return math.Copysign(math.MaxFloat64, v)
	}
	return v
}

// bounded is n as the columns can hold it.
func bounded(n int) int { return max(0, min(n, math.MaxInt32)) }
