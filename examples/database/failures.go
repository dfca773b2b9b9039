package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// outage says whether an error is the database's fault, and counts for its breaker. What
// the statement or the data is to blame for does not: a violated constraint, no rows, a
// mistake in the SQL. There the database has answered, which is a success.
func outage(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return outageCode(answer.Code)
	}
	var network net.Error // refused, reset, timed out
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect) || pgconn.SafeToRetry(err) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// outageCode says it of the codes in
// https://www.postgresql.org/docs/current/errcodes-appendix.html, by their class.
func outageCode(code string) bool {
	switch code[:min(2, len(code))] {
	case "08", // connection exception
		"40", // rolled back: serialization failure, deadlock
		"53", // out of disk, memory, connections
		"57", // shut down, starting up, statement timeout
		"58", // the server's own files
		"XX": // it has a bug, or corrupted data
		return true
	}
	return code == "55P03" // a lock was not to be had in time
}

// undone says that the attempt has certainly changed nothing, so that also one that
// writes may be made again: the transaction was rolled back, or nothing ever reached the
// server. Of a connection that is lost while it commits nobody knows.
func undone(err error) bool {
	var answer *pgconn.PgError
	var connect *pgconn.ConnectError
	return errors.As(err, &answer) && strings.HasPrefix(answer.Code, "40") ||
		errors.As(err, &connect) || pgconn.SafeToRetry(err)
}
