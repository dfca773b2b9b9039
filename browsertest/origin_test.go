package browsertest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
)

// On this machine's own addresses browsers say more than elsewhere about where a request comes
// from. Without TLS at a name, only the Origin does.
func TestLoggingInAtANameAndBehindTLS(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	rows(t, storage, "web-1", "payments")
	plain := serve(t, dashboard.Config{Ledger: storage, Access: dashboard.Tokens(readToken, actToken)})
	target, err := url.Parse(plain)
	must(t, err)
	var mu sync.Mutex
	var cookies []*http.Cookie
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", target.Host },
		ModifyResponse: func(r *http.Response) error {
			mu.Lock()
			defer mu.Unlock()
			cookies = append(cookies, r.Cookies()...)
			return nil
		},
	})
	t.Cleanup(proxy.CloseClientConnections)
	for _, base := range []string{plain, proxy.URL + "/ops/"} {
		p := open(t, Wide, strings.Replace(base, "127.0.0.1", "dash.test", 1), "Cross-Origin-Opener-Policy header has been ignored")
		until(t, p, "document.getElementById('token')", "location.hostname === 'dash.test'")
		get[string](t, p, "(document.getElementById('name').value = 'ann', document.getElementById('token').value = '"+actToken+"', '')")
		button(t, p, "Log in")
		until(t, p, is(word("payments"), "Closed"), is("document.getElementById('who').textContent", "ann"))
		button(t, p, "Log out")
		until(t, p, "document.getElementById('token')")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(cookies) != 2 || !cookies[0].Secure || !cookies[1].Secure {
		t.Errorf("behind TLS the cookies are %v", cookies)
	}
}
