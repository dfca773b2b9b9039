package postgrestest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// initialize makes the server's data and settings. It takes half a second, which is why
// no copy of fresh data is kept anywhere.
func (s *Server) initialize(ctx context.Context) error {
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(s.password), 0o600); err != nil {
		return err
	}
	defer os.Remove(secret)
	if err := s.account.own(secret); err != nil {
		return err
	}
	if err := s.run(ctx, "initdb", "-D", s.data(), "-U", superuser, "-A", "scram-sha-256", "--pwfile", secret,
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"); err != nil {
		return err
	}
	if s.options.TLS {
		if err := s.certify(); err != nil {
			return err
		}
	}
	if err := s.configure(); err != nil {
		return err
	}
	if err := s.prepareClock(); err != nil {
		return err
	}
	return s.account.own(s.dir)
}

// configure writes the settings that a standby has too, and who may connect.
func (s *Server) configure() error {
	settings := map[string]string{
		"timezone":     "UTC",
		"log_timezone": "UTC",
		// A standby that was paused finds what it missed.
		"wal_keep_size": "256MB",
		// In the data folder, so that nothing is left of a server that was killed.
		"dynamic_shared_memory_type": "mmap",
	}
	if !s.options.Durable {
		settings["fsync"] = "off"
	}
	plain := "host"
	if s.options.TLS {
		plain = "hostssl"
		settings["ssl"] = "on"
		settings["ssl_cert_file"] = "server.crt"
		settings["ssl_key_file"] = "server.key"
	}
	maps.Copy(settings, s.options.Settings)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "%s = '%s'\n", name, strings.NewReplacer("'", "''", `\`, `\\`).Replace(settings[name]))
	}
	file, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.WriteString(text.String()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), fmt.Appendf(nil,
		"local all all scram-sha-256\n%[1]s all all 127.0.0.1/32 scram-sha-256\n%[1]s replication all 127.0.0.1/32 scram-sha-256\n",
		plain), 0o600)
}

// run runs one of PostgreSQL's programs to its end.
func (s *Server) run(ctx context.Context, name string, arguments ...string) error {
	if err := s.binaries.missing(name); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, s.binaries.program(name), arguments...)
	command.Dir = s.dir
	command.Env = append(s.environment(), "PGPASSWORD="+s.password)
	command.SysProcAttr = s.account.attributes()
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("postgrestest: %s: %w\n%s", name, err, output)
	}
	return nil
}

// environment is this process's, without what it says about other servers and languages.
func (s *Server) environment() []string {
	environment := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "PG") || strings.HasPrefix(entry, "HW_")
	})
	return append(environment, "LC_ALL=C", "HOME="+s.dir)
}
