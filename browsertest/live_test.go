package browsertest

import (
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
)

func TestStatesChangeWhileOneLooks(t *testing.T) {
	s := newService(t, "payments", "search")
	p := open(t, Wide, serve(t, dashboard.Config{Ledger: s.storage}))
	until(t, p, is(word("payments"), "Closed"), is(word("search"), "Closed"), is("document.getElementById('live-text').textContent", "Live"))
	s.down["payments"].Store(true)
	until(t, p, is(word("payments"), "Open"), rowOf("payments")+".dataset.look === 'open'", rowOf("payments")+".textContent.includes('5 active')",
		rowOf("payments")+".querySelector('.until').textContent.startsWith('probes in')",
		rowOf("payments")+".querySelector('.spark .line').getAttribute('d').length > 20",
		"document.getElementById('said').textContent.includes('payments is open')",
		"document.querySelector('#timeline li[data-look=open]').textContent.includes('The instances saw it fail')",
		is("document.querySelector('.rows .row[aria-rowindex=\"2\"]').key", "payments")) // trouble first
	if state := get[string](t, p, word("search")); state != "Closed" {
		t.Errorf("search is %s", state)
	}
	s.down["payments"].Store(false)
	until(t, p, is(word("payments"), "Closed"), "document.querySelector('#timeline').textContent.includes('Its probes succeeded')")
}

func TestAnActionOpensABreakerOnEveryInstance(t *testing.T) {
	s := newService(t, "payments")
	p := open(t, Wide, serve(t, dashboard.Config{Ledger: s.storage}))
	until(t, p, is(word("payments"), "Closed"))
	get[bool](t, p, rowOf("payments")+".click() ?? true")
	button(t, p, "Open for …")
	until(t, p, "document.querySelector('dialog[open]')", "document.activeElement.id === 'for'")
	get[string](t, p, `(document.getElementById('for').value = '90s', document.getElementById('reason').value = 'the <b>bank</b> asked')`)
	click(t, p, "dialog button.main")
	until(t, p, is("document.querySelector('.hero .pill').textContent", "Held open"), "!document.querySelector('dialog[open]')",
		"document.querySelector('.hero .why').textContent.includes('ann said so')",
		"/^held for 1 min (2|3)\\d s more$/.test(document.querySelector('.hero .countdown').textContent)",
		is("document.querySelector('.hero .note').textContent", "the <b>bank</b> asked"))
	for _, protector := range s.all["payments"] {
		for range 2000 { // each hears of it in its own time
			if protector.Status() == highway.Open {
				break
			}
			get[bool](t, p, "new Promise((done) => setTimeout(() => done(true), 10))")
		}
		if protector.Status() != highway.Open {
			t.Errorf("%v", protector.Snapshot())
		}
	}
	button(t, p, "Release")
	get[string](t, p, `(document.getElementById('reason').value = 'it is over')`)
	click(t, p, "dialog button.main")
	until(t, p, is("document.querySelector('.hero .pill').textContent", "Closed"),
		"document.querySelector('.history').textContent.includes('it is over')")
}
