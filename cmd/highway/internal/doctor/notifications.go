package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// hearing is how long a notification has to come, as the storage gives it.
const hearing = 5 * time.Second

// lookNotifications sends one through a channel of its own: on one connection, as all
// requests go, and listens on the other, as a program does.
func lookNotifications(ctx context.Context, v *visit) Finding {
	if v.options.PollOnly {
		return ok("programs do without (--poll-only), and hear of a decision a second or two late")
	}
	if v.transaction && v.options.Listener == "" {
		return skipped("the pooler lets none through")
	}
	listener, config, err := v.listener(ctx)
	if err != nil {
		f := v.kept(config, err)
		f.Saw, f.Advice = "the connection to listen on fails: "+f.Saw, f.Advice+"; it is that of "+v.listens()
		return f
	}
	if listener != v.other {
		defer listener.Close(context.WithoutCancel(ctx))
	}
	patience := hearing
	if end, there := ctx.Deadline(); there {
		patience = min(patience, time.Until(end)/2)
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	channel, token := "hw_doctor_"+strings.ToLower(rand.Text()), rand.Text()
	if _, err := listener.Exec(bounded, "LISTEN "+channel); err != nil {
		return v.trouble(err)
	}
	began := time.Now()
	if err := v.read(bounded, func(tx pgx.Tx) error {
		_, err := tx.Exec(bounded, "SELECT pg_notify($1, $2)", channel, token)
		return err
	}); err != nil {
		return v.trouble(err)
	}
	for {
		n, err := listener.WaitForNotification(bounded)
		switch {
		case err == nil && n.Payload == token:
			took := time.Since(began)
			// Behind a pooler the connection lives on, with what it listens to.
			_, _ = listener.Exec(bounded, "UNLISTEN "+channel)
			return ok("one comes after %s", rough(took)).measured(took)
		case err != nil && bounded.Err() != nil:
			return warning("look what is between this machine and the server, such as a pooler, and let notifications past it with WithListener; "+
				"its connection string must lead to the same database", "LISTEN succeeds, and nothing comes within %s; programs look once a second, and hear of a decision a second or two late", rough(patience))
		case err != nil:
			return v.trouble(err)
		}
	}
}

// listener is the connection on which a program would listen.
func (v *visit) listener(ctx context.Context) (*pgx.Conn, *pgx.ConnConfig, error) {
	if v.options.Listener == "" {
		conn, err := v.second(ctx)
		return conn, v.config, err
	}
	config, err := pgx.ParseConfig(v.options.Listener)
	if err != nil {
		return nil, v.config, errors.New("its connection string makes no sense")
	}
	if config.ConnectTimeout == 0 { // the driver would wait for ever
		config.ConnectTimeout = dialing
	}
	conn, err := v.connect(ctx, config)
	return conn, config, err
}

func (v *visit) listens() string {
	if v.options.Listener != "" {
		return "--listener"
	}
	return "a second connection"
}
