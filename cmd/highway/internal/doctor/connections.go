package doctor

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// perProcess is how many connections a process has at most, unless it says otherwise.
const perProcess = 5

// lookConnections counts for all databases of the server, and for the role if it has a limit
// of its own.
func lookConnections(ctx context.Context, v *visit) Finding {
	type counts struct{ Used, Most, Reserved, Own, OwnMost int }
	all, err := table(ctx, v, pgx.RowToStructByPos[counts], `SELECT
		(SELECT coalesce(sum(numbackends), 0)::integer FROM pg_stat_database),
		current_setting('max_connections')::integer,
		current_setting('superuser_reserved_connections')::integer + coalesce(current_setting('reserved_connections', true)::integer, 0),
		(SELECT count(*) FROM pg_stat_activity WHERE usename = current_user),
		(SELECT CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END FROM pg_roles WHERE rolname = current_user)`)
	if err != nil {
		return v.trouble(err)
	}
	c := all[0]
	if left := c.OwnMost - c.Own; c.OwnMost >= 0 && left < c.Most-c.Reserved-c.Used {
		return roomFor(left, c.OwnMost, c.Own).with(fmt.Sprintf("it is the limit of the role %q", v.facts.user))
	}
	return roomFor(c.Most-c.Reserved-c.Used, c.Most, c.Used)
}

// roomFor judges what is left.
func roomFor(left, most, used int) Finding {
	left = max(left, 0)
	if left < max(2*perProcess, most/10) {
		return warning("raise max_connections, lower pool_max_conns in the programs, or use a pooler: a process has up to five connections, and one that finds none is on its own",
			"%s left of %d, %d are in use", plural(left, "connection"), most, used)
	}
	return ok("%s left of %d, %d are in use", plural(left, "connection"), most, used)
}
