package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/protocol"
)

var isolate = protocol.Command{State: fleet.Open, Hold: fleet.Isolated}

func TestACommandIsDoneWhenItSaysSo(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		p, other := join(storage, "k"), join(storage, "k")
		time.Sleep(time.Second)
		if err := p.Command(t.Context(), isolate); err != nil {
			t.Fatal(err)
		}
		row := storage.memory.Row("k")
		if row.Hold != fleet.Isolated || row.Reason != fleet.Commanded || row.By != p.membership.Instance {
			t.Errorf("%+v", row)
		}
		if p.look().Identity != row.Identity {
			t.Error("the member that was commanded does not know")
		}
		time.Sleep(time.Millisecond)
		if other.look().Identity != row.Identity {
			t.Error("the other does not know")
		}
	})
}

func TestACommandThatIsNotNeededChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
		p := join(storage, "k")
		if err := p.Command(t.Context(), protocol.Command{State: fleet.HalfOpen, Release: true}); err != nil {
			t.Fatal(err)
		}
		if n := len(storage.asked("change", nil)); n != 0 {
			t.Errorf("%d changes", n)
		}
	})
}

func TestACommandSaysWhatHasBecomeOfIt(t *testing.T) {
	cancelled := func(t *testing.T) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		t.Cleanup(cancel)
		return ctx
	}
	for _, c := range []struct {
		name   string
		script func(storage *fake) script
		ctx    func(t *testing.T) context.Context
		want   error
		cause  error
		done   bool // in truth
	}{
		{
			"not reached", func(*fake) script { return failing(errScript) },
			(*testing.T).Context, ErrNotDone, errScript, false,
		}, {
			"the key is refused", func(storage *fake) script { return refuses(storage, "k") },
			(*testing.T).Context, ErrNotDone, errKey, false,
		}, {
			"the key is not known", func(*fake) script {
				return script{exchange: func(context.Context, string, map[string]fleet.Report) (map[string]fleet.View, error) { return nil, nil }}
			},
			(*testing.T).Context, ErrNotDone, nil, false,
		}, {
			"the change fails", func(*fake) script { return script{change: failing(errScript).change} },
			(*testing.T).Context, ErrUnknown, errScript, false,
		}, {
			"the acknowledgement is lost", func(storage *fake) script {
				return script{change: func(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
					_, _ = storage.memory.Change(ctx, key, from, row)
					return fleet.Row{}, errScript
				}}
			},
			(*testing.T).Context, ErrUnknown, errScript, true,
		}, {
			"nobody waits for the reading", func(*fake) script {
				return script{exchange: func(context.Context, string, map[string]fleet.Report) (map[string]fleet.View, error) {
					time.Sleep(time.Minute)
					return nil, errScript
				}}
			},
			cancelled, ErrNotDone, context.DeadlineExceeded, false,
		}, {
			"nobody waits for the change", func(storage *fake) script {
				return script{change: func(_ context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
					time.Sleep(time.Minute)
					return storage.memory.Change(context.Background(), key, from, row)
				}}
			},
			cancelled, ErrUnknown, context.DeadlineExceeded, true,
		}, {
			"the change panics", func(*fake) script {
				return script{change: func(context.Context, string, fleet.Identity, fleet.Row) (fleet.Row, error) { panic("bug") }}
			},
			(*testing.T).Context, ErrUnknown, nil, false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
				p := join(storage, "k")
				time.Sleep(time.Second)
				storage.plays(c.script(storage))
				began := time.Now()
				err := p.Command(c.ctx(t), isolate)
				if !errors.Is(err, c.want) || c.cause != nil && !errors.Is(err, c.cause) {
					t.Errorf("%v", err)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %v", took)
				}
				time.Sleep(3 * time.Minute)
				synctest.Wait()
				if got := storage.memory.Row("k").Hold == fleet.Isolated; got != c.done {
					t.Errorf("it is done: %v", got)
				}
				storage.plays(script{})
				time.Sleep(10 * time.Second)
				if got := p.look().Hold == fleet.Isolated; got != c.done {
					t.Errorf("the member knows of it: %v", got)
				}
			})
		})
	}
}

// TestACommandIsTriedAgainstOthersChanges (S1): on the row that is there each time.
func TestACommandIsTriedAgainstOthersChanges(t *testing.T) {
	for _, c := range []struct {
		others int
		done   bool
	}{{3, true}, {attempts - 1, true}, {attempts, false}} {
		bubble(t, func(t *testing.T, storage *fake, _ *lineLog) {
			p := join(storage, "k")
			time.Sleep(time.Second)
			left := c.others
			storage.plays(script{change: func(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
				if row.By == p.membership.Instance && left > 0 {
					left--
					other := fleet.Row{Identity: fleet.Identity{Incarnation: from.Incarnation, Epoch: from.Epoch + 1, Nonce: uint64(1000 + left)}, By: "another"}
					if _, err := storage.memory.Change(ctx, key, from, other); err != nil {
						t.Error(err)
					}
				}
				return storage.memory.Change(ctx, key, from, row)
			}})
			err := p.Command(t.Context(), isolate)
			row := storage.memory.Row("k")
			if done := row.Hold == fleet.Isolated; done != c.done || done != (err == nil) {
				t.Errorf("against %d others: done %v, %v", c.others, done, err)
			}
			if !c.done && (!errors.Is(err, ErrNotDone) || !strings.Contains(err.Error(), "others")) {
				t.Errorf("%v", err)
			}
			if want := uint64(c.others); c.done && row.Epoch != want+1 {
				t.Errorf("epoch %d after %d others", row.Epoch, c.others)
			}
			time.Sleep(5 * time.Second)
			if got := p.look(); got.Identity != row.Identity {
				t.Errorf("the member has %+v, the storage %+v", got, row)
			}
		})
	}
}
