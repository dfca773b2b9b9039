package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Within which a clock is called right, and from which on wrong.
const (
	clockRight = 2 * time.Second
	clockWrong = time.Minute
)

// lookClock compares this machine's clock with the server's, and that with what stands in
// the rows, which cannot be of the future.
func lookClock(ctx context.Context, v *visit) Finding {
	var ahead, trip time.Duration // the server's, and how long asking it took
	err := v.read(ctx, func(tx pgx.Tx) error {
		for i := range 3 { // the fastest is the most exact
			began := time.Now()
			var micro int64
			if err := tx.QueryRow(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").Scan(&micro); err != nil {
				return err
			}
			took := time.Since(began)
			if i == 0 || took < trip {
				ahead, trip = time.UnixMicro(micro).Sub(began.Round(0).Add(took/2)), took
			}
		}
		return nil
	})
	if err != nil {
		return v.trouble(err)
	}
	back, err := v.future(ctx)
	if err != nil {
		return v.trouble(err)
	}
	const history = "; then look at the order of the history, which is by time only within one clock"
	var saw, advice string
	switch off := ahead.Abs() - trip/2; {
	case off > clockRight:
		saw = fmt.Sprintf("the server's clock is %s %s this machine's", rough(ahead), side(ahead))
		advice = "find out which of the two is wrong, and set it by NTP. The fleet itself decides by the server's clock alone, " +
			"and goes on; but programs on the Python library compare it with their own, so that for them an OPEN ends too soon or too late by as much, " +
			"times in logs do not fit those of the history, and certificates may count as ended"
	default:
		saw = fmt.Sprintf("this machine's clock and the server's are %s apart, give or take %s", rough(ahead), rough(trip/2))
	}
	if back > clockRight {
		saw += fmt.Sprintf("; rows are of %s in the future, so the server's clock was set back", rough(back))
		if advice == "" {
			advice = "look whether the server's clock is right now, and keep it so by NTP"
		}
		advice += ". Until it has caught up, an OPEN lasts its whole time again, and silent instances count as alive for a moment" + history
	}
	switch worst := max(ahead.Abs(), back); {
	case advice == "":
		return ok("%s", saw).measured(ahead)
	case worst < clockWrong:
		return warning(advice, "%s", saw).measured(ahead)
	}
	return fault(advice, "%s", saw).measured(ahead)
}

func side(ahead time.Duration) string {
	if ahead < 0 {
		return "behind"
	}
	return "ahead of"
}

// future is how far ahead of the server's clock the latest row is.
func (v *visit) future(ctx context.Context) (time.Duration, error) {
	if !v.fine("rights") {
		return 0, nil
	}
	all, err := table(ctx, v, pgx.RowTo[int64], `SELECT coalesce((extract(epoch FROM greatest(
			(SELECT max(seen) FROM `+v.in()+`hw_instances), (SELECT max(happened_at) FROM `+v.in()+`hw_transitions),
			(SELECT max(changed_at) FROM `+v.in()+`hw_circuit_breakers)) - clock_timestamp()) * 1000000)::bigint, 0)`)
	if err != nil {
		return 0, err
	}
	return max(0, time.Duration(all[0])*time.Microsecond), nil
}
