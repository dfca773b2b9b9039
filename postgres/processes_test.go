package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/postgrestest"
	"github.com/highway-engine/highway/postgres/schema"
)

// programVariable makes this test binary a program with the document's breaker.
const programVariable = "HIGHWAY_TEST_PROGRAM"

// TestProgram is that program. It obeys what it reads: "succeed" and "fail" are calls that
// end so, "look" is none. It answers each with what has become of it.
func TestProgram(t *testing.T) {
	if os.Getenv(programVariable) == "" {
		t.Skip("it is run by others")
	}
	circuitBreaker := paymentService()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		made := "no call"
		if order := lines.Text(); order != "look" {
			made = "refused"
			_ = circuitBreaker.Do(t.Context(), func(context.Context) error {
				made = "called"
				if order == "fail" {
					return errors.New("the payment service is down")
				}
				return nil
			})
		}
		s := circuitBreaker.Snapshot()
		fmt.Printf("%s, %v, live %v, shared %v\n", made, s.State, s.Fleet.Live, s.Fleet.Shared)
	}
}

// What a program answers.
const (
	calledClosed = "called, CLOSED, live true, shared true"
	seesClosed   = "no call, CLOSED, live true, shared true"
	seesOpen     = "no call, OPEN, live true, shared true"
	refusedOpen  = "refused, OPEN, live true, shared true"
)

// A program is a process that runs.
type program struct {
	*testing.T
	process *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
}

// startProgram starts one in a folder, with these of the library's variables only.
func startProgram(t *testing.T, folder string, variables ...string) *program {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{T: t, process: exec.CommandContext(t.Context(), executable, "-test.run=^TestProgram$")}
	p.process.Dir = folder
	// With the race detector a process would take a second to end.
	p.process.Env = append(withoutVariables(), append(variables, programVariable+"=1", "GORACE=atexit_sleep_ms=0")...)
	p.process.Stderr = t.Output()
	if p.orders, err = p.process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	answers, err := p.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.answers = bufio.NewReader(answers)
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// withoutVariables is the environment without what this library reads.
func withoutVariables() (others []string) {
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "HW_") {
			others = append(others, variable)
		}
	}
	return others
}

// order gives an order and returns the answer.
func (p *program) order(order string) string {
	p.Helper()
	if _, err := fmt.Fprintln(p.orders, order); err != nil {
		p.Fatal(err)
	}
	answer, err := p.answers.ReadString('\n')
	if err != nil {
		p.Fatal(err)
	}
	return strings.TrimSpace(answer)
}

// expect gives an order, of which this must come.
func (p *program) expect(order, want string) {
	p.Helper()
	if got := p.order(order); got != want {
		p.Errorf("%s: %s; want %s", order, got, want)
	}
}

// wait looks until it sees this. Two instances may take a while to open: in its first 10
// seconds one does not trust that there are no others to ask.
func (p *program) wait(want string) {
	p.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := p.order("look")
		if got == want {
			return
		}
		if time.Now().After(end) {
			p.Fatalf("it sees %s; want %s", got, want)
		}
	}
}

// exit lets it end by itself.
func (p *program) exit() {
	p.Helper()
	p.orders.Close()
	if _, err := io.Copy(io.Discard, p.answers); err != nil {
		p.Error(err)
	}
	if err := p.process.Wait(); err != nil {
		p.Error(err)
	}
}

// crash ends it without a chance to say so.
func (p *program) crash() {
	p.Helper()
	if err := p.process.Process.Kill(); err != nil {
		p.Fatal(err)
	}
	_ = p.process.Wait()
}

// documentsDatabase is a database with the document's table, made by hand and then
// upgraded by the setup.
func documentsDatabase(t *testing.T) *pgx.Conn {
	t.Helper()
	server := postgrestest.Shared(t)
	conn, err := pgx.Connect(t.Context(), server.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), documentsTable, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if err := schema.Install(t.Context(), conn, schema.Default); err != nil {
		t.Fatal(err)
	}
	return conn
}

// file is the document's .env for the database of conn.
func file(conn *pgx.Conn) string {
	c := conn.Config()
	text := fmt.Sprintf(documentsFile, c.Host, c.Port, c.Database, c.User, c.Password)
	if c.TLSConfig == nil {
		text += "HW_DB_SSLMODE=disable\n"
	}
	return text
}

// TestTwoProgramsShareABreaker: as in the document, with nothing but the import and the
// variables, which stand in the environment or in .env.
func TestTwoProgramsShareABreaker(t *testing.T) {
	for _, inFile := range []bool{false, true} {
		t.Run(fmt.Sprintf("file %v", inFile), func(t *testing.T) {
			t.Parallel()
			conn := documentsDatabase(t)
			folder, variables := t.TempDir(), strings.Fields(file(conn))
			if inFile {
				variables = nil
				if err := os.WriteFile(filepath.Join(folder, ".env"), []byte(file(conn)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			one, other := startProgram(t, folder, variables...), startProgram(t, folder, variables...)
			one.wait(seesClosed)
			other.wait(seesClosed)
			other.expect("succeed", calledClosed)

			for range 10 {
				one.order("fail")
			}
			one.expect("fail", refusedOpen)
			other.wait(seesOpen) // though none of its calls has failed
			other.expect("succeed", refusedOpen)
			monitored(t, conn)

			// The state survives a restart of both, however they end.
			one.crash()
			other.exit()
			one, other = startProgram(t, folder, variables...), startProgram(t, folder, variables...)
			for _, p := range []*program{one, other} {
				p.wait(seesOpen)
				p.expect("succeed", refusedOpen)
				p.exit()
			}

			// Without the variables it is in memory.
			third := startProgram(t, t.TempDir())
			third.expect("succeed", "called, CLOSED, live false, shared false")
			third.exit()
		})
	}
}

// monitored reads the table with the document's queries.
func monitored(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	var key, state string
	var failures int
	var until, updated time.Time
	if err := conn.QueryRow(t.Context(), allBreakers).Scan(&key, &state, &failures, &until, &updated); err != nil {
		t.Fatal(err)
	}
	if left := until.Sub(updated); key != "payment_service" || state != "OPEN" || failures < 5 || left < 55*time.Second || left > 61*time.Second {
		t.Errorf("%s is %s with %d failures for %v", key, state, failures, left)
	}
	if err := conn.QueryRow(t.Context(), openBreakers).Scan(&key, &until); err != nil {
		t.Error(err)
	}
	if err := conn.QueryRow(t.Context(), failureRates).Scan(&key, &failures); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("%s is closed, %v", key, err)
	}
}

// TestAPackageVariableIsInTheFleet: Go initialises it before the driver registers.
func TestAPackageVariableIsInTheFleet(t *testing.T) {
	conn := documentsDatabase(t)
	path := filepath.Join(t.TempDir(), "payments")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./testdata/payments").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	process := exec.CommandContext(t.Context(), path)
	process.Dir = t.TempDir()
	process.Env = append(withoutVariables(), append(strings.Fields(file(conn)), "GODEBUG=inittrace=1")...)
	var trace strings.Builder
	process.Stderr = &trace
	out, err := process.Output()
	if err != nil || string(out) != "OPEN\n" {
		t.Errorf("%v, %q, %s", err, out, &trace)
	}
	const module = "init " + "github.com/highway-engine/highway/postgres"
	early, driver := strings.Index(trace.String(), module+"/testdata/payments/shop "), strings.Index(trace.String(), module+" ")
	if early < 0 || driver < early {
		t.Errorf("the variable is not made before the driver registers, so this says nothing:\n%s", &trace)
	}
	var hold string
	if err := conn.QueryRow(t.Context(), "SELECT hold FROM hw_circuit_breakers WHERE resource_key = 'payments'").Scan(&hold); err != nil || hold != "isolated" {
		t.Errorf("%q, %v", hold, err)
	}
}
