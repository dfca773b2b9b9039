package postgres

import (
	"crypto/tls"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

type pgconnConfig = pgconn.Config

// parse reads a connection string.
func parse(dsn string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("postgres: the connection string is not valid" + reason(err))
	}
	if !strings.Contains(dsn, "pool_max_conns") {
		config.MaxConns = 4
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "highway"
	}
	return config, nil
}

// reason is what of an error of the parser says nothing of the string.
func reason(err error) string {
	var parse *pgconn.ParseConfigError
	if !errors.As(err, &parse) {
		return ""
	}
	for _, known := range []string{
		"sslmode is invalid", "invalid port", "unable to load root CA", "unable to read CA file", "unable to parse CA",
		"unable to read sslkey", "unable to load cert", "sslrootcert", "both \"sslcert\" and \"sslkey\" are required",
	} {
		if strings.Contains(err.Error(), known) {
			return ": " + known
		}
	}
	return ""
}

// verifies says whether the certificate of the server is checked. Pgx checks that of
// verify-ca by itself, without the name.
func verifies(c *tls.Config) bool {
	return c != nil && (!c.InsecureSkipVerify || c.VerifyPeerCertificate != nil || c.VerifyConnection != nil)
}
