package main

import (
	"strings"
	"testing"
)

const first = `date: 2025-01-02
go: go1.25.0
goos: linux
goarch: amd64
cpu: Some CPU
BenchmarkEmpty/call/serial-2      100	1.0 ns/op	0 mallocs/op	0 B/op	0 allocs/op
BenchmarkEmpty/call/parallel-2    200	0.5 ns/op	0 mallocs/op	0 B/op	0 allocs/op
BenchmarkNet/highway.Call/serial-2    100	10 ns/op	0 mallocs/op	0 B/op	0 allocs/op
BenchmarkNet/highway.Call/parallel-2  100	5 ns/op	0.0000004 mallocs/op	0 B/op	0 allocs/op
BenchmarkNet/failsafe/serial-2        100	400 ns/op	17 mallocs/op	512 B/op	17 allocs/op
BenchmarkNet/failsafe/parallel-2      100	90 ns/op	17 mallocs/op	512 B/op	17 allocs/op
BenchmarkMemory/highway/window=10/breakers=1000/fresh-2   1	568 B/breaker	0 goroutines
BenchmarkMemory/highway/window=10/breakers=1000/used-2    1	500 B/breaker	0 goroutines
BenchmarkMemory/failsafe/window=10/breakers=1000/used-2   1	250 B/breaker	3 goroutines
PASS
`

// second is a process on a machine that is twice as slow.
const second = `goos: linux
BenchmarkNet/highway.Call/serial-2    100	20 ns/op	0 mallocs/op	0 B/op	0 allocs/op
BenchmarkNet/highway.Call/parallel-2  100	10 ns/op	0.1 mallocs/op	1 B/op	0 allocs/op
BenchmarkNet/failsafe/serial-2        100	840 ns/op	17 mallocs/op	512 B/op	17 allocs/op
BenchmarkNet/failsafe/parallel-2      100	200 ns/op	17 mallocs/op	512 B/op	17 allocs/op
`

func parsed(t *testing.T, texts ...string) processes {
	t.Helper()
	var ps processes
	for _, text := range texts {
		p, err := parse(strings.NewReader(text), "a text")
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	return ps
}

var (
	call = line{"Net", "highway.Call", "serial"}
	peer = line{"Net", "failsafe", "serial"}
)
