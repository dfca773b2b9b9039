package postgres

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/names"
)

// results are the names of what has come of a probe, in the order of fleet's constants.
var results = []string{"", "succeeded", "failed"}

// name is the word for a constant. One that has none is written as the first, which
// stands for nothing in particular.
func name[C ~uint8 | ~int](all []string, c C) string {
	if int(c) < 0 || int(c) >= len(all) {
		return all[0]
	}
	return all[c]
}

// constant is what name has named.
func constant[C ~uint8 | ~int](all []string, name string) (C, error) {
	i := slices.Index(all, name)
	if i < 0 {
		return 0, fmt.Errorf("nobody knows %q", name)
	}
	return C(i), nil
}

// A rowText is a row on its way to or from the database. Numbers of 64 bits without a
// sign travel as their bits, times in microseconds.
type rowText struct {
	Incarnation int64       `json:"incarnation"`
	Epoch       int64       `json:"epoch"`
	Nonce       int64       `json:"nonce"`
	State       string      `json:"state"`
	Hold        string      `json:"hold"`
	Reason      string      `json:"reason"`
	By          string      `json:"by"`
	Note        string      `json:"note"`
	Remaining   int64       `json:"remaining"`
	Probes      []probeText `json:"probes"`
	Lost        int         `json:"lost"`
}

type probeText struct {
	Holder    string `json:"holder"`
	Number    uint64 `json:"number"`
	Result    string `json:"result"`
	Remaining int64  `json:"remaining"`
}

func sentRow(r fleet.Row) rowText {
	t := rowText{
		Epoch: int64(r.Epoch), Nonce: int64(r.Nonce),
		State: name(names.States, r.State), Hold: name(names.Holds, r.Hold), Reason: name(names.Reasons, r.Reason),
		By: printable(r.By), Note: r.Note, Remaining: microseconds(r.Remaining), Lost: bounded(r.Lost),
		Probes: make([]probeText, len(r.Probes)),
	}
	for i, p := range r.Probes {
		t.Probes[i] = probeText{printable(p.Holder), p.Number, name(results, p.Result), microseconds(p.Remaining)}
	}
	return t
}

func receivedRow(text []byte) (row fleet.Row, err error) {
	var t rowText
	if err := json.Unmarshal(text, &t); err != nil {
		return row, err
	}
	row = fleet.Row{
		Identity:  fleet.Identity{Incarnation: uint64(t.Incarnation), Epoch: uint64(t.Epoch), Nonce: uint64(t.Nonce)},
		By:        t.By,
		Note:      t.Note,
		Remaining: time.Duration(t.Remaining) * time.Microsecond,
		Lost:      t.Lost,
	}
	if row.State, err = constant[fleet.State](names.States, t.State); err != nil {
		return row, fmt.Errorf("state: %w", err)
	}
	if row.Hold, err = constant[fleet.Hold](names.Holds, t.Hold); err != nil {
		return row, fmt.Errorf("hold: %w", err)
	}
	if row.Reason, err = constant[fleet.Reason](names.Reasons, t.Reason); err != nil {
		return row, fmt.Errorf("reason: %w", err)
	}
	for _, p := range t.Probes {
		result, err := constant[fleet.Result](results, p.Result)
		if err != nil {
			return row, fmt.Errorf("probe: %w", err)
		}
		row.Probes = append(row.Probes, fleet.Probe{
			Holder: p.Holder, Number: p.Number, Result: result, Remaining: time.Duration(p.Remaining) * time.Microsecond,
		})
	}
	return row, nil
}

// shownRow is a row for people. One that cannot be read shows as what it will be mended to:
// a page of many is not lost for it.
func shownRow(text []byte) fleet.Row {
	row, err := receivedRow(text)
	if err != nil {
		return fleet.Row{Identity: fleet.Identity{Incarnation: 1}, Reason: fleet.Mended}
	}
	return row
}

// microseconds is d in the database's precision, at least one if there is any time at
// all: zero means none there.
func microseconds(d time.Duration) int64 {
	if d > 0 && d < time.Microsecond {
		return 1
	}
	return d.Microseconds()
}

// printable is a name that the database can hold.
func printable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
