package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/highway-engine/highway/dashboard"
)

func TestLoggingOut(t *testing.T) {
	names := map[string]string{} // of the cookie, by the host
	for _, tokens := range []dashboard.Access{dashboard.Tokens(readToken, actToken), dashboard.Tokens(readToken+"2", actToken+"2")} {
		d := newDashboard(t, dashboard.Config{Access: tokens})
		for _, token := range []string{actToken, actToken + "2"} {
			for _, host := range []string{"ops.example", "ops.example:8080", "ops.example:8081", "[::1]:8081", "ops.example:x"} {
				at := func(r *http.Request) { r.Host = host }
				form := header("Content-Type", "application/x-www-form-urlencoded")
				login := ask(d, "POST", "/login", "name=ann&token="+token, form, at)
				if login.Code != http.StatusSeeOther {
					continue // the token of the other
				}
				cookie := login.Result().Cookies()[0]
				if before, ok := names[host]; ok && before != cookie.Name {
					t.Errorf("the name of the cookie depends on the tokens: %s and %s", before, cookie.Name)
				}
				names[host] = cookie.Name
				if w := ask(d, "POST", "/logout", "", at); len(w.Result().Cookies()) > 0 || w.Code != http.StatusSeeOther {
					t.Errorf("who has no cookie is sent %v, %d", w.Result().Cookies(), w.Code)
				}
				kept := header("Cookie", cookie.Name+"="+cookie.Value)
				w := ask(d, "POST", "/logout", "", at, kept)
				if gone := w.Result().Cookies(); len(gone) != 1 || gone[0].Name != cookie.Name || gone[0].Value != "" || gone[0].Expires.Year() > 1970 {
					t.Errorf("the cookie is not taken back: %v", gone)
				}
				if w := ask(d, "GET", "/api/me", "", at, kept); !strings.Contains(w.Body.String(), `"who":"ann"`) {
					t.Errorf("a copy of the cookie is no longer good, which the documentation says it is: %s", w.Body)
				}
			}
		}
	}
	if len(names) != 5 || names["ops.example:8080"] == names["ops.example:8081"] || names["ops.example"] == names["ops.example:8080"] {
		t.Errorf("dashboards on other ports share a cookie: %v", names)
	}
}
