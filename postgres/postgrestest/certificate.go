package postgrestest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// CAFile is the file of the certificate of the authority that signed the server's, or
// empty without [Options.TLS].
func (s *Server) CAFile() string { return s.authority }

// certify makes an authority and a certificate for the server.
func (s *Server) certify() error {
	// Clocks may differ, and with Options.Clock they do.
	const long = 10 * 365 * 24 * time.Hour
	template := x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "postgrestest authority"},
		NotBefore:             time.Now().Add(-long),
		NotAfter:              time.Now().Add(long),
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	text, err := x509.CreateCertificate(rand.Reader, &template, &template, authorityKey.Public(), authorityKey)
	if err != nil {
		return err
	}
	authority, err := x509.ParseCertificate(text)
	if err != nil {
		return err
	}

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template.SerialNumber = big.NewInt(2)
	template.Subject.CommonName = "localhost"
	template.DNSNames = []string{"localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.IsCA = false
	certificate, err := x509.CreateCertificate(rand.Reader, &template, authority, key.Public(), authorityKey)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}

	s.authority = filepath.Join(s.dir, "authority.crt")
	s.url = location(s.password, s.port, s.authority)
	for _, file := range []struct {
		path, kind string
		content    []byte
	}{
		{s.authority, "CERTIFICATE", authority.Raw},
		{filepath.Join(s.data(), "server.crt"), "CERTIFICATE", certificate},
		{filepath.Join(s.data(), "server.key"), "PRIVATE KEY", private},
	} {
		block := pem.EncodeToMemory(&pem.Block{Type: file.kind, Bytes: file.content})
		if err := os.WriteFile(file.path, block, 0o600); err != nil {
			return fmt.Errorf("postgrestest: %w", err)
		}
	}
	return nil
}
