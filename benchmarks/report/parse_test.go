package main

import (
	"strings"
	"testing"
)

func TestParseKeepsNamesUnitsAndConfig(t *testing.T) {
	p := parsed(t, first)[0]
	if got := p.figures[call][nsPerOp]; got != 10 {
		t.Errorf("%v ns/op, not 10", got)
	}
	memory := line{"Memory", "failsafe/window=10/breakers=1000", "used"}
	if got := p.figures[memory]; got[bytesPerBreaker] != 250 || got[goroutines] != 3 {
		t.Errorf("memory is %v", got)
	}
	if p.lines[0] != (line{"Empty", "call", "serial"}) || len(p.lines) != 9 {
		t.Errorf("the lines are %v", p.lines)
	}
	if p.procs != "2" || p.config["cpu"] != "Some CPU" || p.config["date"] != "2025-01-02" {
		t.Errorf("GOMAXPROCS %s, config %v", p.procs, p.config)
	}
}

func TestParseOnOneProcessor(t *testing.T) {
	p := parsed(t, "BenchmarkNet/failsafe-permit/serial 100 7 ns/op\n")[0]
	if got := p.figures[line{"Net", "failsafe-permit", "serial"}][nsPerOp]; got != 7 || p.procs != "1" {
		t.Errorf("%v ns/op, GOMAXPROCS %s", got, p.procs)
	}
}

func TestParseRefusesWhatIsNoMeasurement(t *testing.T) {
	once := "BenchmarkNet/failsafe/serial-2 100 7 ns/op\n"
	for name, text := range map[string]string{
		"nothing":         "PASS\n",
		"twice the same":  once + once,
		"no subject":      "BenchmarkNet-2 100 7 ns/op\n",
		"a broken figure": "BenchmarkNet/failsafe/serial-2 100 seven ns/op\n",
	} {
		if _, err := parse(strings.NewReader(text), "a text"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPeersAreShortened(t *testing.T) {
	got := peersOf("github.com/sony/gobreaker/v2 v2.4.0\ngithub.com/rubyist/circuitbreaker v2.2.1+incompatible\n")
	if want := "sony/gobreaker/v2 v2.4.0, rubyist/circuitbreaker v2.2.1+incompatible"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}
