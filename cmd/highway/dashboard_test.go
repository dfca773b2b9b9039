package main

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/highway-engine/highway/fleet"
)

// serving starts a command that serves a page, and returns the lines in which it says where,
// up to a last one. It ends with the test, by itself, and then has said nothing wrong.
func serving(t *testing.T, process *exec.Cmd) (said string) {
	t.Helper()
	var errs strings.Builder
	process.Stderr = &errs
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	process.Cancel = func() error { return process.Process.Signal(os.Interrupt) } // with the test's context
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = io.Copy(io.Discard, out)
		if _ = process.Wait(); process.ProcessState.ExitCode() != exitOK || errs.Len() > 0 {
			t.Errorf("%v, %q", process.ProcessState, errs.String())
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if said += lines.Text() + "\n"; strings.HasPrefix(lines.Text(), "Ctrl-C") || strings.HasPrefix(lines.Text(), "The dashboard is at") {
			return said
		}
	}
	t.Fatalf("it says only %q, and %q", said, errs.String())
	return ""
}

// linksIn are the addresses and what is after their #.
func linksIn(t *testing.T, said string) (links []*url.URL) {
	t.Helper()
	for _, text := range regexp.MustCompile(`http\S+`).FindAllString(said, -1) {
		link, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		links = append(links, link)
	}
	return links
}

// fetch sends a request, and returns the status and the body.
func fetch(t *testing.T, method string, at *url.URL, path, body, token string, header ...string) (int, string) {
	t.Helper()
	to := *at
	to.Fragment = ""
	r, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(to.String(), "/")+"/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("Content-Type", "application/json")
	if len(header) > 0 {
		r.Host = header[0]
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestDashboardOfADatabase(t *testing.T) {
	d := deploy(t)
	storage := d.storage()
	if _, err := storage.Exchange(t.Context(), "web-1", map[string]fleet.Report{"payments": {Instance: "web-1", Number: 1}}); err != nil {
		t.Fatal(err)
	}
	links := linksIn(t, serving(t, d.process([]string{"HW_DB_DSN=" + d.dsn}, "dashboard")))
	if len(links) != 2 || links[0].Hostname() != "127.0.0.1" {
		t.Fatalf("%v", links)
	}
	tokens := make([]string, 2)
	for i, link := range links {
		values, err := url.ParseQuery(link.Fragment)
		if err != nil || values.Get("name") == "" {
			t.Fatalf("%v, %v", link, err)
		}
		tokens[i] = values.Get("token")
	}
	at := links[0]
	if code, body := fetch(t, "GET", at, "api/me", "", ""); code != http.StatusUnauthorized {
		t.Errorf("%d %s", code, body)
	}
	if code, body := fetch(t, "GET", at, "api/me", "", tokens[1], "evil.example"); code != http.StatusMisdirectedRequest {
		t.Errorf("under another name: %d %s", code, body)
	}
	code, body := fetch(t, "GET", at, "api/circuit?key=payments", "", tokens[0])
	seen := regexp.MustCompile(`"seen":"([^"]+)"`).FindStringSubmatch(body)
	if code != http.StatusOK || seen == nil {
		t.Fatalf("%d %s", code, body)
	}
	order := `{"key": "payments", "action": "isolate", "reason": "INC-7", "seen": "` + seen[1] + `"}`
	if code, body := fetch(t, "POST", at, "api/act", order, tokens[0]); code != http.StatusForbidden {
		t.Errorf("%d %s", code, body)
	}
	if code, body := fetch(t, "POST", at, "api/act", order, tokens[1]); code != http.StatusOK {
		t.Errorf("%d %s", code, body)
	}
	if detail, err := storage.Look(t.Context(), "payments"); err != nil || detail.Row.Hold != fleet.Isolated || detail.Row.Note != "INC-7" {
		t.Errorf("%+v, %v", detail, err)
	}
}

func TestDashboardWithTokensOfOnesOwn(t *testing.T) {
	d := deploy(t)
	said := serving(t, d.process([]string{"HW_DB_DSN=" + d.dsn, readToken + "=to look at it all", actToken + "=to act on it all"}, "dashboard", "--read-only", "--public-host", "ops.example"))
	at := linksIn(t, said)[0]
	if strings.Contains(said, "to look") || at.Fragment != "" {
		t.Errorf("a token is printed: %s", said)
	}
	if code, body := fetch(t, "GET", at, "api/me", "", "to look at it all"); code != http.StatusOK || !strings.Contains(body, "only for looking") {
		t.Errorf("%d %s", code, body)
	}
	if code, body := fetch(t, "GET", at, "api/me", "", "to look at it all", "ops.example"); code != http.StatusOK {
		t.Errorf("under the name of a proxy: %d %s", code, body)
	}
	if code, body := fetch(t, "GET", at, "api/me", "", "to act on it all"); code != http.StatusUnauthorized {
		t.Errorf("%d %s", code, body)
	}
}

func TestADemoWithADashboard(t *testing.T) {
	process := exec.CommandContext(t.Context(), binary, "demo", "--dashboard", "--sick=1", "--instances=3")
	process.Dir = t.TempDir()
	at := linksIn(t, serving(t, process))[0]
	if code, body := fetch(t, "GET", at, "panel/state", "", ""); code != http.StatusOK || !strings.Contains(body, `{"key":"payments","phase":"healthy"}`) || strings.Count(body, `"sick":true`) != 1 {
		t.Errorf("%d %s", code, body)
	}
	if code, body := fetch(t, "GET", at, "panel/state", "", "", "evil.example"); code != http.StatusMisdirectedRequest {
		t.Errorf("under another name: %d %s", code, body)
	}
	for body, want := range map[string]int{
		`{"server": "payments", "phase": "failing"}`: 200, `{"instance": 2, "sick": true}`: 200,
		`{"server": "payments", "phase": "on fire"}`: 400, `{"server": "none", "phase": "slow"}`: 400, `{"instance": 9}`: 400, `{"instance": -1}`: 400, `{"x": 1}`: 400, ``: 400,
	} {
		if code, said := fetch(t, "POST", at, "panel/state", body, ""); code != want {
			t.Errorf("%s: %d %s", body, code, said)
		}
	}
	if _, body := fetch(t, "GET", at, "panel/state", "", ""); !strings.Contains(body, `{"key":"payments","phase":"failing"}`) || strings.Count(body, `"sick":true`) != 2 {
		t.Error(body)
	}
	for opened := false; !opened; { // the instances see it fail
		_, body := fetch(t, "GET", at, "api/circuit?key=payments", "", "")
		opened = strings.Contains(body, `"to":"open"`)
	}
}
