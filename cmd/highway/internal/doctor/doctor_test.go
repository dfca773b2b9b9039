package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/highway-engine/highway/postgres/schema"
)

func TestTheTimeThatIsUpIsAFaultOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := Run(ctx, Options{Timeout: time.Minute})
	if r.Status != Fault || r.Faults != 1 || r.Cause != checks[0].name || len(r.Checks) != len(checks) {
		t.Errorf("%+v", r)
	}
}

// TestWhatProgramsNeedIsRead: from the SQL of the setup.
func TestWhatProgramsNeedIsRead(t *testing.T) {
	all := wanted("runtime")
	for _, want := range []right{
		{"table", schema.Table, "SELECT"}, {"table", schema.Table, "DELETE"}, {"table", "hw_transitions", "SELECT"},
		{"sequence", "hw_lives", "USAGE"}, {"function", "hw_exchange", "EXECUTE"}, {"function", "hw_list", "EXECUTE"},
	} {
		if !slices.Contains(all, want) {
			t.Errorf("%v is not wanted", want)
		}
	}
	if not := (right{"table", "hw_transitions", "DELETE"}); slices.Contains(all, not) || len(all) < 35 {
		t.Errorf("%d are wanted: %v", len(all), all)
	}
}

func TestTheLimits(t *testing.T) {
	for took, want := range map[time.Duration]Status{
		time.Millisecond: OK, probeTime: OK, probeTime + 1: Warning, requestTime: Warning, requestTime + 1: Fault,
	} {
		if f := judge(took); f.Status != want || f.MS == nil || (f.Advice == "") != (want == OK) {
			t.Errorf("%v: %+v", took, f)
		}
	}
	for left, want := range map[int]Status{-1: Warning, 0: Warning, 9: Warning, 10: OK, 90: OK} {
		if f := roomFor(left, 100, 100-left); f.Status != want {
			t.Errorf("%d: %+v", left, f)
		}
	}
	if f := roomFor(19, 200, 181); f.Status != Warning {
		t.Errorf("%+v", f)
	}
}

func TestWhyNobodyAnswers(t *testing.T) {
	v := &visit{origin: map[string]string{"HW_DB_HOST": ".env"}}
	s := server{host: "db.example", port: 5432}
	for want, err := range map[string]error{
		"db.example:5432 does not answer":   fmt.Errorf("dial: %w", context.DeadlineExceeded),
		"has no address":                    &net.DNSError{IsNotFound: true},
		"no name server says in time":       &net.DNSError{IsTimeout: true},
		"cannot be reached: no way":         errors.New("no way"),
		"nobody listens at db.example:5432": &net.OpError{Err: syscall.ECONNREFUSED},
	} {
		if what, advice := v.unreachable(s, err); !strings.Contains(what, want) || advice == "" {
			t.Errorf("%v: %q, %q", err, what, advice)
		}
	}
}

func TestTimesAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		150 * time.Microsecond: "0.1 ms", -20 * time.Millisecond: "20.0 ms", 1500 * time.Millisecond: "1.5 s", 119 * time.Second: "119.0 s",
		-time.Hour: "60 minutes", 26 * time.Hour: "26 hours", 50 * time.Hour: "2 days",
	} {
		if got := rough(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := some([]string{"a", "b", "c"}, 1); got != "a and 2 more" {
		t.Error(got)
	}
}

func TestPaper(t *testing.T) {
	report := Report{Status: Fault, Cause: "login", Faults: 1, Warnings: 2, Checks: []Finding{
		{Check: "network", Status: OK, Saw: "a name with \x1b[31m and\nlines " + strings.Repeat("long ", 30), Notes: []string{"note"}},
		{Check: "login", Status: Fault, Saw: "saw", Advice: "do"},
	}}
	var plain, painted strings.Builder
	if report.Print(&plain, Paper{}) != nil || report.Print(&painted, Paper{Colours: true, Width: 60}) != nil {
		t.Fatal("it was not printed")
	}
	if strings.ContainsRune(plain.String(), '\x1b') || strings.Count(plain.String(), "\n") != 6 {
		t.Errorf("%q", plain.String())
	}
	if !strings.HasPrefix(painted.String(), "\x1b[32mok     \x1b[0m  network") || !strings.Contains(painted.String(), "\x1b[31mfault  \x1b[0m") {
		t.Errorf("%q", painted.String())
	}
	for _, line := range strings.Split(painted.String(), "\n") {
		if len([]rune(strings.NewReplacer("\x1b[32m", "", "\x1b[31m", "", "\x1b[0m", "").Replace(line))) > 60 {
			t.Errorf("%q is too long", line)
		}
	}
	if !strings.HasSuffix(plain.String(), "1 fault, 2 warnings. Begin with login: what follows may come from that. Nothing was changed.\n") {
		t.Errorf("%q", plain.String())
	}
	report.Checks = []Finding{{Check: "login", Status: Fault, Saw: "saw"}, {Check: "pooler", Status: Skipped, Saw: "because of login"},
		{Check: "clock", Status: OK, Saw: "saw"}, {Check: "server", Status: Skipped, Saw: "because of login"}, {Check: "rows", Status: Skipped, Saw: "else"}}
	plain.Reset()
	if err := report.Print(&plain, Paper{}); err != nil || !strings.Contains(plain.String(),
		"\nok       clock          saw\nskipped  rows           else\nskipped  2 checks       because of login: pooler, server\n\n") {
		t.Errorf("%v, %s", err, &plain)
	}
	for want, r := range map[string]Report{
		`1 warning, and no fault found; nobody is in the namespace "x". Nothing was changed.`: {Warnings: 1, nobody: `nobody is in the namespace "x"`},
		"All is well. Nothing was changed.":                                                   {}, "1 warning, and no fault: a fleet works here. Nothing was changed.": {Warnings: 1},
	} {
		if got := r.verdict(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if p := NewPaper(&plain); p != (Paper{}) {
		t.Errorf("%+v", p)
	}
	for _, c := range []struct {
		variables map[string]string
		want      bool
	}{{nil, true}, {map[string]string{"NO_COLOR": "1"}, false}, {map[string]string{"TERM": "dumb"}, false}, {map[string]string{"TERM": "xterm"}, true}} {
		if got := coloured(func(name string) string { return c.variables[name] }); got != c.want {
			t.Errorf("%v: %v", c.variables, got)
		}
	}
}
