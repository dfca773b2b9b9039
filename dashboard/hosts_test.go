package dashboard_test

import (
	"net/http"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
)

func TestOnlyTheNamesThatItIsServedUnder(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	use(t, storage, "payments")
	d := newDashboard(t, dashboard.Config{Ledger: storage, Hosts: []string{"ops.example", "127.0.0.1", "::1"}})
	any := newDashboard(t, dashboard.Config{Ledger: storage})
	for host, want := range map[string]int{
		"ops.example": 200, "ops.example:8080": 200, "OPS.Example.": 200, "127.0.0.1": 200, "127.0.0.1:80": 200, "[::1]": 200, "[::1]:80": 200, "::1": 200,
		"evil.example": 421, "evil.example:80": 421, "ops.example.evil.example": 421, "127.0.0.1.evil.example:80": 421, "127.0.0.2": 421, "": 421, ":80": 421, "localhost": 421,
	} {
		at := func(r *http.Request) {
			r.Host = host
			r.Header.Set("Origin", "http://"+host) // by its name it is the same site
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		for _, target := range []string{"/", "/api/me", "/main.js", "/panel/x", "/api/circuit?key=payments"} {
			w := ask(d, "GET", target, "", at)
			if refused := w.Code == http.StatusMisdirectedRequest; refused != (want == 421) {
				t.Errorf("%s for %q: %d %s", target, host, w.Code, w.Body)
			}
			if w := ask(any, "GET", target, "", at); w.Code == http.StatusMisdirectedRequest {
				t.Errorf("%s for %q, where any name will do: %d %s", target, host, w.Code, w.Body)
			}
		}
		w := ask(d, "POST", "/api/act", isolate("1.0"), at)
		if refused := w.Code == http.StatusMisdirectedRequest; refused != (want == 421) {
			t.Errorf("acting for %q: %d %s", host, w.Code, w.Body)
		}
	}
}
