package dashboard_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
)

// isolate is the body of an action.
func isolate(seen string) string {
	return `{"key": "payments", "action": "isolate", "reason": "INC-7", "seen": "` + seen + `"}`
}

func TestWhoMayDoWhat(t *testing.T) {
	guest := func(*http.Request) (string, error) { return "guest", nil }
	no := func(*http.Request) (string, error) { return "", errors.New("you are not of the house") }
	const seeOther, unauthorised, forbidden, fine = 303, 401, 403, 200
	for what, c := range map[string]struct {
		access                  dashboard.Access
		how                     []asker
		page, read, act, panel_ int
	}{
		"anybody":                {anybody, nil, fine, fine, fine, fine},
		"nobody":                 {dashboard.Access{Read: no, Act: no}, nil, forbidden, unauthorised, unauthorised, forbidden},
		"who may not look":       {dashboard.Access{Read: no, Act: guest}, nil, forbidden, unauthorised, unauthorised, fine},
		"who may only look":      {dashboard.Access{Read: guest, Act: no}, nil, fine, fine, forbidden, forbidden},
		"where nobody may act":   {dashboard.Access{Read: guest}, nil, fine, fine, forbidden, forbidden},
		"without a token":        {dashboard.Tokens(readToken, actToken), nil, seeOther, unauthorised, unauthorised, forbidden},
		"with a wrong token":     {dashboard.Tokens(readToken, actToken), []asker{bearer("guessed")}, seeOther, unauthorised, unauthorised, forbidden},
		"with an empty token":    {dashboard.Tokens(readToken, ""), []asker{bearer("")}, seeOther, unauthorised, unauthorised, forbidden},
		"with the token to read": {dashboard.Tokens(readToken, actToken), []asker{bearer(readToken)}, fine, fine, forbidden, forbidden},
		"with the token to act":  {dashboard.Tokens(readToken, actToken), []asker{bearer(actToken)}, fine, fine, fine, fine},
		"with the only token":    {dashboard.Tokens(readToken, ""), []asker{bearer(readToken)}, fine, fine, forbidden, forbidden},
	} {
		storage := highway.NewInMemoryStorage()
		use(t, storage, "payments")
		d := newDashboard(t, dashboard.Config{Ledger: storage, Access: c.access, Panel: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
		open := newDashboard(t, dashboard.Config{Ledger: storage})
		for _, request := range []struct {
			method, target, body string
			want                 int
		}{
			{"GET", "/", "", c.page},
			{"GET", "/api/me", "", c.read},
			{"GET", "/api/circuit?key=payments", "", c.read},
			{"GET", "/api/history?key=payments&before=1", "", c.read},
			{"POST", "/api/act", isolate(seenOf(t, open, "payments")), c.act},
			{"POST", "/panel/x", "", c.panel_},
		} {
			if w := ask(d, request.method, request.target, request.body, c.how...); w.Code != request.want {
				t.Errorf("%s: %s %s: %d %s, want %d", what, request.method, request.target, w.Code, w.Body, request.want)
			}
		}
		if c.read != fine {
			if w := ask(d, "GET", "/api/events", "", c.how...); w.Code != c.read {
				t.Errorf("%s listens: %d", what, w.Code)
			}
		}
	}
}

func TestOtherSitesAreRefused(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	use(t, storage, "payments")
	d := newDashboard(t, dashboard.Config{Ledger: storage, Access: dashboard.Tokens(readToken, actToken)})
	for _, target := range []string{"/api/act", "/login", "/logout", "/panel/x", "/"} {
		for _, how := range []asker{
			header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Site", "same-site"), header("Origin", "https://evil.example"), header("Origin", "null"),
		} {
			if w := ask(d, "POST", target, isolate("1.0"), how, bearer(actToken)); w.Code != http.StatusForbidden {
				t.Errorf("%s: %d %s", target, w.Code, w.Body)
			}
		}
	}
	seen := seenOf(t, d, "payments", bearer(readToken))
	for _, how := range []asker{header("Sec-Fetch-Site", "same-origin"), header("Origin", "http://example.com")} {
		if w := ask(d, "POST", "/api/act", isolate(seen), how, bearer(actToken)); w.Code == http.StatusForbidden {
			t.Errorf("of its own: %d %s", w.Code, w.Body)
		}
	}
}

func TestEveryAnswerIsSafeToShow(t *testing.T) {
	d := newDashboard(t, dashboard.Config{Access: dashboard.Tokens(readToken, actToken)})
	for _, target := range []string{"/", "/login", "/main.js", "/dashboard.css", "/icon.svg", "/api/me", "/nothing", "/login.html", "/../go.mod"} {
		w := ask(d, "GET", target, "", bearer(readToken))
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';", "X-Content-Type-Options": "nosniff",
			"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s is %q", target, name, got)
			}
		}
		if policy := w.Header().Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Error(policy)
		}
		if strings.Contains(w.Body.String(), "{{") {
			t.Errorf("%s is served as the template that it is", target)
		}
	}
}

func TestLoggingIn(t *testing.T) {
	d := newDashboard(t, dashboard.Config{Access: dashboard.Tokens(readToken, actToken), Title: "<b>"})
	login := func(form string, how ...asker) (int, *http.Cookie, string) {
		w := ask(d, "POST", "/login", form, append(how, header("Content-Type", "application/x-www-form-urlencoded"))...)
		for _, c := range w.Result().Cookies() {
			return w.Code, c, w.Body.String()
		}
		return w.Code, nil, w.Body.String()
	}
	for form, want := range map[string]int{
		"name=ann&token=guessed": 403, "name=%3Cscript%3E&token=guessed": 403, "name=&token=" + actToken: 400,
		"name=a%0Ab&token=" + actToken: 400, "name=" + strings.Repeat("a", 101) + "&token=x": 400, strings.Repeat("a", 5000): 400, "%": 400,
	} {
		if code, cookie, body := login(form); code != want || cookie != nil || strings.Contains(body, "<script>") || strings.Contains(body, "<b>") {
			t.Errorf("%.50q: %d, %v, %s", form, code, cookie, body)
		}
	}
	who := func(cookie string) string {
		return ask(d, "GET", "/api/me", "", header("Cookie", cookie)).Body.String()
	}
	code, cookie, _ := login("name=ann&token="+actToken, header("Origin", "https://example.com"))
	if code != http.StatusSeeOther || cookie == nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || !cookie.Secure || cookie.Path != "" {
		t.Fatalf("%d, %+v", code, cookie)
	}
	if strings.Contains(cookie.Value, actToken) {
		t.Error("the token is in the cookie")
	}
	if is := who(cookie.Name + "=" + cookie.Value); !strings.Contains(is, `"who":"ann","act":true`) {
		t.Error(is)
	}
	_, cookie, _ = login("name=bob&token=" + readToken)
	if is := who(cookie.Name + "=" + cookie.Value); !strings.Contains(is, `"who":"bob","act":false`) || cookie.Secure {
		t.Errorf("%s, %+v", is, cookie)
	}
	parts := strings.Split(cookie.Value, ".")
	for _, forged := range []string{
		"", ".", "..", parts[0] + "." + parts[1] + ".", "9" + cookie.Value, parts[0] + ".YW5u." + parts[2], "1." + parts[1] + "." + parts[2], cookie.Value + "A",
	} {
		if is := who(cookie.Name + "=" + forged); !strings.Contains(is, "no valid token") {
			t.Errorf("%q: %s", forged, is)
		}
	}
	other := newDashboard(t, dashboard.Config{Access: dashboard.Tokens(readToken+"2", actToken)})
	if w := ask(other, "GET", "/api/me", "", header("Cookie", cookie.Name+"="+cookie.Value)); w.Code != http.StatusUnauthorized {
		t.Error("another token has not ended what was logged in")
	}
	if w := ask(newDashboard(t, dashboard.Config{}), "GET", "/login", ""); w.Code != http.StatusNotFound {
		t.Errorf("there is a form without tokens: %d", w.Code)
	}
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	good := dashboard.Config{Ledger: highway.NewInMemoryStorage(), Access: anybody}
	for field, spoil := range map[string]func(*dashboard.Config){
		"Config.Ledger is <nil>":                       func(c *dashboard.Config) { c.Ledger = nil },
		"Config.Access.Read is nil":                    func(c *dashboard.Config) { c.Access = dashboard.Access{} },
		"Config.Every is 1ns":                          func(c *dashboard.Config) { c.Every = 1 },
		"Config.Every is -1ns":                         func(c *dashboard.Config) { c.Every = -1 },
		`Config.Hosts is "a:80"`:                       func(c *dashboard.Config) { c.Hosts = []string{"a", "a:80"} },
		`Config.Hosts is "A.example"`:                  func(c *dashboard.Config) { c.Hosts = []string{"A.example"} },
		`Config.Hosts is ""`:                           func(c *dashboard.Config) { c.Hosts = []string{""} },
		"Config.Title is":                              func(c *dashboard.Config) { c.Title = strings.Repeat("t", 101) },
		"a token to read of 5 bytes":                   func(c *dashboard.Config) { c.Access = dashboard.Tokens("short", actToken) },
		"a token to read of 0 bytes":                   func(c *dashboard.Config) { c.Access = dashboard.Tokens("", "") },
		"a token to act of 1 bytes":                    func(c *dashboard.Config) { c.Access = dashboard.Tokens(readToken, "a") },
		"one token for both: who may look need not be": func(c *dashboard.Config) { c.Access = dashboard.Tokens(readToken, readToken) },
	} {
		c := good
		spoil(&c)
		d, err := dashboard.New(c)
		var invalid *dashboard.InvalidConfigError
		if d != nil || !errors.As(err, &invalid) || !strings.Contains(err.Error(), field) || strings.Contains(err.Error(), readToken) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
