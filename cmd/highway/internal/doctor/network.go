package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A server is one that the configuration names, with the ways to connect to it, the first
// first: nil is without TLS.
type server struct {
	host string
	port uint16
	ways []*tls.Config
}

func (s server) String() string {
	if network, address := pgconn.NetworkAddress(s.host, s.port); network == "unix" {
		return address
	}
	return net.JoinHostPort(s.host, fmt.Sprint(s.port))
}

// servers are those of the configuration.
func servers(config *pgx.ConnConfig) (all []server) {
	add := func(host string, port uint16, way *tls.Config) {
		for i := range all {
			if all[i].host == host && all[i].port == port {
				all[i].ways = append(all[i].ways, way)
				return
			}
		}
		all = append(all, server{host, port, []*tls.Config{way}})
	}
	add(config.Host, config.Port, config.TLSConfig)
	for _, f := range config.Fallbacks {
		add(f.Host, f.Port, f.TLSConfig)
	}
	return all
}

func addresses(config *pgx.ConnConfig) string {
	var all []string
	for _, s := range servers(config) {
		all = append(all, s.String())
	}
	return strings.Join(all, ", ")
}

// dialing is how long a server has to answer, as the storage gives it.
const dialing = 5 * time.Second

// dial connects to a server as the driver would.
func (v *visit) dial(ctx context.Context, s server) (net.Conn, error) {
	network, address := pgconn.NetworkAddress(s.host, s.port)
	if network == "unix" {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	addresses, err := v.config.LookupFunc(ctx, s.host)
	if err != nil {
		return nil, err
	}
	err = &net.DNSError{Err: "no address", Name: s.host, IsNotFound: true}
	for _, ip := range addresses {
		if _, _, split := net.SplitHostPort(ip); split == nil {
			address = ip
		} else {
			address = net.JoinHostPort(ip, fmt.Sprint(s.port))
		}
		conn, failed := v.config.DialFunc(ctx, network, address)
		if failed == nil {
			return conn, nil
		}
		err = failed
	}
	return nil, err
}

// lookNetwork tries all servers at once, as one that is silent would take the others' time.
func lookNetwork(ctx context.Context, v *visit) Finding {
	all := servers(v.config)
	errs, times := make([]error, len(all)), make([]time.Duration, len(all))
	patience := dialing
	if end, there := ctx.Deadline(); there {
		patience = min(patience, time.Until(end)/2)
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var dialed sync.WaitGroup
	for i, s := range all {
		dialed.Go(func() {
			began := time.Now()
			conn, err := v.dial(bounded, s)
			if errs[i], times[i] = err, time.Since(began); err == nil {
				conn.Close()
			}
		})
	}
	dialed.Wait()
	var away, advice []string
	fastest := time.Duration(0)
	for i, s := range all {
		if errs[i] == nil {
			if v.servers = append(v.servers, s); fastest == 0 || times[i] < fastest {
				fastest = times[i]
			}
			continue
		}
		what, do := v.unreachable(s, errs[i])
		away, advice = append(away, what), append(advice, do)
	}
	switch {
	case len(v.servers) == 0:
		return fault(advice[0], "%s", strings.Join(away, "; "))
	case len(away) > 0:
		return warning(advice[0], "%s answers; %s", v.servers[0], strings.Join(away, "; ")).measured(fastest)
	case len(all) == 1:
		return ok("%s answers in %s", all[0], rough(fastest)).measured(fastest)
	}
	return ok("all %d servers answer, the fastest in %s", len(all), rough(fastest)).measured(fastest)
}

// unreachable says why nobody answers, and what to do.
func (v *visit) unreachable(s server, err error) (what, advice string) {
	host, port := v.says("HW_DB_HOST"), v.says("HW_DB_PORT")
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns) && !dns.IsTimeout:
		return fmt.Sprintf("the name %q has no address", s.host),
			"correct the host in " + host + ", or the name server that this machine asks"
	case errors.As(err, &dns):
		return fmt.Sprintf("no name server says in time what the address of %q is", s.host),
			"look at the name servers of this machine"
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("there is no socket %s", s),
			"start the server, or correct the folder in " + host + ": it is the server's unix_socket_directories"
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nobody listens at %s", s),
			"start the server, or correct " + host + " and " + port + "; the server's listen_addresses must have that address too"
	case late(err) || errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("%s does not answer", s),
			"look for a firewall or security group on the way, and whether " + host + " is right"
	}
	return fmt.Sprintf("%s cannot be reached: %v", s, err), "look at the network between here and there"
}
