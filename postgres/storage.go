package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/postgres/schema"
)

// A Storage is a [fleet.Storage] in a PostgreSQL database, made by [Open] or [New]. It is
// safe for concurrent use.
//
// A database that is away, slow, full or read-only makes its methods fail; the protectors
// on it are on their own until it answers again, and then join the fleet again. An error
// says what to do about it, if it is one that is known, and wraps the driver's, such as a
// *pgconn.PgError. After Close it is [fleet.ErrClosed].
//
// A key is UTF-8 without zero bytes, of 1 to [fleet.LongestKey] bytes; a namespace and a
// colon take theirs from that.
type Storage struct {
	pool      *pgxpool.Pool
	owned     bool // the pool is ours to close
	listener  *pgx.ConnConfig
	namespace string
	prefix    string // of the keys in the table
	functions functions
	status    status

	// ctx ends with the storage.
	ctx    context.Context
	cancel context.CancelFunc
	once   sync.Once
	warned sync.Once
	closed chan struct{} // the pool is
}

var _ fleet.Ledger = (*Storage)(nil)

// functions are the statements that call the functions of the schema.
type functions struct{ exchange, change, sweep, channel, tell, list, look, history, seen, remove string }

// An Option is a choice that [Open] and [New] leave open. Of two for the same choice the
// later counts. What makes no sense is an error of theirs.
type Option func(*choices)

// choices are the options that were taken.
type choices struct {
	schema    string
	namespace string
	pollOnly  bool
	listener  string
	listening *pgx.ConnConfig // listener, parsed
	onStatus  func(Status)
}

// WithSchema names the schema of the tables, as "highway setup --schema" does. The default
// is "public".
func WithSchema(name string) Option { return func(c *choices) { c.schema = name } }

// WithNamespace isolates the fleet from others in the same table: the same key in another
// namespace is another breaker. Its keys begin with the namespace and a colon there, and
// are shorter by as much. It has at most [LongestNamespace] bytes, and no colon or control
// character. The default is none.
func WithNamespace(name string) Option { return func(c *choices) { c.namespace = name } }

// WithPollOnly does without notifications: the protectors look once a second, and hear of
// a change within a second or two. For databases that are reached through a pooler in
// transaction mode, where notifications do not come, this saves the attempt. It excludes
// [WithListener].
func WithPollOnly() Option { return func(c *choices) { c.pollOnly = true } }

// WithListener lets notifications come by another connection string than all else: one
// that leads to the server itself where the pool goes through a pooler in transaction
// mode, by which they do not come. It must be the same database. Nothing of dsn appears in
// errors.
func WithListener(dsn string) Option { return func(c *choices) { c.listener = dsn } }

// WithStatus calls changed when the storage becomes reachable or unreachable, or
// notifications come or cease: with each change, in their order, one call at a time, in a
// goroutine of its own. It may take its time, and use the storage. A panic in it is logged.
func WithStatus(changed func(Status)) Option { return func(c *choices) { c.onStatus = changed } }

// LongestNamespace is how many bytes a namespace has at most.
const LongestNamespace = 63

func (c *choices) check() error {
	if err := schema.Check(c.schema); err != nil {
		return err
	}
	switch {
	case c.pollOnly && c.listener != "":
		return errors.New("highway/postgres: WithPollOnly and WithListener exclude each other")
	case len(c.namespace) > LongestNamespace:
		return fmt.Errorf("highway/postgres: a namespace has at most %d bytes, this one has %d", LongestNamespace, len(c.namespace))
	case strings.ContainsFunc(c.namespace, func(r rune) bool { return r == ':' || r < ' ' || r == '\uFFFD' }):
		return fmt.Errorf("highway/postgres: namespace %q: it must be UTF-8 without colons and control characters", c.namespace)
	}
	return nil
}

// Open returns a storage on a pool of its own, for a connection string in one of the two
// forms that libpq knows. It does not wait for the database, which may be away: an error
// means that the string or an option makes no sense. Unless the string says otherwise the
// pool has at most four connections, which serve any number of protectors; one more
// listens. The end of ctx does nothing to what Open has returned: that ends with Close.
//
// Nothing of the string appears in errors, which may contain a password.
func Open(ctx context.Context, dsn string, options ...Option) (*Storage, error) {
	config, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	return connect(ctx, config, options)
}

// connect makes a pool, which connects when it has to.
func connect(ctx context.Context, config *pgxpool.Config, options []Option) (*Storage, error) {
	c, err := chosen(options)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("highway/postgres: %w", err)
	}
	return start(pool, true, c), nil
}

// New returns a storage on a pool of the user's own, which it never closes. Notifications
// come through a further connection with the settings of the pool. It does not wait for
// the database; an error means that the pool is nil or that an option makes no sense.
func New(pool *pgxpool.Pool, options ...Option) (*Storage, error) {
	if pool == nil {
		return nil, errors.New("highway/postgres: the pool must not be nil")
	}
	c, err := chosen(options)
	if err != nil {
		return nil, err
	}
	return start(pool, false, c), nil
}

func chosen(options []Option) (choices, error) {
	c := choices{schema: schema.Default}
	for _, option := range options {
		option(&c)
	}
	if err := c.check(); err != nil || c.listener == "" {
		return c, err
	}
	config, err := parse(c.listener)
	if err != nil {
		return c, err
	}
	c.listening = config.ConnConfig
	return c, nil
}

func start(pool *pgxpool.Pool, owned bool, c choices) *Storage {
	in := pgx.Identifier{c.schema}.Sanitize() + "."
	s := &Storage{
		pool:      pool,
		owned:     owned,
		namespace: c.namespace,
		functions: functions{
			exchange: "SELECT * FROM " + in + "hw_exchange($1, $2, $3::jsonb)",
			change:   "SELECT " + in + "hw_change($1, $2, $3, $4, $5, $6::jsonb)",
			sweep:    "SELECT " + in + "hw_sweep($1, $2, $3::integer)",
			list:     "SELECT * FROM " + in + "hw_list($1, $2, $3, $4, $5, $6, $7::integer)",
			look:     "SELECT * FROM " + in + "hw_look($1, $2)",
			history:  "SELECT * FROM " + in + "hw_history($1, $2, $3, $4::integer)",
			seen:     "SELECT * FROM " + in + "hw_seen($1)",
			remove:   "SELECT " + in + "hw_remove($1, $2, $3, $4, $5, $6, $7)",
			channel:  "SELECT " + in + "hw_channel()",
			tell:     "SELECT pg_notify(" + in + "hw_channel(), $1)",
		},
		closed: make(chan struct{}),
	}
	s.status.changed = c.onStatus
	if c.namespace != "" {
		s.prefix = c.namespace + ":"
	}
	if s.listener = c.listening; s.listener == nil && !c.pollOnly {
		s.listener = pool.Config().ConnConfig.Copy()
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close implements [fleet.Storage]. It ends what runs for the protectors on the storage,
// as [highway.CloseStorage] does, and closes the pool if [Open] has made it. From then on
// the protectors are on their own. It returns when all has ended, or ctx has. Closing again
// does nothing more.
func (s *Storage) Close(ctx context.Context) error {
	err := highway.CloseStorage(ctx, s)
	s.once.Do(func() {
		s.cancel()
		go func() {
			defer close(s.closed)
			if s.owned {
				s.pool.Close() // waits for those who have a connection, which ctx has told to end
			}
		}()
	})
	select {
	case <-s.closed:
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

// String says which database it is, such as "postgres localhost:5432/highway".
func (s *Storage) String() string {
	c := s.pool.Config().ConnConfig
	return fmt.Sprintf("postgres %s:%d/%s", c.Host, c.Port, c.Database)
}

// GoString is String, so that %#v shows no more.
func (s *Storage) GoString() string { return s.String() }

// until returns a context that also ends with the storage.
func (s *Storage) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// warn says that somebody on the way to the server may pose as it. It is said with the
// first request: who makes a storage may hold a lock that a log needs.
func (s *Storage) warn() {
	if config := s.pool.Config().ConnConfig; unverified(config) {
		slog.Warn("highway: the connection to PostgreSQL is not verified; set sslmode=verify-full", "host", config.Host)
	}
}
