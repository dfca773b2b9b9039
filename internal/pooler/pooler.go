// Package pooler runs a PgBouncer, for tests.
package pooler

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/highway-engine/highway/internal/child"
)

// ErrMissing is in the error of [Start] where PgBouncer is not installed.
var ErrMissing = errors.New("pooler: install pgbouncer (apt-get install pgbouncer)")

// A Mode is for how long a client keeps a connection to the server.
type Mode string

// The modes.
const (
	Transaction Mode = "transaction"
	Session     Mode = "session"
)

// A Pooler is a PgBouncer.
type Pooler struct {
	command *exec.Cmd
	dir     string
	port    int
}

// Start starts a pooler in transaction mode before the database of a URL, which it finds at
// an address. Its clients need no password.
func Start(ctx context.Context, dsn, address string) (*Pooler, error) {
	return StartIn(ctx, Transaction, dsn, address)
}

// StartIn is Start in any mode.
func StartIn(ctx context.Context, mode Mode, dsn, address string) (*Pooler, error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		return nil, ErrMissing
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("pooler: the DSN is no URL") // it holds a password
	}
	password, _ := u.User.Password()
	host, server, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	dir, err := os.MkdirTemp("/tmp", "hw-chaos-")
	if err != nil {
		return nil, err
	}
	p := &Pooler{dir: dir, port: port}
	config := filepath.Join(dir, "pgbouncer.ini")
	err = os.WriteFile(config, fmt.Appendf(nil, `[databases]
%s = host=%s port=%s user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = %s
default_pool_size = 8
ignore_startup_parameters = extra_float_digits
server_connect_timeout = 2
server_login_retry = 1
logfile = %s
`, strings.TrimPrefix(u.Path, "/"), host, server, u.User.Username(), password, port, mode, filepath.Join(dir, "log")), 0o600)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	arguments := []string{"-q"}
	if os.Geteuid() == 0 { // which it refuses to be
		if err := p.give("nobody"); err != nil {
			return nil, errors.Join(err, p.Close())
		}
		arguments = append(arguments, "-u", "nobody")
	}
	p.command = exec.Command(program, append(arguments, config)...)
	child.Bind(p.command)
	if err := p.command.Start(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", p.Addr())
		if err == nil {
			conn.Close()
			return p, nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
}

// give makes the pooler's folder somebody else's.
func (p *Pooler) give(name string) error {
	account, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return err
	}
	return errors.Join(os.Chown(p.dir, uid, -1), os.Chown(filepath.Join(p.dir, "pgbouncer.ini"), uid, -1))
}

// Addr is the host and port of the pooler.
func (p *Pooler) Addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

// Close ends the pooler.
func (p *Pooler) Close() error {
	if p.command != nil && p.command.Process != nil {
		p.command.Process.Kill()
		p.command.Wait()
	}
	return os.RemoveAll(p.dir)
}
