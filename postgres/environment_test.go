package postgres

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway/internal/environment"
)

// folder runs the test in a folder of its own with these variables and no others of this
// library or of PostgreSQL.
func folder(t *testing.T, variables map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "HW_") || strings.HasPrefix(name, "PG") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir()) // it may hold certificates and passwords
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

// set is the environment in which these variables are set.
func set(variables map[string]string) Environment {
	return Environment{func() environment.Variables { return variables }}
}

// with is a configuration that makes sense, but for the given variables.
func with(variables map[string]string) Environment {
	all := map[string]string{varHost: "db.example.com", varPassword: "secret"}
	for name, value := range variables {
		all[name] = value
	}
	return set(all)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheDocumentsVariables(t *testing.T) {
	folder(t, map[string]string{varUser: "environment"})
	write(t, environment.File, "HW_DB_HOST=localhost\nHW_DB_USER=file\nHW_DB_PASSWORD='it''s'\n")
	if _, err := FromEnvironment(); err == nil || !strings.Contains(err.Error(), ".env: line 3") {
		t.Errorf("a file that makes no sense gives %v", err)
	}
	write(t, environment.File, "HW_DB_HOST=localhost\nHW_DB_USER=file\nHW_DB_PASSWORD=your password # here\nHW_NAMESPACE=team\n")
	e, err := FromEnvironment()
	if err != nil || !e.Set() {
		t.Fatal(e, err)
	}
	config, err := e.Config()
	if err != nil {
		t.Fatal(err)
	}
	c := config.ConnConfig
	got := fmt.Sprint(c.Host, c.Port, c.Database, c.User, c.Password, e.Namespace(), c.ConnectTimeout, config.MaxConns, c.RuntimeParams)
	want := fmt.Sprint("localhost", uint16(5432), "highway_circutbreaker_db", "environment", "your password", "team",
		5*time.Second, int32(4), map[string]string{"application_name": "highway"})
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestPostgreSQLsOwnVariables: single variables leave nothing to say about where the
// database is, and a DSN leaves what it does not say, a password from .pgpass too.
func TestPostgreSQLsOwnVariables(t *testing.T) {
	folder(t, map[string]string{"PGHOST": "pg.example.com", "PGPORT": "7777", "PGDATABASE": "theirs", "PGUSER": "them", "PGPASSWORD": "open", "PGTARGETSESSIONATTRS": "read-write"})
	where := func(e Environment) string {
		config, err := e.Config()
		if err != nil {
			t.Fatal(err)
		}
		c := config.ConnConfig
		return fmt.Sprint(c.Host, " ", c.Port, " ", c.Database, " ", c.User, " ", c.Password, " ", c.ValidateConnect != nil)
	}
	if got, want := where(with(nil)), "db.example.com 5432 highway_circutbreaker_db postgres secret true"; got != want {
		t.Errorf("by variables it is %s, want %s", got, want)
	}
	if got, want := where(set(map[string]string{varDSN: "dbname=mine"})), "pg.example.com 7777 mine them open true"; got != want {
		t.Errorf("by DSN it is %s, want %s", got, want)
	}
	write(t, "passwords", "*:*:mine:us:sesame\n")
	t.Setenv("PGPASSWORD", "")
	t.Setenv("PGPASSFILE", "passwords")
	if got, want := where(set(map[string]string{varDSN: "host=/tmp dbname=mine user=us"})), "/tmp 7777 mine us sesame true"; got != want {
		t.Errorf("with .pgpass it is %s, want %s", got, want)
	}
	if got, want := where(set(map[string]string{varDSN: "host=/tmp dbname=mine user=peer"})), "/tmp 7777 mine peer  true"; got != want {
		t.Errorf("without a password it is %s, want %s", got, want)
	}
}

func TestNothingIsSet(t *testing.T) {
	folder(t, map[string]string{varNamespace: "team", varHost: ""})
	if e, err := FromEnvironment(); err != nil || e.Set() {
		t.Errorf("got %v, %v", e, err)
	}
	if (Environment{}).Set() || (Environment{}).Namespace() != "" {
		t.Error("something is set in the zero Environment")
	}
	if _, err := (Environment{}).Config(); err == nil {
		t.Error("the zero Environment has a configuration")
	}
	if storage, err := ofProcess(); storage != nil || err != nil {
		t.Errorf("the storage of the process is %v, %v", storage, err)
	}
}

// TestAnyValueArrives: whatever characters a value has, the configuration has it so.
func TestAnyValueArrives(t *testing.T) {
	folder(t, nil)
	characters := []string{" ", "'", `"`, `\`, "@", "/", "%", "%41", "+", "&", "?", "#", "=", ":", "$", "${HOME}", "{", "ü", "密", "\n", "\t", "a", "Z", "0", "sslmode=disable"}
	random := rand.New(rand.NewPCG(1, 2))
	value := func() string {
		var b strings.Builder
		for range 1 + random.IntN(12) {
			b.WriteString(characters[random.IntN(len(characters))])
		}
		return b.String()
	}
	for range 5000 {
		v := map[string]string{varHost: value(), varPort: fmt.Sprint(1 + random.IntN(65535)), varName: value(),
			varUser: value(), varPassword: value()}
		config, err := set(v).Config()
		if err != nil {
			t.Fatalf("%q: %v", v, err)
		}
		c := config.ConnConfig
		got := []string{c.Host, fmt.Sprint(c.Port), c.Database, c.User, c.Password}
		want := []string{v[varHost], v[varPort], v[varName], v[varUser], v[varPassword]}
		if !slices.Equal(got, want) || len(c.RuntimeParams) != 1 {
			t.Fatalf("got %q and %q, want %q", got, c.RuntimeParams, want)
		}
	}
}

func TestSocketsAndSeveralHosts(t *testing.T) {
	folder(t, nil)
	for _, c := range []struct{ host, port, want string }{
		{"/var/run/my sockets", "", "/var/run/my sockets:5432"},
		{"a,b", "", "a:5432 b:5432"},
		{"a,b", "6000", "a:6000 b:6000"},
		{"a,b,/tmp", "1,2,3", "a:1 b:2 /tmp:3"},
		{"::1", "", "::1:5432"},
	} {
		config, err := with(map[string]string{varHost: c.host, varPort: c.port, varSSLMode: "disable"}).Config()
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%s:%d", config.ConnConfig.Host, config.ConnConfig.Port)
		for _, f := range config.ConnConfig.Fallbacks {
			got += fmt.Sprintf(" %s:%d", f.Host, f.Port)
		}
		if got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestWhatIsMissingOrWrongIsNamed(t *testing.T) {
	folder(t, nil)
	write(t, "not-a-certificate", "x")
	for _, c := range []struct {
		variables map[string]string
		want      []string
	}{
		{map[string]string{varPassword: ""}, []string{varPassword + " is missing"}},
		{map[string]string{varHost: ""}, []string{varHost + " is missing"}},
		{map[string]string{varHost: "", varPassword: "", varUser: "u"}, []string{varHost + " is missing", varPassword + " is missing"}},
		{map[string]string{varPort: "70000"}, []string{varPort, `"70000"`, "from 1 to 65535"}},
		{map[string]string{varPort: "0"}, []string{varPort, `"0"`}},
		{map[string]string{varPort: "5432,"}, []string{varPort, `"5432,"`}},
		{map[string]string{varPort: "1,2", varSSLMode: "never"}, []string{varPort, `"1,2"`, "as many", varSSLMode, `"never"`, "verify-full"}},
		{map[string]string{varHost: "a,"}, []string{varHost, `"a,"`}},
		{map[string]string{varName: "a\x00b"}, []string{varName, "zero byte"}},
		{map[string]string{varSSLRootCert: "absent"}, []string{varSSLRootCert, "open absent"}},
		{map[string]string{varSSLRootCert: "not-a-certificate"}, []string{varSSLRootCert}},
		{map[string]string{varSSLCert: "absent"}, []string{varSSLCert}},
		{map[string]string{varSSLCert: "not-a-certificate", varSSLKey: "absent"}, []string{varSSLCert + " and " + varSSLKey, "open absent"}},
		{map[string]string{varDSN: "postgres://h:bad/db", varHost: ""}, []string{varDSN, "invalid port"}},
		{map[string]string{varDSN: "mysql", varHost: ""}, []string{varDSN, "keyword/value"}},
		{map[string]string{varDSN: "host=h", varSSLMode: "never"}, []string{varSSLMode, `"never"`}},
	} {
		_, err := with(c.variables).Config()
		if err == nil {
			t.Errorf("%q makes sense", c.variables)
			continue
		}
		for _, word := range c.want {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q: %v\nlacks %s", c.variables, err, word)
			}
		}
	}
	t.Setenv("PGTARGETSESSIONATTRS", "nonsense")
	if _, err := with(nil).Config(); err == nil || !strings.Contains(err.Error(), "PG*") {
		t.Errorf("got %v", err)
	}
}

// TestThePasswordIsNowhere: not in what is printed, and not in what is wrong.
func TestThePasswordIsNowhere(t *testing.T) {
	folder(t, nil)
	const password = "hunter'2 @/x"
	var printed bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&printed, nil))
	for _, variables := range []map[string]string{
		{varPassword: password, varUser: "visible"},
		{varPassword: password, varUser: "visible", varPort: "bad"},
		{varPassword: password, varUser: "visible", varSSLRootCert: "absent"},
		{varPassword: password, varUser: "visible", varName: "\x00"},
		{varPassword: "x", varUser: "visible", varDSN: "postgres://u:" + password + "@h/db"},
		{varPassword: "x", varUser: "visible", varDSN: "postgres://u@h:" + password + "/db"},
		{varPassword: "x", varUser: "visible", varDSN: "postgres://u:" + password},
		{varPassword: "x", varUser: "visible", varDSN: "password=" + password},
		{varPassword: "x", varUser: "visible", varDSN: "host=h password='" + password},
		{varPassword: "x", varUser: "visible", varDSN: "host=h sslmode='hunter' password=x"},
		{varPassword: "x", varUser: "visible", varDSN: "host=h target_session_attrs=hunter"},
	} {
		e := with(variables)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&printed, verb+"\n", e)
			fmt.Fprintf(&printed, verb+"\n", &e)
			fmt.Fprintf(&printed, verb+"\n", struct{ inside Environment }{e})
			fmt.Fprintf(&printed, verb+"\n", []any{e})
		}
		log.Info("it", "environment", e, "inside", struct{ Inside Environment }{e})
		_, err := e.Config()
		for ; err != nil; err = unwrapped(err) {
			fmt.Fprintf(&printed, "%v %+v\n", err, err)
		}
	}
	for line := range strings.Lines(printed.String()) {
		if strings.Contains(line, "hunter") || strings.Contains(line, fmt.Sprintf("%x", "hunter")) {
			t.Errorf("it is in %s", line)
		}
	}
	// The name of a file may be one's password too.
	if _, err := with(map[string]string{varPassword: "hunter", varSSLRootCert: "hunter"}).Config(); strings.Contains(fmt.Sprint(err), "hunter") {
		t.Error(err)
	}
	if !strings.Contains(printed.String(), "visible") {
		t.Error("the user is not printed either")
	}
}

func unwrapped(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()[0]
	}
	inner, ok := err.(interface{ Unwrap() error })
	if !ok {
		return nil
	}
	return inner.Unwrap()
}

func TestAConnectionStringStandsForAll(t *testing.T) {
	folder(t, nil)
	for _, c := range []struct{ dsn, want string }{
		{"postgres://u:p%20w@h:6000/db", "h 6000 db u p w highway 5s 4 require"},
		{"\tpostgresql://u:p?w@h/db?application_name=mine&pool_max_conns=9\n", "h 5432 db u p?w mine 5s 9 require"},
		{"postgres://u:p@h/db?", "h 5432 db u p highway 5s 4 require"},
		{"postgres://u:p@h?connect_timeout=0&sslmode=disable", "h 5432  u p highway 0s 4 disable"},
		{"host=h dbname='my db' user=u password='it\\'s' connect_timeout=7", "h 5432 my db u it's highway 7s 4 require"},
		{"host=h user=u sslmode=disable pool_max_conns=2", "h 5432  u  highway 5s 2 disable"},
	} {
		config, err := with(map[string]string{varHost: "other", varDSN: c.dsn, varSSLMode: "require"}).Config()
		if err != nil {
			t.Errorf("%s: %v", c.dsn, err)
			continue
		}
		n := config.ConnConfig
		mode := "require"
		if n.TLSConfig == nil {
			mode = "disable"
		}
		got := fmt.Sprint(n.Host, " ", n.Port, " ", n.Database, " ", n.User, " ", n.Password, " ",
			n.RuntimeParams["application_name"], " ", n.ConnectTimeout, " ", config.MaxConns, " ", mode)
		if got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.dsn, got, c.want)
		}
	}
}

func TestWhetherTheServerIsVerified(t *testing.T) {
	folder(t, nil)
	for _, c := range []struct {
		host, mode string
		unverified bool
	}{
		{"db.example.com", "", true},
		{"db.example.com", "disable", true},
		{"db.example.com", "require", true},
		{"db.example.com", "verify-ca", false},
		{"db.example.com", "verify-full", false},
		{"10.0.0.1", "", true},
		{"localhost", "", false},
		{"127.0.0.2", "disable", false},
		{"::1", "", false},
		{"/var/run/postgresql", "", false},
		{"localhost,db.example.com", "", true},
	} {
		e := with(map[string]string{varHost: c.host, varSSLMode: c.mode})
		if _, err := e.Config(); err != nil {
			t.Fatal(err)
		}
		if e.Unverified() != c.unverified {
			t.Errorf("%s %s: unverified is %v", c.host, c.mode, e.Unverified())
		}
	}
	if !with(map[string]string{varDSN: "postgres://u@db.example.com/db"}).Unverified() {
		t.Error("a DSN is taken for verified")
	}
	if with(map[string]string{varDSN: "postgres://u@db.example.com/db", varSSLMode: "verify-full"}).Unverified() {
		t.Error("HW_DB_SSLMODE does not count beside a DSN")
	}
}
