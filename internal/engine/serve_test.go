package engine

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/protocol"
)

// An ending handler ends the goroutine of whoever logs, as that of a test does which fails.
type ending struct{ slog.Handler }

func (h ending) Handle(ctx context.Context, r slog.Record) error {
	_ = h.Handler.Handle(ctx, r)
	runtime.Goexit()
	return nil
}

// TestAnEngineOutlivesItsGoroutine, and its members what they were waiting for then.
func TestAnEngineOutlivesItsGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T, storage *fake, log *lineLog) {
		slog.SetDefault(slog.New(ending{slog.Default().Handler()}))
		p := join(storage, "k")
		time.Sleep(5 * time.Second)
		storage.plays(refuses(storage, "k"))
		p.With(context.Background(), func(m *protocol.Member, now time.Time) { m.Hint(now) })
		p.Due(time.Now())
		time.Sleep(10 * time.Second)
		log.want(t, 1, "refuses circuits") // between the answer and the member
		log.want(t, 1, "another goes on")
		if s := p.Signal(); s.Err != errKey || p.Ended() {
			t.Errorf("%+v, ended: %v", s, p.Ended())
		}
		storage.isolate(t, "k")
		storage.plays(script{})
		time.Sleep(10 * time.Second)
		log.want(t, 2, "another goes on")
		if row := p.look(); row.Hold != fleet.Isolated || !p.Signal().Live {
			t.Errorf("it knows %+v, %+v", row, p.Signal())
		}
		storage.plays(failing(errScript)) // when the engine ends, another goroutine rests
		time.Sleep(4 * time.Second)
		log.want(t, 3, "another goes on")
	})
}
