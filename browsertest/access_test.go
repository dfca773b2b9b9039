package browsertest

import (
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
)

const readToken, actToken = "a token for looking", "a token for acting!!"

func TestWhoMayOnlyLookHasNoButtons(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	rows(t, storage, "web-1", "payments")
	url := serve(t, dashboard.Config{Ledger: storage, Access: dashboard.Tokens(readToken, actToken)})
	p := open(t, Wide, url, "status of 403", "status of 400")
	until(t, p, "document.getElementById('token')", "location.pathname === '/ops/login'")
	get[string](t, p, "(document.getElementById('name').value = 'ann', document.getElementById('token').value = 'guessed', '')")
	button(t, p, "Log in")
	until(t, p, "document.querySelector('.problem').textContent === 'This token is not valid.' && document.getElementById('name').value === 'ann'")
	get[string](t, p, "(document.getElementById('token').value = '"+readToken+"', '')")
	button(t, p, "Log in")
	until(t, p, is(word("payments"), "Closed"), "location.pathname === '/ops/'")
	get[bool](t, p, rowOf("payments")+".click() ?? true")
	until(t, p, "document.querySelector('.actions').textContent === 'No actions here: your token is only for looking.'")
	// Neither is it enough to make a button.
	refused := get[string](t, p, `fetch('api/act', {method: 'POST', headers: {'Content-Type': 'application/json'},
		body: JSON.stringify({key: 'payments', action: 'isolate', reason: 'r', seen: '1.0'})}).then(async (r) => r.status + await r.text())`)
	if !strings.HasPrefix(refused, "403") || !strings.Contains(refused, "only for looking") {
		t.Error(refused)
	}
	if cookies := get[string](t, p, "document.cookie"); cookies != "" {
		t.Errorf("a script can read %q", cookies)
	}
	button(t, p, "Log out")
	until(t, p, "document.getElementById('token')")
}

func TestALinkWithATokenLogsIn(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	rows(t, storage, "web-1", "payments")
	url := serve(t, dashboard.Config{Ledger: storage, Access: dashboard.Tokens(readToken, actToken)})
	p := open(t, Wide, url+"#token="+strings.ReplaceAll(actToken, " ", "+")+"&name=ann")
	until(t, p, is(word("payments"), "Closed"), is("document.getElementById('who').textContent", "ann"), "!location.href.includes('token')")
}

func TestALinkWithATokenLogsInWhoIsLoggedIn(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	rows(t, storage, "web-1", "payments")
	url := serve(t, dashboard.Config{Ledger: storage, Access: dashboard.Tokens(readToken, actToken)})
	link := func(token, name string) string {
		return url + "#token=" + strings.ReplaceAll(token, " ", "+") + "&name=" + name
	}
	p := open(t, Wide, link(readToken, "ann"))
	who := func(name string) {
		t.Helper()
		until(t, p, is("document.getElementById('who').textContent", name), is(word("payments"), "Closed"), "location.hash === ''")
	}
	who("ann, looking")
	must(t, p.Go(link(actToken, "bob"))) // in the same tab: the page is there, only the hash is another
	who("bob")
	must(t, p.Go("about:blank"))
	must(t, p.Go(link(readToken, "eve"))) // a page that begins with it
	who("eve, looking")
	for range 6 { // nor is it in the history
		get[bool](t, p, "setTimeout(() => history.back()) > 0")
		until(t, p, "document.readyState === 'complete'")
		if at := get[string](t, p, "location.href"); strings.Contains(at, "token") {
			t.Errorf("the history has %s", at)
		}
	}

	// Where there is no form it leaves the address bar too.
	p = open(t, Wide, serve(t, dashboard.Config{Ledger: storage})+"#token=x&name=y")
	until(t, p, is(word("payments"), "Closed"), is("document.getElementById('who').textContent", "ann"), "location.hash === ''")
}

func TestSomebodyElseIsFaster(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	rows(t, storage, "web-1", "payments")
	url := serve(t, dashboard.Config{Ledger: storage, Every: time.Second})
	ann, bob := open(t, Wide, url+"#/breaker/payments", "status of 409"), open(t, Narrow, url+"#/breaker/payments")
	for _, p := range []*Page{ann, bob} {
		button(t, p, "Isolate")
		get[string](t, p, "(document.getElementById('reason').value = 'INC-7', '')")
	}
	click(t, bob, "dialog button.main")
	until(t, bob, is("document.querySelector('.hero .pill').textContent", "Isolated"))
	click(t, ann, "dialog button.main")
	until(t, ann, "document.querySelector('dialog .problem').textContent.startsWith('Somebody was faster: it has changed since you looked')",
		"document.querySelector('dialog').textContent.includes('It is isolated now')", is("document.querySelector('dialog button.main').textContent", "Isolate all the same"))
	click(t, ann, "dialog button.main")
	until(t, ann, "!document.querySelector('dialog[open]')", "document.querySelectorAll('.history li').length === 2")
}
