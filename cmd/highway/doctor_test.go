package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/cmd/highway/internal/doctor"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/internal/pooler"
	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

func TestTheDoctorFindsNothingAndChangesNothing(t *testing.T) {
	dsn := install(t, postgrestest.Shared(t).Database(t))
	say(t, dsn, "web-1/1/A", "payment", fleet.Report{Settings: fleet.Settings{Failures: 3, Window: 10}})
	before := contents(t, dsn)
	if object := oneObject(t, see(t, at(t, dsn)).text); object["cause"] != nil {
		t.Errorf("the cause is %v", object["cause"])
	}
	v := see(t, at(t, dsn))
	if v.code != exitOK || v.Status != doctor.OK || v.Faults+v.Warnings > 0 {
		t.Errorf("exit code %d: %s", v.code, v.text)
	}
	for _, f := range v.Checks {
		v.finds(t, f.Check, doctor.OK)
	}
	v.finds(t, "environment", doctor.OK, "HW_DB_PASSWORD")
	v.finds(t, "instances", doctor.OK, `"web-1/1/A"`)
	if password := at(t, dsn)["HW_DB_PASSWORD"]; strings.Contains(v.text, password) {
		t.Errorf("the password is in %s", v.text)
	}
	if after := contents(t, dsn); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

func TestTheDoctorNamesWhatKeepsSomebodyOut(t *testing.T) {
	server := postgrestest.New(t, postgrestest.Options{Private: true})
	for name, test := range map[string]struct {
		variable, value, cause string
		words                  []string
	}{
		"password": {"HW_DB_PASSWORD", "sesame", "login", []string{`the password of "postgres" is wrong`, "correct HW_DB_PASSWORD (environment)"}},
		"user":     {"HW_DB_USER", "nobody at all", "login", []string{`"nobody at all"`, "HW_DB_USER (environment)"}},
		"database": {"HW_DB_NAME", "nothing", "login", []string{`no database "nothing"`, "highway setup"}},
		"port":     {"HW_DB_PORT", closed(t), "network", []string{"nobody listens", "HW_DB_PORT (environment)"}},
		"host":     {"HW_DB_HOST", "db.invalid", "network", []string{`"db.invalid"`}},
		"socket":   {"HW_DB_HOST", "/nowhere", "network", []string{"there is no socket", "unix_socket_directories"}},
		"nonsense": {"HW_DB_PORT", "x", "environment", []string{"HW_DB_PORT", "1 to 65535"}},
		"nothing":  {"HW_DB_PASSWORD", "", "environment", []string{"HW_DB_PASSWORD is missing"}},
		"space":    {"HW_NAMESPACE", "a:b", "environment", []string{`"a:b"`}},
	} {
		t.Run(name, func(t *testing.T) {
			variables := at(t, server.DSN())
			variables[test.variable] = test.value
			v := see(t, variables)
			if v.Cause != test.cause || v.Faults != 1 {
				t.Errorf("the cause is %q of %d", v.Cause, v.Faults)
			}
			v.finds(t, test.cause, doctor.Fault, test.words...)
			v.finds(t, "rows", doctor.Skipped, "because of "+test.cause)
			if strings.Contains(v.text, "sesame") {
				t.Errorf("the password is in %s", v.text)
			}
		})
	}
}

func TestTheDoctorWaitsForNobody(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for mode, cause := range map[string]string{"disable": "login", "require": "tls"} {
		v := see(t, map[string]string{"HW_DB_HOST": "127.0.0.1", "HW_DB_PORT": port, "HW_DB_PASSWORD": "sesame", "HW_DB_SSLMODE": mode}, "--timeout=500ms")
		if v.Cause != cause {
			t.Errorf("%s: the cause is %q", mode, v.Cause)
		}
		v.finds(t, cause, doctor.Fault, "says nothing")
	}
	if v := see(t, map[string]string{"HW_DB_HOST": "127.0.0.1", "HW_DB_PASSWORD": "sesame"}, "--timeout=1ns"); v.Cause != "environment" || v.Faults != 1 {
		t.Errorf("%s", v.text)
	}
}

func TestTheDoctorKnowsThatOneServerOfTwoWillDo(t *testing.T) {
	variables := at(t, inhabit(t, install(t, postgrestest.New(t, postgrestest.Options{Private: true}).Database(t))))
	variables["HW_DB_HOST"] += "," + variables["HW_DB_HOST"]
	port := closed(t)
	variables["HW_DB_PORT"] = port + "," + variables["HW_DB_PORT"]
	v := see(t, variables)
	if v.Faults != 0 || v.Warnings != 1 {
		t.Errorf("%s", v.text)
	}
	v.finds(t, "network", doctor.Warning, "nobody listens at 127.0.0.1:"+port)
}

func TestTheDoctorNamesAMissingTable(t *testing.T) {
	dsn := postgrestest.Shared(t).Database(t)
	v := see(t, at(t, dsn))
	if v.Cause != "schema" {
		t.Errorf("the cause is %q", v.Cause)
	}
	v.finds(t, "schema", doctor.Fault, "there is no table hw_circuit_breakers", "highway setup")
	v.finds(t, "notifications", doctor.OK)
	v.finds(t, "exchange", doctor.Skipped, "because of schema")

	// They may be elsewhere.
	run(t, dsn, `CREATE SCHEMA "My Fleet"`)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := schema.Install(t.Context(), conn, "My Fleet"); err != nil {
		t.Fatal(err)
	}
	see(t, at(t, dsn)).finds(t, "schema", doctor.Fault, `in the schema "My Fleet": WithSchema`)
	inhabit(t, dsn, postgres.WithSchema("My Fleet"))
	if v := see(t, at(t, dsn), "--schema=My Fleet"); v.Status != doctor.OK {
		t.Errorf("%s", v.text)
	}
	see(t, at(t, dsn), "--schema=other").finds(t, "schema", doctor.Fault, `no schema "other"`)
}

func TestTheDoctorNamesAnOldSchema(t *testing.T) {
	text, err := os.ReadFile("../../postgres/schema/testdata/version1.sql")
	if err != nil {
		t.Fatal(err)
	}
	dsn := postgrestest.Shared(t).Database(t)
	run(t, dsn, string(text))
	v := see(t, at(t, dsn))
	if v.Cause != "schema" {
		t.Errorf("the cause is %q", v.Cause)
	}
	v.finds(t, "schema", doctor.Fault, fmt.Sprintf("version 1 is there, and programs of this version need %d", schema.Version), "highway setup")

	install(t, dsn)
	see(t, at(t, dsn)).finds(t, "schema", doctor.OK)
	run(t, dsn, "DROP FUNCTION hw_sweep")
	see(t, at(t, dsn)).finds(t, "schema", doctor.Fault, "create the function hw_sweep", "highway setup")
	install(t, dsn)
	run(t, dsn, fmt.Sprintf("UPDATE hw_schema SET version = %d", schema.Version+1))
	v = see(t, at(t, dsn))
	v.finds(t, "schema", doctor.Warning, "newer")
	if v.code != exitOK {
		t.Errorf("exit code %d", v.code)
	}
	if v = see(t, at(t, dsn), "--strict"); v.code != exitWarnings || v.Status != doctor.Warning {
		t.Errorf("exit code %d", v.code)
	}
	other := postgrestest.Shared(t).Database(t)
	run(t, other, `CREATE TABLE hw_circuit_breakers (resource_key varchar(255) PRIMARY KEY, state varchar(50) NOT NULL,
		failure_count integer NOT NULL DEFAULT 0, open_until timestamp, updated_at timestamp)`)
	see(t, at(t, other)).finds(t, "schema", doctor.Fault, "the Python library", "its rows stay")
}

func TestTheDoctorNotesThatThereIsNoRightToSetUp(t *testing.T) {
	dsn := inhabit(t, install(t, postgrestest.Shared(t).Database(t)))
	program := role(t, dsn, true)
	v := see(t, at(t, program))
	if v.Status != doctor.OK {
		t.Errorf("%s", v.text)
	}
	v.finds(t, "rights", doctor.OK, "no DDL right", fmt.Sprintf(`"hw doctor %d 0" may set up, as the owner`, os.Getpid()), "the history is append-only for it")

	run(t, dsn, fmt.Sprintf(`ALTER ROLE "hw doctor %d 1" CONNECTION LIMIT 5`, os.Getpid()))
	see(t, at(t, program)).finds(t, "connections", doctor.Warning, "left of 5", fmt.Sprintf(`the limit of the role "hw doctor %d 1"`, os.Getpid()))
	run(t, dsn, fmt.Sprintf(`GRANT DELETE ON hw_transitions TO "hw doctor %d 1"`, os.Getpid()))
	see(t, at(t, program)).finds(t, "rights", doctor.Warning, "erase the history", "highway setup --roles")
	run(t, dsn, fmt.Sprintf(`REVOKE EXECUTE ON FUNCTION hw_change FROM "hw doctor %d 1"`, os.Getpid()))
	v = see(t, at(t, program))
	v.finds(t, "rights", doctor.Fault, "EXECUTE on hw_change", "highway setup --roles")
	v.finds(t, "exchange", doctor.Skipped, "because of rights")
}

func TestTheDoctorKnowsWhoMayOnlyLook(t *testing.T) {
	dsn := install(t, postgrestest.Shared(t).Database(t))
	say(t, dsn, "web-1/1/A", "payment", fleet.Report{})
	u, err := url.Parse(role(t, dsn, true))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	monitor := fmt.Sprintf("hw doctor %d 2", os.Getpid())
	run(t, dsn, `ALTER ROLE "`+monitor+`" PASSWORD '`+password+`'`)
	u.User = url.UserPassword(monitor, password)
	v := see(t, at(t, u.String()))
	if v.Status != doctor.OK {
		t.Errorf("%s", v.text)
	}
	v.finds(t, "rights", doctor.OK, "may look, may not act")
	v.finds(t, "exchange", doctor.Skipped, "may look, may not act")
	v.finds(t, "rows", doctor.OK)
	run(t, dsn, `REVOKE SELECT ON hw_reports FROM "`+monitor+`"`)
	see(t, at(t, u.String())).finds(t, "rights", doctor.Fault, "lacks")
}

func TestTheDoctorSaysThatNobodyIsThere(t *testing.T) {
	dsn := install(t, postgrestest.Shared(t).Database(t))
	v := see(t, at(t, dsn), "--strict")
	if v.code != exitWarnings || v.Warnings != 1 {
		t.Errorf("exit code %d, %s", v.code, v.text)
	}
	v.finds(t, "instances", doctor.Warning, "no program is running", "nobody is in the fleet without a namespace")
	_, stdout, _ := command(t.Context(), "doctor", "--namespace=empty")
	if !strings.HasSuffix(stdout, "\n1 warning, and no fault found; nobody is in the namespace \"empty\". Nothing was changed.\n") {
		t.Errorf("%s", stdout)
	}
}

func TestTheDoctorNamesRightsThatAreMissing(t *testing.T) {
	dsn := install(t, postgrestest.Shared(t).Database(t))
	v := see(t, at(t, role(t, dsn, false)))
	if v.Cause != "schema" {
		t.Errorf("the cause is %q", v.Cause)
	}
	v.finds(t, "schema", doctor.Fault, "may not even read", "highway setup --roles")
}

func TestTheDoctorNamesAPoolerInTransactionMode(t *testing.T) {
	server := postgrestest.New(t, postgrestest.Options{Private: true})
	dsn := inhabit(t, install(t, server.Database(t)))
	pooled := behind(t, pooler.Transaction, dsn)
	v := see(t, at(t, pooled))
	if v.Faults != 0 || v.Warnings != 1 || v.code != exitOK {
		t.Errorf("exit code %d: %s", v.code, v.text)
	}
	v.finds(t, "pooler", doctor.Warning, "a pooler in transaction mode", "WithListener", "without the pooler")
	v.finds(t, "notifications", doctor.Skipped, "the pooler lets none through")
	inhabit(t, dsn)
	v = see(t, at(t, pooled), "--listener", dsn, "--strict")
	v.finds(t, "pooler", doctor.OK, "past it")
	v.finds(t, "notifications", doctor.OK, "one comes after")
	if v.code != exitOK {
		t.Errorf("exit code %d: %s", v.code, v.text)
	}
	see(t, at(t, pooled), "--poll-only").finds(t, "notifications", doctor.OK, "--poll-only")
	// A listener that leads elsewhere hears nothing, and one that leads nowhere is at fault.
	v = see(t, at(t, pooled), "--listener", server.Database(t), "--timeout=4s")
	v.finds(t, "notifications", doctor.Warning, "nothing comes", "the same database")
	v = see(t, at(t, pooled), "--listener", strings.Replace(dsn, "postgres://postgres:", "postgres://postgres:not", 1))
	v.finds(t, "notifications", doctor.Fault, "password", "--listener")
}

func TestTheDoctorKnowsAPoolerInSessionMode(t *testing.T) {
	dsn := install(t, postgrestest.New(t, postgrestest.Options{Private: true}).Database(t))
	pooled := behind(t, pooler.Session, dsn)
	inhabit(t, dsn)
	v := see(t, at(t, pooled))
	if v.Status != doctor.OK {
		t.Errorf("%s", v.text)
	}
	v.finds(t, "pooler", doctor.OK, "session mode")
	v.finds(t, "notifications", doctor.OK, "one comes after")
}

func TestTheDoctorNamesAStandby(t *testing.T) {
	primary := postgrestest.New(t, postgrestest.Options{Private: true})
	install(t, primary.DSN())
	standby, err := primary.Standby(t.Context())
	if errors.Is(err, postgrestest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	v := see(t, at(t, standby.DSN()))
	if v.Cause != "writes" || v.Faults != 1 {
		t.Errorf("the cause is %q of %d: %s", v.Cause, v.Faults, v.text)
	}
	v.finds(t, "writes", doctor.Fault, "is a standby", "connect to the primary", "PGTARGETSESSIONATTRS=read-write")
	v.finds(t, "schema", doctor.OK)
	v.finds(t, "exchange", doctor.Skipped, "because of writes")
	v.finds(t, "notifications", doctor.Skipped, "because of writes")

	variables := at(t, standby.DSN())
	variables["PGTARGETSESSIONATTRS"] = "read-write"
	see(t, variables).finds(t, "login", doctor.Fault, "standbys", "the primary")
	variables["HW_DB_HOST"] += "," + variables["HW_DB_HOST"]
	variables["HW_DB_PORT"] += "," + at(t, primary.DSN())["HW_DB_PORT"]
	inhabit(t, primary.DSN())
	if v := see(t, variables); v.Status != doctor.OK {
		t.Errorf("%s", v.text)
	}
}

func TestTheDoctorNamesAServerThatIsReadOnly(t *testing.T) {
	dsn := install(t, postgrestest.Shared(t).Database(t))
	database := at(t, dsn)["HW_DB_NAME"]
	query(t, "", `ALTER DATABASE "`+database+`" SET default_transaction_read_only = on`)
	see(t, at(t, dsn)).finds(t, "writes", doctor.Fault, "takes no writes", "default_transaction_read_only")
	query(t, "", `ALTER DATABASE "`+database+`" RESET default_transaction_read_only`)
	query(t, "", `ALTER DATABASE "`+database+`" SET default_transaction_isolation = 'serializable'`)
	see(t, at(t, dsn)).finds(t, "server", doctor.Fault, "serializable", "'read committed'")
}

func TestTheDoctorNamesAClockThatIsAnHourOff(t *testing.T) {
	server, err := postgrestest.Start(t.Context(), postgrestest.Options{Clock: true, Logf: t.Logf})
	if errors.Is(err, postgrestest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	dsn := install(t, server.DSN())
	say(t, dsn, "web-1/1/A", "payment", fleet.Report{})
	see(t, at(t, dsn)).finds(t, "clock", doctor.OK)

	if err := server.SetClock(time.Hour); err != nil {
		t.Fatal(err)
	}
	v := see(t, at(t, dsn))
	if v.Cause != "clock" || v.Faults != 1 {
		t.Errorf("the cause is %q of %d", v.Cause, v.Faults)
	}
	v.finds(t, "clock", doctor.Fault, "60 minutes ahead of", "NTP", "by the server's clock alone", "the Python library")
	say(t, dsn, "web-1/1/B", "payment", fleet.Report{}) // a row of that time
	if err := server.SetClock(0); err != nil {
		t.Fatal(err)
	}
	see(t, at(t, dsn)).finds(t, "clock", doctor.Fault, "60 minutes in the future", "set back", "an OPEN lasts its whole time again")
	if err := server.SetClock(-10 * time.Second); err != nil {
		t.Fatal(err)
	}
	run(t, dsn, "DELETE FROM hw_instances; DELETE FROM hw_transitions; DELETE FROM hw_circuit_breakers; DELETE FROM hw_transitions")
	see(t, at(t, dsn)).finds(t, "clock", doctor.Warning, " s behind")
}

func TestTheDoctorNamesInstancesThatDisagree(t *testing.T) {
	dsn := install(t, postgrestest.Shared(t).Database(t))
	one := fleet.Settings{Failures: 3, Window: 10, Successes: 2, Probes: 2, Cooldown: time.Minute}
	two := one
	two.Cooldown = time.Hour
	say(t, dsn, "web-1/1/A", "payment", fleet.Report{Settings: one})
	say(t, dsn, "web-2/1/B", "payment", fleet.Report{Settings: two})
	say(t, dsn, "web-2/1/B", "mail", fleet.Report{Settings: two})
	say(t, dsn, "web-3/1/C", "payment", fleet.Report{}, postgres.WithNamespace("staging"))
	say(t, dsn, "console/1/D", "mail", fleet.Report{Settings: one}) // which makes no calls
	say(t, dsn, "web-4/1/E", "mail", fleet.Report{Settings: one})   // which is gone
	say(t, dsn, "web-2/1/B", "late", fleet.Report{Settings: two})
	say(t, dsn, "web-2/1/B", "odd", fleet.Report{Settings: two})
	run(t, dsn, `UPDATE hw_circuit_breakers SET hold = 'isolated' WHERE resource_key = 'mail';
		UPDATE hw_reports SET active = false WHERE instance = 'console/1/D';
		UPDATE hw_instances SET seen = seen - interval '1 minute' WHERE instance = 'web-4/1/E';
		UPDATE hw_circuit_breakers SET state = 'OPEN', hold = 'held_open', deadline = now() + interval '1 hour', period = '1 hour',
			changed_at = now() - interval '5 days', revision = revision + 1 WHERE resource_key = 'late';
		UPDATE hw_circuit_breakers SET reason = 'nonsense', revision = revision + 1 WHERE resource_key = 'odd';
		UPDATE hw_circuit_breakers SET changed_at = now() - interval '5 days', revision = revision + 1 WHERE resource_key = 'mail';
		INSERT INTO hw_circuit_breakers (resource_key, state) VALUES ('python', 'CLOSED')`)
	v := see(t, at(t, dsn))
	if v.Faults != 0 || v.Warnings != 1 {
		t.Errorf("%s", v.text)
	}
	v.finds(t, "settings", doctor.Warning, `"payment"`, `"web-1/1/A"`, `"web-2/1/B"`,
		"opens at 3 of 10, closes at 2 of 2, cooldown 1m0s", "cooldown 1h0m0s", "finish the deployment")
	v.finds(t, "instances", doctor.OK, "3 live instances", `1 live instance in the namespace "staging"`, "1 instance fell silent")
	v.finds(t, "rows", doctor.OK, "2 not closed, 2 under a hold", `"mail" is isolated since 5 days`, "row that another program has written", "1 row that makes no sense")
	for _, not := range []string{`"mail": `, `"late" is`} {
		if strings.Contains(strings.ReplaceAll(v.text, `\"`, `"`), not) {
			t.Errorf("%s is in %s", not, v.text)
		}
	}

	variables := at(t, dsn)
	variables["HW_NAMESPACE"] = "production"
	see(t, variables).finds(t, "instances", doctor.Warning, `nobody is in the namespace "production"`, "HW_NAMESPACE")
	see(t, variables, "--namespace=staging").finds(t, "instances", doctor.OK, `"web-3/1/C"`)
}

func TestTheDoctorVerifiesCertificatesAsProgramsDo(t *testing.T) {
	server := postgrestest.New(t, postgrestest.Options{TLS: true})
	install(t, server.DSN())
	for name, test := range map[string]struct {
		host, mode, root string
		status           doctor.Status
		words            []string
	}{
		"verified":     {"localhost", "verify-full", server.CAFile(), doctor.OK, []string{"the server's name are verified", "the certificate ends on"}},
		"by authority": {"127.0.0.1", "verify-ca", server.CAFile(), doctor.OK, []string{"the server's name is not"}},
		"blindly":      {"localhost", "require", "", doctor.OK, []string{"nothing of the certificate is verified"}},
		"a stranger":   {"localhost", "verify-full", "", doctor.Fault, []string{"nobody whom this machine trusts", "HW_DB_SSLROOTCERT", `"postgrestest authority"`}},
		"not at all":   {"localhost", "disable", "", doctor.OK, []string{"sslmode is disable"}},
	} {
		t.Run(name, func(t *testing.T) {
			variables := at(t, server.DSN())
			variables["HW_DB_HOST"], variables["HW_DB_SSLMODE"], variables["HW_DB_SSLROOTCERT"] = test.host, test.mode, test.root
			inhabit(t, server.DSN())
			v := see(t, variables)
			v.finds(t, "tls", test.status, test.words...)
			if test.mode == "disable" {
				v.finds(t, "login", doctor.Fault, "HW_DB_SSLMODE (environment)", "only with TLS")
			} else if test.status == doctor.OK && v.Status != doctor.OK {
				t.Errorf("%s", v.text)
			}
		})
	}
	plain := install(t, postgrestest.New(t, postgrestest.Options{Private: true}).Database(t))
	variables := at(t, plain)
	variables["HW_DB_SSLMODE"] = "require"
	see(t, variables).finds(t, "tls", doctor.Fault, "the server offers no TLS")
}

func TestTheDoctorSaysWhereVariablesAreSet(t *testing.T) {
	see(t, nil).finds(t, "environment", doctor.Fault, "no variable HW_DB_* is set", "set HW_DB_HOST and HW_DB_PASSWORD")
	if err := os.WriteFile(".env", []byte("HW_DB_HOST=127.0.0.1\nHW_DB_PASSWORD=sesame\nHW_DB_PORT="+closed(t)+"\nHW_DB_USERNAME=me\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HW_DB_HOST", "localhost")
	t.Setenv("PGSSLMODE", "require")
	_, stdout, stderr := command(t.Context(), "doctor")
	for _, want := range []string{
		"environment: HW_DB_HOST; .env: HW_DB_PORT, HW_DB_PASSWORD", "nobody reads HW_DB_USERNAME (.env)",
		"HW_DB_HOST of the environment wins over another one in .env", "PGSSLMODE", "HW_DB_PORT (.env)",
		"Begin with network", "Nothing was changed.",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout+stderr, "sesame") || strings.ContainsRune(stdout, '\x1b') || stderr != "" {
		t.Errorf("%s%s", stdout, stderr)
	}
	if err := os.WriteFile(".env", []byte("HW_DB_PASSWORD='sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stdout, _ = command(t.Context(), "doctor", "--json")
	if !strings.Contains(stdout, ".env: line 1: the quotes are not closed") || strings.Contains(stdout, "sesame") {
		t.Error(stdout)
	}
	see(t, map[string]string{"HW_DB_DSN": "postgres://me:sesame@localhost:" + closed(t) + "/db", "HW_DB_HOST": "other"}).
		finds(t, "environment", doctor.OK, "environment: HW_DB_HOST, HW_DB_DSN", "with HW_DB_DSN these do not count: HW_DB_HOST")
	see(t, nil, "--dsn=postgres://me:sesame@localhost:"+closed(t)+"/db").finds(t, "network", doctor.Fault, "correct --dsn")
	if v := see(t, nil, "--dsn=postgres://me:sesame@localhost:x/db"); v.Cause != "environment" || strings.Contains(v.text, "sesame") {
		t.Error(v.text)
	}
}

func TestTheDoctorsHelpHasEveryKeyAndExitCode(t *testing.T) {
	code, help, _ := command(t.Context(), "doctor", "--help")
	if code != exitOK {
		t.Errorf("exit code %d", code)
	}
	for _, line := range strings.Split(help, "\n") {
		if len([]rune(line)) > 80 {
			t.Errorf("too long for a terminal: %q", line)
		}
	}
	for _, kind := range []reflect.Type{reflect.TypeFor[doctor.Report](), reflect.TypeFor[doctor.Finding]()} {
		for i := range kind.NumField() {
			if key := kind.Field(i).Tag.Get("json"); !regexp.MustCompile(`(?m)^ +` + key + ` `).MatchString(help) {
				t.Errorf("%s is not in the help", key)
			}
		}
	}
	for _, number := range []int{exitOK, exitFailed, exitUsage, exitWarnings} {
		if !regexp.MustCompile(fmt.Sprintf(`(?s)Exit codes:.*\b%d, `, number)).MatchString(help) {
			t.Errorf("the exit code %d is not in the help", number)
		}
	}
}
