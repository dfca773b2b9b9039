package setup

import (
	"os"
	"strings"
	"testing"
	"time"
)

// clean unsets every variable that matters.
func clean(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "HW_DB_") || strings.HasPrefix(name, "PG") {
			t.Setenv(name, "")
		}
	}
}

const odd = `it's "odd" \ +&?=@/#%20 ü`

func TestWhereTheDatabaseIs(t *testing.T) {
	for name, test := range map[string]struct {
		target   Target
		environ  map[string]string
		host     string
		port     uint16
		database string
		user     string
		password string
	}{
		"the document's defaults": {
			Target{Password: "p"}, nil,
			"localhost", 5432, "highway_circutbreaker_db", "postgres", "p"},
		"the environment": {
			Target{}, map[string]string{"HW_DB_HOST": "h", "HW_DB_PORT": "1", "HW_DB_NAME": odd, "HW_DB_USER": odd, "HW_DB_PASSWORD": odd},
			"h", 1, odd, odd, odd},
		"flags win over the environment": {
			Target{Host: "f", Port: "2", Database: "d", User: "u", Password: odd},
			map[string]string{"HW_DB_HOST": "h", "HW_DB_PORT": "1", "HW_DB_NAME": "n", "HW_DB_USER": "e", "HW_DB_PASSWORD": "w"},
			"f", 2, "d", "u", odd},
		"PostgreSQL's variables, but for the password, say nothing": {
			Target{}, map[string]string{"PGHOST": "h", "PGUSER": "e", "PGDATABASE": "d", "PGPASSWORD": odd},
			"localhost", 5432, "highway_circutbreaker_db", "postgres", odd},
		"a connection string wins over single variables": {
			Target{DSN: "host=s port=3 dbname=t user=v password=w"}, map[string]string{"HW_DB_HOST": "h", "HW_DB_PASSWORD": "p"},
			"s", 3, "t", "v", "w"},
		"a connection string in the environment": {
			Target{}, map[string]string{"HW_DB_DSN": "postgres://v:w@s:3/t", "HW_DB_HOST": "h"},
			"s", 3, "t", "v", "w"},
		"flags win over a connection string": {
			Target{DSN: "host=s port=3 dbname=t user=v password=w", Host: "f", Database: odd, Password: odd}, nil,
			"f", 3, odd, "v", odd},
		"flags win over a URL": {
			Target{DSN: "postgres://v:w@s:3/t?sslmode=disable", Port: "4", Database: odd, User: odd, Password: odd}, nil,
			"s", 4, odd, odd, odd},
		"a URL without parameters": {
			Target{DSN: "postgresql://v:w%3F@s:3/t", Password: odd}, nil,
			"s", 3, "t", "v", odd},
		"a URL without a database": {
			Target{DSN: "postgres://v:w@s"}, nil,
			"s", 5432, "v", "v", "w"},
	} {
		t.Run(name, func(t *testing.T) {
			clean(t)
			for name, value := range test.environ {
				t.Setenv(name, value)
			}
			c, err := test.target.Config()
			if err != nil {
				t.Fatal(err)
			}
			if c.Host != test.host || c.Port != test.port || c.Database != test.database || c.User != test.user || c.Password != test.password {
				t.Errorf("got %q %d %q %q %q, want %+v", c.Host, c.Port, c.Database, c.User, c.Password, test)
			}
			if c.ConnectTimeout != 15*time.Second || c.RuntimeParams["application_name"] != "highway setup" {
				t.Errorf("%v, %q", c.ConnectTimeout, c.RuntimeParams)
			}
		})
	}
}

func TestVariablesForCertificatesCount(t *testing.T) {
	clean(t)
	t.Setenv("HW_DB_SSLMODE", "verify-full")
	c, err := Target{Host: "h"}.Config()
	if err != nil || c.TLSConfig == nil || c.TLSConfig.ServerName != "h" || len(c.Fallbacks) > 0 && c.Fallbacks[0].TLSConfig == nil {
		t.Errorf("%v, %v", c, err)
	}
}

func TestMistakesShowNoPassword(t *testing.T) {
	for _, target := range []Target{
		{Port: "x", Password: "secret"},
		{Port: "0", Password: "secret"},
		{Port: "65536", Password: "secret"},
		{DSN: "postgres://u:secret@h:p/d"},
		{DSN: "password='secret"},
		{DSN: "host=h sslmode=secret"},
		{DSN: "secret"},
	} {
		clean(t)
		if _, err := target.Config(); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v", target, err)
		}
	}
}

func TestAges(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90d": 90 * day, "1d": day, "12h": 12 * time.Hour, "1h30m": 90 * time.Minute, "1m0.5s": time.Minute,
		"0d": 0, "-1d": 0, "1.5d": 0, "36501d": 0, "": 0, "90": 0, "59s": 0, "-1h": 0, "long": 0,
	} {
		var age Age
		err := age.Set(text)
		if (err == nil) != (want != 0) || age.Duration() != want {
			t.Errorf("%q: %v, %v; want %v", text, age.Duration(), err, want)
		}
	}
}

func TestAFileCounts(t *testing.T) {
	clean(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".env", []byte("HW_DB_HOST=filed\nHW_DB_PASSWORD='two words'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Target{}.Config()
	if err != nil || c.Host != "filed" || c.Password != "two words" {
		t.Errorf("%v, %v", c, err)
	}
}
