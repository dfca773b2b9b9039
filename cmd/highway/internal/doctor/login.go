package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// What a server may say to somebody who wants in.
const (
	wrongPassword = "28P01"
	notLetIn      = "28000"
	noDatabase    = "3D000"
	noRight       = "42501"
	full          = "53300"
	notNow        = "57P03"
)

// lookLogin connects as a program would.
func lookLogin(ctx context.Context, v *visit) Finding {
	began := time.Now()
	conn, err := v.connect(ctx, v.config)
	if err != nil {
		return v.kept(v.config, err)
	}
	v.conn = conn
	took := time.Since(began)
	err = conn.QueryRow(ctx, `SELECT pg_backend_pid(), current_setting('server_version'), current_setting('server_version_num')::integer,
		current_user::text, current_database()::text, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
		pg_is_in_recovery(), current_setting('default_transaction_read_only')::boolean, current_setting('default_transaction_isolation')`,
	).Scan(&v.facts.backend, &v.facts.version, &v.facts.number, &v.facts.user, &v.facts.database, &v.facts.superuser,
		&v.facts.standby, &v.facts.readOnly, &v.facts.isolation)
	if err != nil {
		return v.trouble(err)
	}
	return ok("%q is let into the database %q in %s", v.facts.user, v.facts.database, rough(took)).measured(took)
}

// kept says why the server does not let somebody in, and what to do. No password is in it.
func (v *visit) kept(config *pgx.ConnConfig, err error) Finding {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		switch {
		case late(err):
			return fault("look whether the server hangs, or is overloaded", "the server takes connections, and then says nothing")
		case strings.Contains(err.Error(), "ValidateConnect"):
			return fault("connect to the primary, or name all servers in "+v.says("HW_DB_HOST")+
				"; after a failover, promote a standby", "none of the servers is as target_session_attrs wants it: all may be standbys, or take no writes")
		}
		return fault("look whether it is a PostgreSQL server that answers there", "the login fails: %v", err)
	}
	switch refused.Code {
	case wrongPassword:
		if config.Password == "" {
			return fault("set "+v.says("HW_DB_PASSWORD")+", or have the password in a file .pgpass",
				"the server wants a password for %q, and none is set", config.User)
		}
		return fault(fmt.Sprintf("correct %s, or the user in %s; \\password in psql gives the role another one",
			v.says("HW_DB_PASSWORD"), v.says("HW_DB_USER")), "the password of %q is wrong, or there is no such user", config.User)
	case notLetIn:
		advice := "correct the user in " + v.says("HW_DB_USER") + ", or let it in by a line in the server's pg_hba.conf"
		if strings.Contains(refused.Message, "no encryption") || strings.Contains(refused.Message, "SSL off") {
			advice = "set " + v.says("HW_DB_SSLMODE") + " to verify-full, or require: the server lets some in only with TLS; " +
				"otherwise it is a line in its pg_hba.conf"
		}
		return fault(advice, "the server does not let %q in: %s", config.User, refused.Message)
	case noDatabase:
		return fault(`run "highway setup", which creates it, or correct the name in `+v.says("HW_DB_NAME"),
			"the server has no database %q", config.Database)
	case noRight:
		return fault(fmt.Sprintf("as the database's owner: GRANT CONNECT ON DATABASE %s TO %s", pgx.Identifier{config.Database}.Sanitize(),
			pgx.Identifier{config.User}.Sanitize()), "%q may not connect to the database %q", config.User, config.Database)
	case full:
		return fault("raise max_connections at the server or the role's limit, lower pool_max_conns in the programs, or use a pooler",
			"the server has no connection left: %s", refused.Message)
	case notNow:
		return fault("wait until it has started, and look into its log if it does not", "the server lets nobody in now: %s", refused.Message)
	}
	return fault("do what the server's message says", "the login fails: %s (%s)", refused.Message, refused.Code)
}
