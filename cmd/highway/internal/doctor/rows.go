package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// forgotten is how old a hold without an end is that somebody may have forgotten.
const forgotten = 24 * time.Hour

// lookRows tells what is unusual about rows, of which nothing keeps the fleet from working.
func lookRows(ctx context.Context, v *visit) Finding {
	type hold struct {
		Key, Hold, By string
		Since         int64 // in microseconds
	}
	holds, err := table(ctx, v, pgx.RowToStructByPos[hold], `SELECT resource_key, hold, decided_by, `+v.in()+`hw_changed(b, clock_timestamp())
		FROM `+v.in()+`hw_circuit_breakers b WHERE hold <> '' ORDER BY resource_key`)
	if err != nil {
		return v.trouble(err)
	}
	type counts struct{ All, Foreign, Unsound, Open int }
	found, err := table(ctx, v, pgx.RowToStructByPos[counts], `SELECT count(*), count(*) FILTER (WHERE revision = 0 OR reason = 'foreign' OR foreign_at IS NOT NULL),
		count(*) FILTER (WHERE NOT `+v.in()+`hw_sound(b)), count(*) FILTER (WHERE state <> 'CLOSED') FROM `+v.in()+`hw_circuit_breakers b`)
	if err != nil {
		return v.trouble(err)
	}
	var notes, old []string
	for _, h := range holds {
		if since := time.Duration(h.Since) * time.Microsecond; since > forgotten && h.Hold != "held_open" {
			old = append(old, fmt.Sprintf("%q is %s since %s, by %q", h.Key, h.Hold, rough(since), h.By))
		}
	}
	if len(old) > 0 {
		notes = append(notes, some(old, 5)+": release what nobody needs any more")
	}
	c := found[0]
	if c.Foreign > 0 {
		notes = append(notes, plural(c.Foreign, "row")+" that another program has written, such as one on the Python library")
	}
	if c.Unsound > 0 {
		notes = append(notes, plural(c.Unsound, "row")+" that makes no sense; the next program that uses one closes it")
	}
	return ok("%s, %d not closed, %d under a hold", plural(c.All, "breaker"), c.Open, len(holds)).with(notes...)
}
