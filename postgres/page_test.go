package postgres_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/postgres/schema"
)

// page is what the documentation says about PostgreSQL.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/postgresql.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheStatementsOfThePageRun: in the schema that programs have, with something to see in
// it. Each that reads finds something.
func TestTheStatementsOfThePageRun(t *testing.T) {
	s := newStored(t)
	scene(t, s)
	conn, err := pgx.ConnectConfig(t.Context(), s.pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())

	fence := regexp.MustCompile("(?ms)^```sql\n(.*?)^```")
	statements := 0
	for _, block := range fence.FindAllStringSubmatch(page(t), -1) {
		for statement := range strings.SplitSeq(block[1], ";\n") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			statements++
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			// The roles are those of the page, for as long as the statement takes.
			for _, sql := range []string{
				"SET LOCAL search_path = " + pgx.Identifier{s.schema}.Sanitize(),
				`DO $$ DECLARE role text; BEGIN FOREACH role IN ARRAY '{highway_runtime,python_programs}'::text[] LOOP
					IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN EXECUTE 'CREATE ROLE ' || role; END IF;
				END LOOP; END $$`,
			} {
				if _, err := tx.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			tag, err := tx.Exec(t.Context(), statement)
			if err != nil {
				t.Errorf("%v in\n%s", err, statement)
			} else if tag.RowsAffected() == 0 && (tag.Select() || tag.Update() || tag.Delete()) {
				t.Errorf("it finds nothing:\n%s", statement)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if statements < 12 {
		t.Errorf("found only %d statements", statements)
	}
	for _, query := range []string{allBreakers, openBreakers, failureRates} {
		if !strings.Contains(page(t), query) {
			t.Errorf("it lacks the document's query\n%s", query)
		}
	}
}

// scene makes two instances that disagree about search, of which one suspects; payment
// has opened; a person has isolated mail.
func scene(t *testing.T, s *stored) {
	t.Helper()
	payment := s.look(t, "payment_service", 1).Row
	s.put(t, "payment_service", payment, fleet.Row{State: fleet.Open, Reason: fleet.Testified, By: "go", Remaining: time.Minute})
	s.put(t, "mail", s.look(t, "mail", 1).Row, fleet.Row{State: fleet.Open, Hold: fleet.Isolated, Reason: fleet.Commanded, By: "go"})
	search := s.look(t, "search", 1).Row
	for _, r := range []fleet.Report{
		{Instance: "go", Suspicion: 7, Refuses: true, Failures: 5, Outcomes: 10, Settings: fleet.Settings{Cooldown: time.Minute}},
		{Instance: "other", Testimony: fleet.Testimony{About: fleet.Accusation{Suspect: "go", Number: 7}, Sum: 2, Calls: 3}, Settings: fleet.Settings{Cooldown: time.Hour}},
	} {
		r.Number, r.Active, r.About = 2, true, search.Identity
		if _, err := s.Exchange(t.Context(), r.Instance, map[string]fleet.Report{"search": r}); err != nil {
			t.Fatal(err)
		}
	}
	// What the server counts of its tables it says a little later.
	waitFor(t, func() bool {
		var tables int
		err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_user_tables WHERE relname LIKE 'hw\_%'`).Scan(&tables)
		return err == nil && tables >= 5
	})
}

// TestThePageExplainsWhatThereIs: every column, variable and option.
func TestThePageExplainsWhatThereIs(t *testing.T) {
	s, text := newStored(t), page(t)
	rows, _ := s.pool.Query(t.Context(), "SELECT column_name::text FROM information_schema.columns WHERE table_schema = $1 AND table_name LIKE 'hw\\_%'", s.schema)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) < 50 {
		t.Fatalf("%d columns, %v", len(names), err)
	}
	for _, option := range regexp.MustCompile(`(?m)^func (With\w+)\(`).FindAllStringSubmatch(source(t, "*.go"), -1) {
		names = append(names, option[1])
	}
	for _, variable := range regexp.MustCompile(`(?m)= "(HW_\w+)"`).FindAllStringSubmatch(source(t, "environment.go"), -1) {
		names = append(names, variable[1])
	}
	for _, name := range names {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("it does not explain %s", name)
		}
	}
}

// TestThePageHelpsWithWhatIsSaid: its messages are in the source, and all advice of the
// source is on the page.
func TestThePageHelpsWithWhatIsSaid(t *testing.T) {
	_, table, ok := strings.Cut(page(t), "## Troubleshooting")
	if !ok {
		t.Fatal("there is no such section")
	}
	said := source(t, "*.go") + source(t, "schema/*.sql") + source(t, "../internal/driver/*.go") + source(t, "../internal/engine/*.go")
	messages := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1)
	for _, message := range messages {
		quoted, _ := json.Marshal(message[1])
		if !strings.Contains(said, message[1]) && !strings.Contains(said, strings.Trim(string(quoted), `"`)) {
			t.Errorf("nobody says %s", message[1])
		}
	}
	if len(messages) < 15 {
		t.Errorf("found only %d messages", len(messages))
	}
	_, advice, _ := strings.Cut(source(t, "errors.go"), "var advice")
	for _, entry := range regexp.MustCompile("(?m)^\t\"\\w{5}\": +[\"`](.+)[\"`],$").FindAllStringSubmatch(advice, -1) {
		if !strings.Contains(table, "`"+entry[1]+"`") {
			t.Errorf("it does not help with %s", entry[1])
		}
	}
}

// source is the text of this module's files.
func source(t *testing.T, pattern string) (text string) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v, %v", pattern, paths, err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		bytes, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text += string(bytes)
	}
	return text
}

// TestThePageNamesTheDefaults of what it says about the setup.
func TestThePageNamesTheDefaults(t *testing.T) {
	for _, want := range []string{"`" + schema.Default + "`", "`" + schema.DefaultRoles.Owner + "`", "`" + schema.DefaultRoles.Runtime + "`", "`" + schema.DefaultRoles.Monitor + "`"} {
		if !strings.Contains(page(t), want) {
			t.Errorf("%s is not there", want)
		}
	}
}
