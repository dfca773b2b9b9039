package doctor

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// lookPooler finds a pooler by what it cannot hide: the process that serves the session is
// not the one that was named when it began. In transaction mode that process serves another
// session too, while this one is still there.
func lookPooler(ctx context.Context, v *visit) Finding {
	if v.conn.PgConn().PID() == v.facts.backend {
		return ok("none: the connection leads to the server itself")
	}
	bounded, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	other, err := v.second(bounded)
	if err != nil {
		return warning("give the pooler more connections to the server (default_pool_size), as each process wants up to five",
			"a pooler, which lets in no second connection of this process")
	}
	served := map[uint32]*pgx.Conn{v.facts.backend: v.conn}
	for range 5 {
		for _, conn := range []*pgx.Conn{other, v.conn} {
			var backend uint32
			if err := conn.QueryRow(bounded, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
				return v.trouble(err)
			}
			if before := served[backend]; before != nil && before != conn {
				return v.shared()
			}
			served[backend] = conn
		}
	}
	return ok("a pooler, in session mode as it seems").with("each process keeps two or three of its connections to the server")
}

// shared is that of a pooler in transaction mode.
func (v *visit) shared() Finding {
	v.transaction = true
	switch {
	case v.options.Listener != "":
		return ok("a pooler in transaction mode, and notifications come past it, by --listener")
	case v.options.PollOnly:
		return ok("a pooler in transaction mode, and programs do without notifications (--poll-only)")
	}
	return warning("let programs call postgres.Open with WithListener and a connection string that leads to the server itself, "+
		"or connect to the server without the pooler, or accept the delay and say so by WithPollOnly",
		"a pooler in transaction mode: LISTEN succeeds there and nothing comes, so programs look once a second and hear of a decision a second or two late")
}
