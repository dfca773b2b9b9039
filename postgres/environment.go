package postgres

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/highway-engine/highway/internal/environment"
)

// The variables that an [Environment] is made of.
const (
	varHost        = "HW_DB_HOST"
	varPort        = "HW_DB_PORT"
	varName        = "HW_DB_NAME"
	varUser        = "HW_DB_USER"
	varPassword    = "HW_DB_PASSWORD"
	varDSN         = "HW_DB_DSN"
	varSSLMode     = "HW_DB_SSLMODE"
	varSSLRootCert = "HW_DB_SSLROOTCERT"
	varSSLCert     = "HW_DB_SSLCERT"
	varSSLKey      = "HW_DB_SSLKEY"
	varNamespace   = "HW_NAMESPACE"
)

// What the variables are that are not set.
const (
	defaultPort = "5432"
	defaultName = "highway_circutbreaker_db" // so spelled by the Python library
	defaultUser = "postgres"
)

// An Environment is what the environment variables of this library say about the
// database:
//
//	HW_DB_HOST         server, folder of its socket, or several with commas; required
//	HW_DB_PORT         its port, or as many as there are hosts; 5432
//	HW_DB_NAME         database; highway_circutbreaker_db
//	HW_DB_USER         user; postgres
//	HW_DB_PASSWORD     password; required
//	HW_DB_DSN          connection string, URL or key=value, instead of all of these
//	HW_DB_SSLMODE      as in libpq, from disable to verify-full; prefer
//	HW_DB_SSLROOTCERT  file of the authorities to trust, or "system"
//	HW_DB_SSLCERT      file of the client's certificate
//	HW_DB_SSLKEY       file of its key
//	HW_NAMESPACE       keeps fleets in one table apart; none
//
// An empty variable is one that is not set. What neither these nor the DSN say is taken
// from PostgreSQL's own variables, such as PGSSLMODE.
//
// It never shows the password, however it is printed. The zero Environment is one in
// which nothing is set. It is safe for concurrent use.
type Environment struct {
	// A function, because package fmt prints what is in another's field without asking
	// how, through pointers too.
	variables func() environment.Variables
}

// FromEnvironment reads the variables from the environment and, those that it does not
// have, from the file .env in the working directory. An error says that this file cannot
// be read, or which of its lines makes no sense.
func FromEnvironment() (Environment, error) {
	variables, err := environment.Read()
	if err != nil {
		return Environment{}, fmt.Errorf("highway/postgres: %w", err)
	}
	return Environment{func() environment.Variables { return variables }}, nil
}

// Set says whether any variable HW_DB_* is set.
func (e Environment) Set() bool { return e.all().NamesDatabase() }

// Namespace is HW_NAMESPACE.
func (e Environment) Namespace() string { return e.get(varNamespace) }

// Config is how to connect, or an error that names each variable that is missing or
// wrong. It waits for nothing, but reads the certificates.
//
// Unless the DSN or PostgreSQL's own variables say otherwise, connecting takes 5 seconds
// at most, the application is called highway, and a pool has 4 connections.
func (e Environment) Config() (*pgxpool.Config, error) {
	if e.get(varDSN) != "" {
		return e.fromDSN()
	}
	return e.fromVariables()
}

// Unverified says that Config leads to a server which is not on this machine and whose
// certificate is not verified, so that somebody on the way may read the password.
func (e Environment) Unverified() bool {
	config, err := e.Config()
	return err == nil && unverified(config.ConnConfig)
}

// String says which variables are set, and hides those that are secret.
func (e Environment) String() string {
	var b strings.Builder
	for _, name := range []string{varHost, varPort, varName, varUser, varPassword, varDSN,
		varSSLMode, varSSLRootCert, varSSLCert, varSSLKey, varNamespace} {
		value := e.get(name)
		if value == "" {
			continue
		}
		if name == varPassword || name == varDSN {
			value = "(hidden)"
		} else {
			value = fmt.Sprintf("%q", value)
		}
		fmt.Fprintf(&b, " %s=%s", name, value)
	}
	return "postgres.Environment{" + strings.TrimPrefix(b.String(), " ") + "}"
}

// Format implements [fmt.Formatter]: every verb prints what String gives.
func (e Environment) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(e.String())) }

// LogValue implements [slog.LogValuer].
func (e Environment) LogValue() slog.Value { return slog.StringValue(e.String()) }

func (e Environment) all() environment.Variables {
	if e.variables == nil {
		return nil
	}
	return e.variables()
}

func (e Environment) get(name string) string { return e.all()[name] }

// or is the variable, or what it is when it is not set.
func (e Environment) or(name, otherwise string) string {
	if value := e.get(name); value != "" {
		return value
	}
	return otherwise
}
