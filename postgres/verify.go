package postgres

import (
	"crypto/tls"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// unverified says that config leads, be it as a fallback, to a server which is not on
// this machine and of whose certificate nobody checks who has signed it.
func unverified(config *pgx.ConnConfig) bool {
	servers := append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, server := range servers {
		if !onThisMachine(server.Host, server.Port) && !verifies(server.TLSConfig) {
			return true
		}
	}
	return false
}

func onThisMachine(host string, port uint16) bool {
	network, _ := pgconn.NetworkAddress(host, port)
	ip := net.ParseIP(host)
	return network == "unix" || strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// verifies says that a certificate is checked: by package tls, or as in verify-ca.
func verifies(config *tls.Config) bool {
	return config != nil && (!config.InsecureSkipVerify || config.VerifyPeerCertificate != nil)
}
