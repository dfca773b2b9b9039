package main

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// A line names one measured thing: BenchmarkHealthy/highway.Do/window=10/serial is
// {"Healthy", "highway.Do/window=10", "serial"}.
type line struct{ scenario, subject, mode string }

// A process is what one run of the test binary printed.
type process struct {
	config  map[string]string // goos, cpu and the like
	procs   string            // GOMAXPROCS
	lines   []line            // in the order measured
	figures map[line]map[string]float64
}

// parse reads what a process printed. Anything that looks like a measurement and is
// none, or is there twice, is an error: a figure must not go missing in silence.
func parse(r io.Reader, name string) (*process, error) {
	p := &process{config: map[string]string{}, procs: "1", figures: map[line]map[string]float64{}}
	reader := benchfmt.NewReader(r, name)
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, record
		case *benchfmt.Result:
			if err := p.add(record); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if err := reader.Err(); err != nil {
		return nil, err
	}
	if len(p.lines) == 0 {
		return nil, fmt.Errorf("%s: no measurement in it", name)
	}
	return p, nil
}

func (p *process) add(r *benchfmt.Result) error {
	scenario, parts := r.Name.Parts()
	var names []string
	for _, part := range parts {
		if procs, ok := strings.CutPrefix(string(part), "-"); ok {
			p.procs = procs
		} else {
			names = append(names, strings.TrimPrefix(string(part), "/"))
		}
	}
	if len(names) < 2 {
		return fmt.Errorf("%s has no subject and mode", r.Name)
	}
	last := len(names) - 1
	l := line{string(scenario), strings.Join(names[:last], "/"), names[last]}
	if p.figures[l] != nil {
		return fmt.Errorf("%s is there twice", r.Name)
	}
	figures := map[string]float64{}
	for _, v := range r.Values {
		if v.OrigUnit != "" { // ns/op, which the reader turns into sec/op
			figures[v.OrigUnit] = v.OrigValue
		} else {
			figures[v.Unit] = v.Value
		}
	}
	p.lines = append(p.lines, l)
	p.figures[l] = figures
	for _, c := range r.Config {
		p.config[c.Key] = string(c.Value)
	}
	return nil
}
