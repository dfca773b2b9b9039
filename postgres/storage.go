package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/postgres/schema"
)

// A Storage is a [fleet.Storage] in a PostgreSQL database. It is safe for concurrent use.
//
// A database that is away, slow, full or read-only makes its methods fail; the protectors
// on it are on their own until it answers again, and then join the fleet again.
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
	closed chan struct{} // the pool is
}

var _ fleet.Storage = (*Storage)(nil)

// functions are the statements that call the functions of the schema.
type functions struct{ exchange, change, sweep, channel, tell string }

// An Option is a choice that [Open] and [New] leave open.
type Option func(*settings)

type settings struct {
	schema    string
	namespace string
	pollOnly  bool
	onStatus  func(Status)
}

// WithSchema names the schema of the tables. The default is "public".
func WithSchema(name string) Option { return func(s *settings) { s.schema = name } }

// WithNamespace isolates the fleet from others in the same table: the same key in another
// namespace is another breaker. Its keys begin with the namespace and a colon there, and
// are shorter by as much. The default is none.
func WithNamespace(name string) Option { return func(s *settings) { s.namespace = name } }

// WithPollOnly does without notifications: the protectors look once a second. For
// databases that are reached through a pooler in transaction mode, where notifications do
// not come, this saves the attempt.
func WithPollOnly() Option { return func(s *settings) { s.pollOnly = true } }

// WithStatus calls changed when the storage becomes reachable or unreachable, or
// notifications come or cease, one call at a time, in a goroutine of its own. A panic in
// it is logged.
func WithStatus(changed func(Status)) Option { return func(s *settings) { s.onStatus = changed } }

// LongestNamespace is how many bytes a namespace has at most.
const LongestNamespace = 63

func (s *settings) check() error {
	if err := schema.Check(s.schema); err != nil {
		return err
	}
	switch {
	case len(s.namespace) > LongestNamespace:
		return fmt.Errorf("postgres: a namespace has at most %d bytes, this one has %d", LongestNamespace, len(s.namespace))
	case strings.ContainsFunc(s.namespace, func(r rune) bool { return r == ':' || r < ' ' || r == '\uFFFD' }):
		return fmt.Errorf("postgres: namespace %q: it must be UTF-8 without colons and control characters", s.namespace)
	}
	return nil
}

// Open returns a storage on a pool of its own, for a connection string in one of the two
// forms that libpq knows. It does not wait for the database, which may be away: an error
// means that the string or an option makes no sense. Unless the string says otherwise the
// pool has at most four connections, which serve any number of protectors.
//
// Nothing of the string appears in errors, which may contain a password.
func Open(ctx context.Context, dsn string, options ...Option) (*Storage, error) {
	config, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	return open(ctx, config, options)
}

func open(ctx context.Context, config *pgxpool.Config, options []Option) (*Storage, error) {
	settings, err := collect(options)
	if err != nil {
		return nil, err
	}
	warnUnverified(&config.ConnConfig.Config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return start(pool, true, settings), nil
}

// New returns a storage on a pool of the user's own, which it never closes. Notifications
// come through a further connection with the settings of the pool.
func New(pool *pgxpool.Pool, options ...Option) (*Storage, error) {
	if pool == nil {
		return nil, errors.New("postgres: the pool must not be nil")
	}
	settings, err := collect(options)
	if err != nil {
		return nil, err
	}
	return start(pool, false, settings), nil
}

func collect(options []Option) (settings, error) {
	s := settings{schema: schema.Default}
	for _, option := range options {
		option(&s)
	}
	return s, s.check()
}

func start(pool *pgxpool.Pool, owned bool, c settings) *Storage {
	in := pgx.Identifier{c.schema}.Sanitize() + "."
	s := &Storage{
		pool:      pool,
		owned:     owned,
		namespace: c.namespace,
		functions: functions{
			exchange: "SELECT * FROM " + in + "hw_exchange($1, $2, $3::jsonb)",
			change:   "SELECT " + in + "hw_change($1, $2, $3, $4, $5, $6::jsonb)",
			sweep:    "SELECT " + in + "hw_sweep($1, $2, $3::integer)",
			channel:  "SELECT " + in + "hw_channel()",
			tell:     "SELECT pg_notify(" + in + "hw_channel(), $1)",
		},
		closed: make(chan struct{}),
	}
	s.status.changed = c.onStatus
	if c.namespace != "" {
		s.prefix = c.namespace + ":"
	}
	if !c.pollOnly {
		s.listener = pool.Config().ConnConfig.Copy()
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close implements [fleet.Storage]. It ends what runs for the protectors on the storage,
// as [highway.CloseStorage] does, and closes the pool if [Open] has made it.
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

// String says which database it is, without the password.
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

// warnUnverified says that anybody on the way may pose as the server.
func warnUnverified(c *pgconnConfig) {
	if hosts := unverified(c); len(hosts) > 0 {
		slog.Warn("highway: the connection to PostgreSQL is not verified; set sslmode=verify-full", "host", strings.Join(hosts, ","))
	}
}

// unverified are the hosts, other than this machine, that are reached without checking
// that it is they.
func unverified(c *pgconnConfig) []string {
	var hosts []string
	note := func(host string, verified bool) {
		ip := net.ParseIP(host)
		local := host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || ip != nil && ip.IsLoopback()
		if !local && !verified && (len(hosts) == 0 || hosts[len(hosts)-1] != host) {
			hosts = append(hosts, host)
		}
	}
	note(c.Host, verifies(c.TLSConfig))
	for _, f := range c.Fallbacks {
		note(f.Host, verifies(f.TLSConfig))
	}
	return hosts
}
