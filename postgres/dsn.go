package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// A setting is one of a connection string.
type setting struct{ key, value string }

type settings []setting

// keyValue writes a connection string in which values may hold anything but zero bytes.
func (s settings) keyValue() string {
	var b strings.Builder
	for _, each := range s {
		b.WriteString(each.key)
		b.WriteString("='")
		b.WriteString(strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(each.value))
		b.WriteString("' ")
	}
	return b.String()
}

// query writes the parameters of a URL. A plus sign would stand for itself there.
func (s settings) query() string {
	var pairs []string
	for _, each := range s {
		pairs = append(pairs, each.key+"="+strings.ReplaceAll(url.QueryEscape(each.value), "+", "%20"))
	}
	return strings.Join(pairs, "&")
}

// before puts settings in front of those of a DSN, where its own win over them: of two
// settings the later counts.
func (s settings) before(dsn string) string {
	scheme, rest, ok := strings.Cut(dsn, "://")
	if !ok || scheme != "postgres" && scheme != "postgresql" {
		return s.keyValue() + dsn
	}
	// A question mark in a password does not begin the parameters: like the driver, take
	// what is before an @ as user and password unless there is a slash in it.
	start := 0
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		start = i
	}
	i := strings.IndexByte(rest[start:], '?')
	if i < 0 {
		return dsn + "?" + s.query()
	}
	address, parameters := rest[:start+i], rest[start+i+1:]
	if parameters != "" {
		parameters = "&" + parameters
	}
	return scheme + "://" + address + "?" + s.query() + parameters
}

// fromDSN is the configuration by HW_DB_DSN. What it does not say about certificates,
// the other variables do.
func (e Environment) fromDSN() (*pgxpool.Config, error) {
	if err := errors.Join(e.checkSSLMode(), e.checkText()); err != nil {
		return nil, err
	}
	dsn := strings.TrimSpace(e.get(varDSN))
	config, err := pgxpool.ParseConfig(slices.Concat(defaults(), e.ssl()).before(dsn))
	if err != nil {
		return nil, dsnError(varDSN, err)
	}
	return config, unescaped(varDSN, config)
}

// parse is the configuration by a connection string.
func parse(dsn string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(defaults().before(strings.TrimSpace(dsn)))
	if err != nil {
		return nil, dsnError("the DSN", err)
	}
	return config, unescaped("the DSN", config)
}

// unescaped says that the end of a password was taken for a part of the address, which
// would be shown.
func unescaped(name string, config *pgxpool.Config) error {
	names := []string{config.ConnConfig.Host, config.ConnConfig.Database}
	for _, fallback := range config.ConnConfig.Fallbacks {
		names = append(names, fallback.Host)
	}
	for _, each := range names {
		if strings.Contains(each, "@") && !strings.HasPrefix(each, "@") {
			return fmt.Errorf("highway/postgres: %s is not a connection string that makes sense: in a URL, write @ and / of the password as %%40 and %%2F", name)
		}
	}
	return nil
}

// complaints are what the driver may say of a DSN, without what it quotes. In a DSN that
// makes no sense the password may be anywhere.
var complaints = []string{
	"failed to parse as URL", "failed to parse as keyword/value", "invalid port", "could not match",
	"failed to read service", "failed to configure TLS", "invalid connect_timeout", "unknown target_session_attrs",
	"invalid sslcertmode", "invalid min_protocol_version", "invalid max_protocol_version", "unknown channel_binding",
	"invalid require_auth", "pool_max_conns", "pool_min_conns", "pool_min_idle_conns", "pool_max_conn_lifetime",
	"pool_max_conn_idle_time", "pool_health_check_period", "pool_ping_timeout", "statement_cache_capacity",
	"description_cache_capacity", "default_query_exec_mode",
}

// dsnError says that the driver does not take the DSN.
func dsnError(name string, err error) error {
	text := err.Error()
	text = text[strings.LastIndexByte(text, '`')+1:]
	for _, reason := range complaints {
		if strings.Contains(text, reason) {
			return fmt.Errorf("highway/postgres: %s is not a connection string that makes sense: %s", name, reason)
		}
	}
	return fmt.Errorf("highway/postgres: %s is not a connection string that makes sense", name)
}
