package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// DSN is the URL of the server's own database, for a superuser. It holds a password.
func (s *Server) DSN() string { return s.dsn(s.database) }

// dsn is the URL of a database.
func (s *Server) dsn(database string) string {
	u := *s.url
	u.Path = "/" + database
	return u.String()
}

// CreateDatabase makes an empty database and returns its DSN. It is dropped when the
// server closes. Tests rather use [Server.Database].
func (s *Server) CreateDatabase(ctx context.Context) (string, error) {
	_, dsn, err := s.create(ctx)
	return dsn, err
}

func (s *Server) create(ctx context.Context) (name, dsn string, err error) {
	name = "hw_" + strings.ToLower(rand.Text())
	if err := s.exec(ctx, s.maintenance, "CREATE DATABASE "+name); err != nil {
		return "", "", fmt.Errorf("postgrestest: making a database: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.databases[name] = true
	return name, s.dsn(name), nil
}

// drop ends a database, whoever uses it.
func (s *Server) drop(ctx context.Context, name string) error {
	if err := s.exec(ctx, s.maintenance, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("postgrestest: dropping a database: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.databases, name)
	return nil
}

// exec runs one statement in a database.
func (s *Server) exec(ctx context.Context, database, statement string) error {
	connection, err := pgx.Connect(ctx, s.dsn(database))
	if err != nil {
		return err
	}
	defer connection.Close(context.WithoutCancel(ctx))
	_, err = connection.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol)
	return err
}

// location is the URL of a private server without its database.
func location(password string, port int, authority string) *url.URL {
	query := url.Values{"sslmode": {"disable"}}
	if authority != "" {
		query = url.Values{"sslmode": {"verify-full"}, "sslrootcert": {authority}}
	}
	return &url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, password),
		Host:     fmt.Sprintf("127.0.0.1:%d", port),
		RawQuery: query.Encode(),
	}
}
