package postgres

import (
	"encoding/json"
	"math"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// A reportText is a report on its way to or from the database.
type reportText struct {
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

// A sentReport goes to the database.
type sentReport struct {
	Key string `json:"key"`
	reportText
}

// A receivedReport comes from there.
type receivedReport struct {
	Instance string `json:"instance"`
	Order    uint64 `json:"order"`
	Age      int64  `json:"age"`
	reportText
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
	t := sentReport{key, reportText{
		Number:           r.Number,
		AboutIncarnation: int64(r.About.Incarnation),
		AboutEpoch:       int64(r.About.Epoch),
		AboutNonce:       int64(r.About.Nonce),
		Active:           r.Active,
		Refuses:          r.Refuses,
		Failures:         min(r.Failures, math.MaxInt32),
		Outcomes:         min(r.Outcomes, math.MaxInt32),
		Settings: settingsText{
			r.Settings.Failures, r.Settings.Window, r.Settings.Successes, r.Settings.Probes, microseconds(r.Settings.Cooldown),
		},
		Suspicion:     r.Suspicion,
		Suspect:       printable(r.Testimony.About.Suspect),
		SuspectNumber: r.Testimony.About.Number,
		Testimony:     finite(r.Testimony.Sum),
		Calls:         min(r.Testimony.Calls, math.MaxInt32),
		Dismissed:     make([]accusationText, len(r.Dismissed)),
	}}
	for i, a := range r.Dismissed {
		t.Dismissed[i] = accusationText{printable(a.Suspect), a.Number}
	}
	return t
}

func receivedReports(text []byte) ([]fleet.Report, error) {
	if text == nil {
		return nil, nil
	}
	var all []receivedReport
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	reports := make([]fleet.Report, len(all))
	for i, t := range all {
		r := fleet.Report{
			Instance: t.Instance,
			Number:   t.Number,
			About:    fleet.Identity{Incarnation: uint64(t.AboutIncarnation), Epoch: uint64(t.AboutEpoch), Nonce: uint64(t.AboutNonce)},
			Active:   t.Active,
			Refuses:  t.Refuses,
			Failures: t.Failures,
			Outcomes: t.Outcomes,
			Settings: fleet.Settings{
				Failures: t.Settings.Failures, Window: t.Settings.Window,
				Successes: t.Settings.Successes, Probes: t.Settings.Probes,
				Cooldown: time.Duration(t.Settings.Cooldown) * time.Microsecond,
			},
			Suspicion: t.Suspicion,
			Testimony: fleet.Testimony{
				About: fleet.Accusation{Suspect: t.Suspect, Number: t.SuspectNumber},
				Sum:   t.Testimony,
				Calls: t.Calls,
			},
			Order: t.Order,
			Age:   time.Duration(t.Age) * time.Microsecond,
		}
		for _, a := range t.Dismissed {
			r.Dismissed = append(r.Dismissed, fleet.Accusation{Suspect: a.Suspect, Number: a.Number})
		}
		reports[i] = r
	}
	return reports, nil
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
