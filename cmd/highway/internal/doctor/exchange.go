package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// What the storage gives a request, and a call that asks for a probe.
const (
	requestTime = time.Second
	probeTime   = 250 * time.Millisecond
)

var errRolledBack = errors.New("rolled back")

// lookExchange makes an exchange as a process without circuits does, in its namespace, and
// takes it back.
func lookExchange(ctx context.Context, v *visit) Finding {
	if v.looks {
		return skipped("%q may look, may not act, and an exchange is an act", v.facts.user)
	}
	bounded, cancel := context.WithTimeout(ctx, 2*requestTime)
	defer cancel()
	conn, err := v.session(bounded)
	if err != nil {
		return v.trouble(err)
	}
	var fastest time.Duration
	for i := range 3 {
		var took time.Duration
		err := pgx.BeginFunc(bounded, conn, func(tx pgx.Tx) error {
			began := time.Now()
			if _, err := tx.Exec(bounded, "SELECT "+v.in()+"hw_exchange($1, $2, '[]')", v.namespace, "highway doctor/"+rand.Text()); err != nil {
				return err
			}
			took = time.Since(began)
			return errRolledBack
		})
		if !errors.Is(err, errRolledBack) {
			if late(err) && ctx.Err() == nil {
				return slow("an exchange takes longer than %s", rough(2*requestTime))
			}
			return v.trouble(err)
		}
		if i == 0 || took < fastest {
			fastest = took
		}
	}
	return judge(fastest)
}

func judge(took time.Duration) Finding {
	switch {
	case took > requestTime:
		return slow("an exchange takes %s", rough(took)).measured(took)
	case took > probeTime:
		return warning("look at the load of the server and at the way there: calls that ask for a probe wait no longer than "+rough(probeTime),
			"an exchange takes %s", rough(took)).measured(took)
	}
	return ok("an exchange takes %s; a request has %s", rough(took), rough(requestTime)).measured(took)
}

// slow is a fault, as the storage does not wait that long.
func slow(format string, args ...any) Finding {
	return fault("look at the load of the server, at its disk and at the way there: a request has one second, and a database that is slower is one that is away",
		format, args...)
}
