package postgres

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sslModes are those that there are.
var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// fromVariables is the configuration by single variables.
func (e Environment) fromVariables() (*pgxpool.Config, error) {
	host, port := e.get(varHost), e.or(varPort, defaultPort)
	err := errors.Join(
		e.missing(varHost),
		e.missing(varPassword),
		checkHosts(host),
		checkPorts(host, port),
		e.checkSSLMode(),
		e.checkText(),
	)
	if err != nil {
		return nil, err
	}
	address := settings{{"host", host}, {"port", port}}
	all := slices.Concat(defaults(), e.ssl(), address, settings{
		{"dbname", e.or(varName, defaultName)},
		{"user", e.or(varUser, defaultUser)},
		{"password", e.get(varPassword)},
	})
	config, err := pgxpool.ParseConfig(all.keyValue())
	if err != nil {
		return nil, e.blame(address, err)
	}
	return config, nil
}

// missing says that a variable is needed and not set.
func (e Environment) missing(name string) error {
	if e.get(name) != "" {
		return nil
	}
	return fmt.Errorf("highway/postgres: %s is missing: %s and %s are needed, or %s", name, varHost, varPassword, varDSN)
}

// wrong says what is wrong with a variable that is no secret.
func wrong(name, value, rule string) error {
	return fmt.Errorf("highway/postgres: %s is %q: %s", name, value, rule)
}

func checkHosts(hosts string) error {
	if hosts != "" && slices.Contains(strings.Split(hosts, ","), "") {
		return wrong(varHost, hosts, "it must not have an empty host between commas")
	}
	return nil
}

func checkPorts(hosts, ports string) error {
	each := strings.Split(ports, ",")
	for _, port := range each {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return wrong(varPort, ports, "it must be a number from 1 to 65535, or several with commas")
		}
	}
	if len(each) > 1 && len(each) != strings.Count(hosts, ",")+1 {
		return wrong(varPort, ports, "it must be one port, or as many as there are hosts")
	}
	return nil
}

func (e Environment) checkSSLMode() error {
	mode := e.get(varSSLMode)
	if mode == "" || slices.Contains(sslModes, mode) {
		return nil
	}
	return wrong(varSSLMode, mode, "it must be one of "+strings.Join(sslModes, ", "))
}

// checkText refuses what PostgreSQL cannot hold in any text.
func (e Environment) checkText() error {
	var errs []error
	for name, value := range e.all() {
		if strings.ContainsRune(value, 0) {
			errs = append(errs, fmt.Errorf("highway/postgres: %s holds a zero byte, which it must not", name))
		}
	}
	return errors.Join(errs...)
}

// defaults are what differs from the driver's own. What comes later wins over them; so
// do PostgreSQL's variables, which the driver reads itself.
func defaults() settings {
	s := settings{{"pool_max_conns", "4"}}
	if os.Getenv("PGAPPNAME") == "" {
		s = append(s, setting{"application_name", "highway"})
	}
	if os.Getenv("PGCONNECT_TIMEOUT") == "" {
		s = append(s, setting{"connect_timeout", "5"})
	}
	return s
}

// ssl is what the variables say about certificates.
func (e Environment) ssl() (s settings) {
	for _, v := range []struct{ key, name string }{
		{"sslmode", varSSLMode}, {"sslrootcert", varSSLRootCert}, {"sslcert", varSSLCert}, {"sslkey", varSSLKey},
	} {
		if value := e.get(v.name); value != "" {
			s = append(s, setting{v.key, value})
		}
	}
	return s
}

// blame says which variables the driver does not take. Its own error is not to be shown,
// because it has the whole connection string; what that wraps is.
func (e Environment) blame(address settings, err error) error {
	names := "one of PostgreSQL's own variables (PG*)"
	for _, group := range [][]setting{
		{{"sslrootcert", varSSLRootCert}},
		{{"sslcert", varSSLCert}, {"sslkey", varSSLKey}},
	} {
		alone, guilty := slices.Clone(address), []string(nil)
		for _, s := range group {
			if value := e.get(s.value); value != "" {
				alone = append(alone, setting{s.key, value})
				guilty = append(guilty, s.value)
			}
		}
		if _, err := pgx.ParseConfig(alone.keyValue()); err != nil && guilty != nil {
			names = strings.Join(guilty, " and ")
			break
		}
	}
	reason := errors.Unwrap(err)
	if reason == nil || strings.Contains(reason.Error(), e.get(varPassword)) {
		return fmt.Errorf("highway/postgres: %s makes no sense", names)
	}
	return fmt.Errorf("highway/postgres: %s: %w", names, reason)
}
