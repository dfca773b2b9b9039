package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// guarded listens as a PostgreSQL server with TLS does, with a certificate for localhost
// that ends after some time, and signs it. It returns the port and the certificate's file.
func guarded(t *testing.T, left time.Duration) (port, root string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "somebody"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(left), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root = filepath.Join(t.TempDir(), "root.crt")
	if err := os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := io.ReadFull(conn, make([]byte, 8)); err != nil {
					return
				}
				_, _ = conn.Write([]byte("S"))
				_ = tls.Server(conn, config).Handshake()
			}()
		}
	}()
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port, root
}

func TestCertificates(t *testing.T) {
	const long, short = 100 * 24 * time.Hour, 3 * 24 * time.Hour
	for name, test := range map[string]struct {
		left       time.Duration
		mode, host string
		trusted    bool
		status     Status
		want       string
	}{
		"good":                {long, "verify-full", "localhost", true, OK, "are verified"},
		"ends soon":           {short, "verify-full", "localhost", true, Warning, "give the server a new certificate"},
		"has ended":           {-time.Hour, "verify-full", "localhost", true, Fault, "is not valid now"},
		"of another":          {long, "verify-full", "db.example", true, Fault, `its certificate for "localhost" by "somebody" is not for the host "db.example"`},
		"without a name":      {long, "verify-ca", "db.example", true, OK, "the server's name is not"},
		"of a stranger":       {long, "verify-full", "localhost", false, Fault, "nobody whom this machine trusts has signed"},
		"looked at by none":   {long, "require", "db.example", false, Warning, "somebody on the way can pose as the server"},
		"soon, and who cares": {short, "require", "localhost", false, OK, "which sslmode require does not mind"},
		"preferred":           {long, "prefer", "db.example", false, Warning, "verify-full"},
		"none at all":         {long, "disable", "db.example", false, Warning, "reads the password"},
		"allowed":             {long, "allow", "localhost", false, OK, "sslmode is allow"},
	} {
		t.Run(name, func(t *testing.T) {
			port, root := guarded(t, test.left)
			dsn := "user=u dbname=d host=" + test.host + " port=" + port + " sslmode=" + test.mode
			if test.trusted {
				dsn += " sslrootcert=" + root
			}
			config, err := pgx.ParseConfig(dsn)
			if err != nil {
				t.Fatal(err)
			}
			config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
			v := &visit{config: config, servers: servers(config)}
			f := lookTLS(t.Context(), v)
			if all := f.Saw + f.Advice + strings.Join(f.Notes, ""); f.Status != test.status || !strings.Contains(all, test.want) {
				t.Errorf("%s: %s, want %s: %q", f.Status, all, test.status, test.want)
			}
			if got := v.servers[0].mode(); got != test.mode {
				t.Errorf("it is %q", got)
			}
		})
	}
}

// TestOneServerOfTwoWillDo: programs use the one that can be trusted.
func TestOneServerOfTwoWillDo(t *testing.T) {
	port, root := guarded(t, 100*24*time.Hour)
	config, err := pgx.ParseConfig("user=u dbname=d host=localhost,db.example port=" + port + "," + port + " sslmode=verify-full sslrootcert=" + root)
	if err != nil {
		t.Fatal(err)
	}
	config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	f := lookTLS(t.Context(), &visit{config: config, servers: servers(config)})
	if f.Status != Warning || !strings.Contains(f.Saw, `"db.example"`) {
		t.Errorf("%+v", f)
	}
}
