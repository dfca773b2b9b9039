// Package setup is what "highway setup" does beside what package schema does: it finds
// the database, shows what is to be done, and asks.
package setup

import (
	"errors"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"
)

// A Target is where the database is, as the command line says. What is empty there the
// environment says, and then the defaults of the document.
type Target struct{ DSN, Host, Port, Database, User, Password string }

// Register gives a command the flags of a target.
func (t *Target) Register(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVarP(&t.Host, "host", "H", "", "server's `name` or socket folder (default localhost)")
	flags.StringVarP(&t.Port, "port", "P", "", "`number` of its port (default 5432)")
	flags.StringVarP(&t.Database, "database", "d", "", "`name` (default highway_circutbreaker_db)")
	flags.StringVarP(&t.User, "user", "U", "", "`name` (default postgres)")
	flags.StringVarP(&t.Password, "password", "p", "", "`password`, which others can see here")
	flags.StringVar(&t.DSN, "dsn", "", "connection `string`; the flags above win over it")
}

// The document's defaults; so spelled by the Python library.
const (
	defaultHost     = "localhost"
	defaultPort     = "5432"
	defaultDatabase = "highway_circutbreaker_db"
	defaultUser     = "postgres"
)

// A setting is one of a connection string.
type setting struct{ key, value string }

// Config is how to connect. Nothing of what may have a password is in the error.
func (t Target) Config() (*pgx.ConnConfig, error) {
	dsn, alone, err := t.merged()
	if err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		if alone {
			return nil, errors.New("these settings of the connection make no sense: look at HW_DB_* and PG*")
		}
		return nil, errors.New("the connection string makes no sense")
	}
	if config.ConnectTimeout == 0 { // the driver would wait for ever
		config.ConnectTimeout = 15 * time.Second
	}
	if config.Database == "" {
		config.Database = config.User // as the server does
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "highway setup"
	}
	return config, nil
}

// ConnectionString is what Config goes by, which may have a password.
func (t Target) ConnectionString() (string, error) {
	if _, err := t.Config(); err != nil { // it says best what is wrong
		return "", err
	}
	dsn, _, err := t.merged()
	return dsn, err
}

// merged is a connection string with all that flags and variables say, and whether there
// was none before.
func (t Target) merged() (merged string, alone bool, err error) {
	variable, err := variables()
	if err != nil {
		return "", false, err
	}
	dsn := first(t.DSN, variable("HW_DB_DSN"))
	alone = dsn == "" // then all that is missing has a default
	get := func(flag, name, otherwise string) string {
		switch {
		case flag != "":
			return flag
		case alone:
			return first(variable(name), otherwise)
		}
		return ""
	}
	settings := []setting{
		{"host", get(t.Host, "HW_DB_HOST", defaultHost)},
		{"port", get(t.Port, "HW_DB_PORT", defaultPort)},
		{"dbname", get(t.Database, "HW_DB_NAME", defaultDatabase)},
		{"user", get(t.User, "HW_DB_USER", defaultUser)},
		{"password", get(t.Password, "HW_DB_PASSWORD", os.Getenv("PGPASSWORD"))},
	}
	if alone {
		for _, s := range []setting{
			{"sslmode", "HW_DB_SSLMODE"}, {"sslrootcert", "HW_DB_SSLROOTCERT"}, {"sslcert", "HW_DB_SSLCERT"}, {"sslkey", "HW_DB_SSLKEY"},
		} {
			settings = append(settings, setting{s.key, variable(s.value)})
		}
	}
	if ports := settings[1].value; ports != "" {
		for _, port := range strings.Split(ports, ",") { // one for each host
			if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
				return "", false, errors.New("the port " + strconv.Quote(port) + ": it must be a number from 1 to 65535")
			}
		}
	}
	return with(dsn, settings), alone, nil
}

// with is a connection string with settings that win over its own: of two the later counts.
func with(dsn string, settings []setting) string {
	isURL := strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
	var b strings.Builder
	b.WriteString(dsn)
	separator := "?"
	if strings.Contains(dsn[strings.LastIndexAny(dsn, "@/")+1:], "?") {
		separator = "&"
	}
	for _, s := range settings {
		switch {
		case s.value == "":
		case isURL:
			b.WriteString(separator + s.key + "=" + strings.ReplaceAll(url.QueryEscape(s.value), "+", "%20"))
			separator = "&"
		default:
			b.WriteString(" " + s.key + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s.value) + "'")
		}
	}
	return b.String()
}

// address is where the server is, for people.
func address(config *pgx.ConnConfig) string {
	port := strconv.Itoa(int(config.Port))
	if strings.HasPrefix(config.Host, "/") {
		return config.Host + ", port " + port
	}
	return net.JoinHostPort(config.Host, port)
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
