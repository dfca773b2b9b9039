package main

import (
	"image/color"
	"slices"

	xfont "golang.org/x/image/font"
)

const bold = xfont.WeightBold

// A row of the chart is the heading of a scenario, or one way of calling in it.
type row struct {
	label            string
	heading, highway bool
	serial, parallel float64
}

func (r row) color() color.Color {
	if r.highway {
		return accent
	}
	return neutral
}

// shown names what the chart shows: of Highway's ways the ones that differ, and every
// peer. The tables have them all.
var shown = map[string]string{
	"highway.Do":                      "Highway Do",
	"highway.Do/window=10":            "Highway Do, window 10",
	"highway.Do/window=1000":          "Highway Do, window 1000",
	"highway.Do-CountCalls":           "Highway Do, counting calls",
	"highway.Do-CountCalls/window=10": "Highway Do, counting calls",
	"highway.Call":                    "Highway Call",
	"highway.Call/window=10":          "Highway Call, window 10",
	"highway.Decorate":                "Highway Decorate",
	"highway.Decorate/window=10":      "Highway Decorate, window 10",
	"eapache":                         "eapache, no window",
	"gobreaker":                       "gobreaker",
	"rubyist":                         "rubyist",
	"failsafe":                        "failsafe-go",
	"failsafe-permit":                 "failsafe-go, bare permit",
	"hystrix":                         "hystrix-go",
}

var headings = map[string]string{
	"Healthy": "Every call succeeds",
	"Tenth":   "One call in ten fails",
	"Refused": "Open: every call is refused",
	"Net":     "Retry around a breaker",
}

// rowsOf lists the chart's rows, in each scenario the fastest first.
func rowsOf(ps processes) []row {
	var rows []row
	for _, s := range scenarios {
		var group []row
		for _, subject := range ps.subjects(s.name) {
			serial, ok1 := ps.figure(line{s.name, subject, "serial"}, nsPerOp)
			parallel, ok2 := ps.figure(line{s.name, subject, "parallel"}, nsPerOp)
			if label := shown[subject]; label != "" && ok1 && ok2 {
				group = append(group, row{
					label: label, highway: foreign(subject) == 0,
					serial: serial.median, parallel: parallel.median,
				})
			}
		}
		if len(group) == 0 {
			continue
		}
		slices.SortStableFunc(group, func(a, b row) int {
			switch {
			case a.serial < b.serial:
				return -1
			case a.serial > b.serial:
				return 1
			}
			return 0
		})
		rows = append(append(rows, row{label: headings[s.name], heading: true}), group...)
	}
	return rows
}
