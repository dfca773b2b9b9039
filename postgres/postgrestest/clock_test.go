package postgrestest_test

import (
	"testing"
	"time"

	"github.com/highway-engine/highway/postgres/postgrestest"
)

func TestTheClockMovesWhileTheServerRuns(t *testing.T) {
	s, err := postgrestest.Start(t.Context(), postgrestest.Options{Clock: true, Logf: t.Logf})
	if err != nil {
		plain := postgrestest.New(t, private)
		lacking(t, plain, err)
	}
	t.Cleanup(func() { must(t, s.Close()) })
	connection := connect(t, s.DSN())
	for _, offset := range []time.Duration{0, time.Hour, -24 * time.Hour, 1500 * time.Millisecond, 0} {
		must(t, s.SetClock(offset))
		before := time.Now()
		got := ask[time.Time](t, connection, "SELECT clock_timestamp()")
		after := time.Now()
		if got.Before(before.Add(offset).Truncate(time.Microsecond)) || got.After(after.Add(offset)) {
			t.Errorf("set %v: %v off", offset, got.Sub(before))
		}
	}
	// What takes a time still takes it, and times out as SetClock says.
	must(t, s.SetClock(-time.Hour))
	late := connect(t, s.DSN())
	run(t, late, "SET statement_timeout = '50ms'")
	began := time.Now()
	if _, err := late.Exec(t.Context(), "SELECT pg_sleep(10)"); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	must(t, s.SetClock(time.Hour))
	must(t, s.Restart(t.Context()))
	if got := ask[time.Time](t, connect(t, s.DSN()), "SELECT now()"); time.Until(got) < 59*time.Minute {
		t.Errorf("after a restart the clock says %v", got)
	}
}

func TestNoClockWithoutTheOption(t *testing.T) {
	if postgrestest.New(t, private).SetClock(time.Hour) == nil {
		t.Error("the clock is set")
	}
}
