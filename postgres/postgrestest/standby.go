package postgrestest

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Standby starts a server that follows this one and answers reads meanwhile. It has the
// same databases, options and password, and closes with this one. It needs pg_basebackup,
// which the download lacks: then the error is [ErrMissing].
func (s *Server) Standby(ctx context.Context) (*Server, error) {
	if err := s.running(); err != nil {
		return nil, err
	}
	if err := s.binaries.missing("pg_basebackup"); err != nil {
		return nil, err
	}
	standby, err := prepare(ctx, s.options)
	if err != nil {
		return nil, err
	}
	standby.binaries, standby.from = s.binaries, s.from
	standby.password, standby.authority, standby.database = s.password, s.authority, s.database
	standby.url = location(s.password, standby.port, s.authority)
	if err := standby.follow(ctx, s); err != nil {
		return nil, errors.Join(err, standby.Close())
	}
	s.standbys = append(s.standbys, standby)
	return standby, nil
}

// follow copies the primary's data and starts with it.
func (s *Server) follow(ctx context.Context, primary *Server) error {
	// The password is in the environment, because everybody can see the arguments.
	open := location("", primary.port, primary.authority)
	open.User = nil
	query := open.Query()
	query.Set("user", superuser)
	open.RawQuery = query.Encode()
	open.Path = "/"
	if err := s.run(ctx, "pg_basebackup", "-D", s.data(), "-d", open.String(),
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"); err != nil {
		return err
	}
	if err := s.prepareClock(); err != nil {
		return err
	}
	return s.startFirst(ctx)
}

// Promote makes a standby a server of its own, which takes writes.
func (s *Server) Promote(ctx context.Context) error {
	if err := s.running(); err != nil {
		return err
	}
	connection, err := pgx.Connect(ctx, s.dsn(s.maintenance))
	if err != nil {
		return fmt.Errorf("postgrestest: promoting: %w", err)
	}
	defer connection.Close(context.WithoutCancel(ctx))
	var done bool
	if err := connection.QueryRow(ctx, "SELECT pg_promote(true, $1)", int(patience.Seconds())).Scan(&done); err != nil {
		return fmt.Errorf("postgrestest: promoting: %w", err)
	}
	if !done {
		return errors.New("postgrestest: the standby was not promoted in time")
	}
	return nil
}
