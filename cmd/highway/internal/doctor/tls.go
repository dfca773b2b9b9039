package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// mode is that of sslmode, as far as it shows.
func (s server) mode() string {
	first := s.ways[0]
	switch {
	case first == nil && len(s.ways) == 1:
		return "disable"
	case first == nil:
		return "allow"
	case len(s.ways) > 1:
		return "prefer"
	case !first.InsecureSkipVerify:
		return "verify-full"
	case first.VerifyPeerCertificate != nil:
		return "verify-ca"
	}
	return "require"
}

// verified is what a mode verifies.
var verified = map[string]string{
	"verify-full": "who signed the certificate and the server's name are verified",
	"verify-ca":   "who signed the certificate is verified, the server's name is not",
}

// near says that nobody stands between this process and the server.
func (s server) near() bool {
	network, _ := pgconn.NetworkAddress(s.host, s.port)
	ip := net.ParseIP(s.host)
	return network == "unix" || strings.EqualFold(s.host, "localhost") || ip != nil && ip.IsLoopback()
}

// lookTLS tells of the server with the worst to tell. Where another one is without fault
// programs use that.
func lookTLS(ctx context.Context, v *visit) Finding {
	worst, usable := Finding{}, false
	for _, s := range v.servers {
		f := v.lookTLSOf(ctx, s)
		usable = usable || f.Status != Fault
		if worst.Status == "" || f.Status == Fault && worst.Status != Fault || f.Status == Warning && worst.Status == OK {
			worst = f
		}
	}
	if worst.Status == Fault && usable {
		worst.Status = Warning
	}
	return worst
}

const verifyAdvice = "set HW_DB_SSLMODE=verify-full, and HW_DB_SSLROOTCERT to the file of the authority; or sslmode and sslrootcert in the connection string"

func (v *visit) lookTLSOf(ctx context.Context, s server) Finding {
	mode := s.mode()
	if network, _ := pgconn.NetworkAddress(s.host, s.port); network == "unix" {
		return ok("a socket of this machine needs none")
	}
	plain := func(why string) Finding {
		if s.near() {
			return ok("no encryption, %s, and the server is on this machine", why)
		}
		return warning(verifyAdvice, "no encryption, %s: who is on the way reads the password and everything else", why)
	}
	if s.ways[0] == nil {
		return plain("as sslmode is " + mode)
	}
	state, err := v.handshake(ctx, s, s.ways[0])
	switch {
	case errors.Is(err, errNoTLS) && mode == "prefer":
		return plain("as the server offers none")
	case errors.Is(err, errNoTLS):
		return fault("switch TLS on at the server (ssl = on), or set "+v.says("HW_DB_SSLMODE")+" to prefer if the way there is safe",
			"the server offers no TLS, and sslmode %s wants it", mode)
	case err != nil && mode == "prefer":
		return plain("as TLS fails: " + err.Error())
	case err != nil:
		return v.distrust(ctx, s, err)
	}
	saw := fmt.Sprintf("%s, sslmode %s: ", tls.VersionName(state.Version), mode)
	leaf := state.PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	end := fmt.Sprintf("; the certificate ends on %s", leaf.NotAfter.UTC().Format(time.DateOnly))
	const renew = "give the server a new certificate before that"
	if how := verified[mode]; how != "" {
		if left < expiring {
			return warning(renew, "%s%s%s", saw, how, end)
		}
		return ok("%s%s%s", saw, how, end)
	}
	saw += "nothing of the certificate is verified"
	switch {
	case !s.near():
		return warning(verifyAdvice, "%s, so somebody on the way can pose as the server and read the password%s", saw, end)
	case left < expiring:
		return ok("%s%s", saw, end).with("the certificate ends soon, or has ended, which sslmode " + mode + " does not mind")
	}
	return ok("%s, and the server is on this machine%s", saw, end)
}

// expiring is how much is left of a certificate that should be renewed.
const expiring = 14 * 24 * time.Hour

var errNoTLS = errors.New("the server offers no TLS")

// handshake makes a connection for the handshake alone.
func (v *visit) handshake(ctx context.Context, s server, config *tls.Config) (state tls.ConnectionState, err error) {
	bounded, cancel := context.WithTimeout(ctx, dialing)
	defer cancel()
	conn, err := v.dial(bounded, s)
	if err != nil {
		return state, err
	}
	defer conn.Close()
	stop := context.AfterFunc(bounded, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if v.config.SSLNegotiation != "direct" {
		const sslRequest = 80877103
		if err := binary.Write(conn, binary.BigEndian, []int32{8, sslRequest}); err != nil {
			return state, err
		}
		answer := make([]byte, 1)
		if _, err := io.ReadFull(conn, answer); err != nil {
			return state, silent(bounded, err)
		}
		if answer[0] != 'S' {
			return state, errNoTLS
		}
	}
	encrypted := tls.Client(conn, config)
	if err := encrypted.HandshakeContext(bounded); err != nil {
		return state, silent(bounded, err)
	}
	return encrypted.ConnectionState(), nil
}

// silent is the context's error if that is why there was no answer.
func silent(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// distrust says why a handshake failed. It looks at the certificate once more, without
// verifying it.
func (v *visit) distrust(ctx context.Context, s server, err error) Finding {
	root, mode := v.says("HW_DB_SSLROOTCERT"), v.says("HW_DB_SSLMODE")
	shown := "its certificate"
	blind := s.ways[0].Clone()
	blind.InsecureSkipVerify, blind.VerifyPeerCertificate = true, nil
	if state, err := v.handshake(ctx, s, blind); err == nil {
		leaf := state.PeerCertificates[0]
		shown = fmt.Sprintf("its certificate for %s by %q", some(named(leaf), 4), leaf.Issuer.CommonName)
	}
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &hostname):
		return fault("connect by a name that the certificate has, or give the server one for "+fmt.Sprintf("%q", s.host)+
			"; "+mode+" as verify-ca does without the name", "%s is not for the host %q", shown, s.host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fault("give the server a new certificate; if it is not old, look at this machine's clock",
			"%s is not valid now: it is from %s to %s", shown, invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly))
	case errors.As(err, &authority):
		return fault("set "+root+" to the file of the authority that has signed it", "nobody whom this machine trusts has signed %s", shown)
	case late(err):
		return fault("look whether it is a PostgreSQL server that answers there, and whether it hangs", "%s takes connections, and then says nothing", s)
	}
	return fault("look at what the certificate lacks, and at the TLS versions of both sides", "TLS fails: %v", err)
}

// named are the names that a certificate is for.
func named(c *x509.Certificate) (names []string) {
	for _, name := range c.DNSNames {
		names = append(names, fmt.Sprintf("%q", name))
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		names = append(names, fmt.Sprintf("%q", c.Subject.CommonName))
	}
	return names
}
