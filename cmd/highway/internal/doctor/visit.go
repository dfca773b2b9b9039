package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/highway-engine/highway/postgres/schema"
)

// Options say whose fleet to look at. They mean what those of package postgres mean.
type Options struct {
	DSN       string // instead of the variables HW_DB_*
	Schema    string // "public" if it is empty
	Namespace string // HW_NAMESPACE if it is empty
	Listener  string // the connection string of WithListener
	PollOnly  bool
	Timeout   time.Duration // for everything
}

// DefaultTimeout is what the command gives everything.
const DefaultTimeout = 10 * time.Second

// A visit is what the checks have learned so far.
type visit struct {
	options  Options
	findings []Finding
	roots    map[string]string // of each skipped check: the one with the fault
	out      string            // the check before which the time was up

	origin    map[string]string // of each variable: where it is set
	config    *pgx.ConnConfig
	namespace string
	servers   []server // which answer

	conn, other *pgx.Conn
	facts       facts
	transaction bool // a pooler in transaction mode stands before the server
	roles       roles
	looks       bool   // the user has the rights of monitoring
	nobody      string // says so, if nobody lives in the namespace
}

// facts are what the server says of itself and the session.
type facts struct {
	backend           uint32 // the process that serves the session
	version           string
	number            int
	user, database    string
	superuser         bool
	standby, readOnly bool
	isolation         string
}

func (v *visit) schema() string {
	if v.options.Schema == "" {
		return schema.Default
	}
	return v.options.Schema
}

// in is the schema's name before that of something in it.
func (v *visit) in() string { return pgx.Identifier{v.schema()}.Sanitize() + "." }

// connect makes a connection of its own.
func (v *visit) connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	config = config.Copy()
	config.RuntimeParams["application_name"] = "highway doctor"
	// As the storage does: a pooler would have to keep what is prepared.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	return pgx.ConnectConfig(ctx, config)
}

// second is a further connection, for what one alone does not show.
func (v *visit) second(ctx context.Context) (_ *pgx.Conn, err error) {
	if v.other == nil || v.other.IsClosed() {
		v.other, err = v.connect(ctx, v.config)
	}
	return v.other, err
}

// session is the connection for all else, or another one if it has broken.
func (v *visit) session(ctx context.Context) (*pgx.Conn, error) {
	if v.conn.IsClosed() {
		conn, err := v.connect(ctx, v.config)
		if err != nil {
			return nil, err
		}
		v.conn = conn
	}
	return v.conn, nil
}

// read asks in a transaction in which the server lets nobody write.
func (v *visit) read(ctx context.Context, f func(pgx.Tx) error) error {
	conn, err := v.session(ctx)
	if err != nil {
		return err
	}
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, f)
}

// table reads all rows of a query, in a transaction of its own.
func table[T any](ctx context.Context, v *visit, to pgx.RowToFunc[T], sql string, args ...any) (all []T, err error) {
	err = v.read(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, to)
		return err
	})
	return all, err
}

// trouble is that a check's question was not answered.
func (v *visit) trouble(err error) Finding {
	if late(err) {
		return fault("look whether the server is overloaded or something on the way is; a longer --timeout shows whether it answers at all",
			"no answer came in time")
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return fault("do what the server's message says", "%v", schema.Explain(refused))
	}
	return fault("run this again; if it happens again, look into the server's log", "the connection broke: %v", err)
}

func (v *visit) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, conn := range []*pgx.Conn{v.conn, v.other} {
		if conn != nil {
			_ = conn.Close(ctx)
		}
	}
}

// says names a variable and where it is set, for advice.
func (v *visit) says(name string) string {
	switch {
	case v.options.DSN != "":
		return "--dsn"
	case v.origin["HW_DB_DSN"] != "":
		name = "HW_DB_DSN"
	}
	if at := v.origin[name]; at != "" {
		return fmt.Sprintf("%s (%s)", name, at)
	}
	return name + " (which is not set)"
}
