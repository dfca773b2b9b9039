package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/fleet"
)

// What a program on the Python library does, word for word. It writes its own local time,
// without a zone, and usually no open_until at all.
const (
	pythonReads  = `SELECT state, failure_count, open_until FROM hw_circuit_breakers WHERE resource_key = $1 FOR UPDATE`
	pythonWrites = `INSERT INTO hw_circuit_breakers (resource_key, state, failure_count, open_until) VALUES ($1,$2,$3,$4)
      ON CONFLICT (resource_key) DO UPDATE SET state = EXCLUDED.state,
      failure_count = EXCLUDED.failure_count, open_until = EXCLUDED.open_until,
      updated_at = CURRENT_TIMESTAMP`
)

// A python is a session of such a program.
type python struct {
	*testing.T
	conn *pgx.Conn
}

// newPython connects as such a program does, with a session in another time zone.
func newPython(t *testing.T, s *stored, zone string) python {
	config := s.pool.Config().ConnConfig
	config.RuntimeParams["search_path"] = pgx.Identifier{s.schema}.Sanitize()
	config.RuntimeParams["timezone"] = zone
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return python{t, conn}
}

// write is one call of the program: it reads the row under its lock, and then writes.
func (p python) write(key, state string, failures int, until *time.Time) {
	p.Helper()
	err := pgx.BeginFunc(p.Context(), p.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(p.Context(), pythonReads, key); err != nil {
			return err
		}
		_, err := tx.Exec(p.Context(), pythonWrites, key, state, failures, until)
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
}

func (p python) read(key string) (state string, failures int, until *time.Time) {
	p.Helper()
	if err := p.conn.QueryRow(p.Context(), pythonReads, key).Scan(&state, &failures, &until); err != nil {
		p.Fatal(err)
	}
	return state, failures, until
}

// look is an instance looking at a key.
func (s *stored) look(t *testing.T, key string, number uint64) fleet.View {
	t.Helper()
	views, err := s.Exchange(t.Context(), "go", map[string]fleet.Report{key: {
		Instance: "go", Number: number, Active: true, Settings: fleet.Settings{Cooldown: time.Minute},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return views[key]
}

func (s *stored) put(t *testing.T, key string, from fleet.Row, row fleet.Row) fleet.Row {
	t.Helper()
	row.Epoch, row.Nonce = from.Epoch+1, 1234
	is, err := s.Change(t.Context(), key, from.Identity, row)
	if err != nil {
		t.Fatal(err)
	}
	if is.Epoch != row.Epoch || is.State != row.State {
		t.Fatalf("%+v is there, not %+v", is, row)
	}
	return is
}

// zones are hours apart from each other.
var zones = []string{"UTC", "America/New_York", "Asia/Tokyo"}

func TestAnOpenOfAPythonProgramIsAdoptedWithTheFleetsCooldown(t *testing.T) {
	for _, zone := range zones {
		t.Run(zone, func(t *testing.T) {
			s := newStored(t)
			p := newPython(t, s, zone)
			was := s.look(t, "payment", 1).Row
			p.write("payment", "OPEN", 5, nil)
			is := s.look(t, "payment", 2).Row
			if is.State != fleet.Open || is.Reason != fleet.Foreign || is.Epoch != was.Epoch+1 || is.Incarnation != was.Incarnation {
				t.Fatalf("%+v", is)
			}
			if is.Remaining > time.Minute || is.Remaining < 55*time.Second {
				t.Errorf("%v is left of a minute", is.Remaining)
			}
			// Within the cooldown, and whatever it says of the time, no other deadline.
			s.Advance(20 * time.Second)
			wrong := time.Now().Add(9 * time.Hour)
			p.write("payment", "OPEN", 6, &wrong)
			again := s.look(t, "payment", 3).Row
			if again.Identity != is.Identity || again.Remaining > 40*time.Second {
				t.Errorf("%+v after %+v", again, is)
			}
			// After it has passed, an OPEN is a new one.
			s.Advance(time.Minute)
			s.look(t, "payment", 4)
			p.write("payment", "OPEN", 5, nil)
			if later := s.look(t, "payment", 5).Row; later.Epoch != is.Epoch+1 || later.State != fleet.Open {
				t.Errorf("%+v", later)
			}
		})
	}
}

func TestAPythonProgramDoesNotEraseALiveOpen(t *testing.T) {
	s := newStored(t)
	p := newPython(t, s, "Asia/Tokyo")
	is := s.put(t, "payment", s.look(t, "payment", 1).Row, fleet.Row{State: fleet.Open, Reason: fleet.Testified, By: "go", Remaining: time.Minute})
	for _, state := range []string{"CLOSED", "HALF_OPEN", "OPEN"} {
		p.write("payment", state, 0, nil)
		if row := s.look(t, "payment", 2).Row; row.Identity != is.Identity || row.State != fleet.Open {
			t.Errorf("%s has made %+v of %+v", state, row, is)
		}
		if got, _, until := p.read("payment"); got != "OPEN" || until == nil {
			t.Errorf("after its %s it reads %s until %v", state, got, until)
		}
	}
	// It is over: the program may do what it does.
	s.Advance(2 * time.Minute)
	p.write("payment", "HALF_OPEN", 0, nil)
	half := s.look(t, "payment", 3).Row
	if half.State != fleet.HalfOpen || half.Epoch != is.Epoch+1 {
		t.Fatalf("%+v", half)
	}
	p.write("payment", "CLOSED", 0, nil)
	if row := s.look(t, "payment", 4).Row; row.State != fleet.Closed || row.Epoch != half.Epoch+1 {
		t.Errorf("%+v", row)
	}
}

func TestAPythonProgramDoesNotTouchAPersonsHold(t *testing.T) {
	for hold, state := range map[fleet.Hold]fleet.State{fleet.HeldOpen: fleet.Open, fleet.Isolated: fleet.Open, fleet.Disabled: fleet.Closed} {
		s := newStored(t)
		p := newPython(t, s, "UTC")
		is := s.put(t, "payment", s.look(t, "payment", 1).Row, fleet.Row{State: state, Hold: hold, Reason: fleet.Commanded, By: "ada", Remaining: time.Minute})
		s.Advance(2 * time.Minute)
		for _, theirs := range []string{"CLOSED", "HALF_OPEN", "OPEN"} {
			p.write("payment", theirs, 3, nil)
			if row := s.look(t, "payment", 2).Row; row.Identity != is.Identity || row.State != state || row.Hold != hold {
				t.Errorf("hold %d: %s has made %+v", hold, theirs, row)
			}
		}
	}
}

func TestAPythonProgramSeesWhatTheFleetDecides(t *testing.T) {
	s := newStored(t)
	p := newPython(t, s, "America/New_York")
	p.write("payment", "CLOSED", 2, nil) // it was first
	row := s.look(t, "payment", 1).Row
	row = s.put(t, "payment", row, fleet.Row{State: fleet.Open, Reason: fleet.Testified, Remaining: time.Minute})
	state, _, until := p.read("payment")
	if state != "OPEN" || until == nil {
		t.Fatalf("it reads %s until %v", state, until)
	}
	// In the server's zone, whatever the session's is.
	var left time.Duration
	if err := s.pool.QueryRow(t.Context(), `SELECT (extract(epoch FROM $1::timestamp AT TIME ZONE
		(SELECT reset_val FROM pg_settings WHERE name = 'TimeZone') - clock_timestamp()) * 1e9)::bigint`, *until).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left > time.Minute || left < 55*time.Second {
		t.Errorf("by open_until %v is left of a minute", left)
	}
	row = s.put(t, "payment", row, fleet.Row{State: fleet.HalfOpen, Reason: fleet.CooldownOver})
	if state, _, until := p.read("payment"); state != "HALF_OPEN" || until != nil {
		t.Errorf("it reads %s until %v", state, until)
	}
	s.put(t, "payment", row, fleet.Row{State: fleet.Closed, Reason: fleet.ProbesSucceeded})
	if state, failures, _ := p.read("payment"); state != "CLOSED" || failures != 0 {
		t.Errorf("it reads %s, %d failures", state, failures)
	}
}

func TestTheFirstRowMayBeAPythonProgramsOpen(t *testing.T) {
	s := newStored(t)
	p := newPython(t, s, "UTC")
	p.write("payment", "OPEN", 5, nil)
	if row := s.look(t, "payment", 1).Row; row.State != fleet.Open || row.Remaining < 25*time.Second || row.Reason != fleet.Foreign {
		t.Errorf("%+v", row)
	}
}

func TestAPythonProgramsWriteIsTold(t *testing.T) {
	s := newStored(t)
	p := newPython(t, s, "UTC")
	s.look(t, "payment", 1)
	told := make(chan string, 10)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = s.Watch(ctx, func(key string) { told <- key }) }()
	waitFor(t, func() bool { return s.Status().Notified })
	p.write("payment", "OPEN", 5, nil)
	select {
	case key := <-told:
		if key != "payment" {
			t.Errorf("told of %q", key)
		}
	case <-time.After(5 * time.Second):
		t.Error("nothing was told")
	}
}
